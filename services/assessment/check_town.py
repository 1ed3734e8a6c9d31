"""Says what is wrong with the teams of a town's folder: `python -m services.assessment.check_town FOLDER`."""

import sys
from pathlib import Path

from services.assessment.settings import TEAMS_FILE
from services.assessment.teams import TeamsFile
from shared.town import report_on

if __name__ == "__main__":
    sys.exit(report_on(Path(sys.argv[1]) / TEAMS_FILE, TeamsFile))
