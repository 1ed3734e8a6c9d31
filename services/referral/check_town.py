"""Says what is wrong with a town's providers and days: `python -m services.referral.check_town FOLDER`."""

import sys
from pathlib import Path

from services.referral.directory import DirectoryFile
from services.referral.settings import DIRECTORY_FILE, check_deadlines
from shared.town import TownInvalid, read_town, report, report_on


def _check(folder: Path) -> int:
    wrong = report_on(folder / DIRECTORY_FILE, DirectoryFile)
    try:
        town = read_town(folder)
    except TownInvalid:  # whoever runs this reads that file first, and says so
        return wrong
    try:
        check_deadlines(town)
    except TownInvalid as error:
        return report(error)
    return wrong


if __name__ == "__main__":
    sys.exit(_check(Path(sys.argv[1])))
