"""Says what is wrong with the providers of a town's folder: `python -m services.referral.check_town FOLDER`."""

import sys
from pathlib import Path

from services.referral.directory import DirectoryFile
from services.referral.settings import DIRECTORY_FILE
from shared.town import report_on

if __name__ == "__main__":
    sys.exit(report_on(Path(sys.argv[1]) / DIRECTORY_FILE, DirectoryFile))
