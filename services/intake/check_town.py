"""Says what is wrong with the meeting points of a town's folder: `python -m services.intake.check_town FOLDER`."""

import sys
from pathlib import Path

from services.intake.meeting_point import MEETING_POINTS_FILE, MeetingPointsFile
from shared.town import report_on

if __name__ == "__main__":
    sys.exit(report_on(Path(sys.argv[1]) / MEETING_POINTS_FILE, MeetingPointsFile))
