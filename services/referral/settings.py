"""What the referral service is told at start."""

from pathlib import Path

from services.referral.directory import Directory, read_directory
from services.referral.state import unknown_states
from shared.contracts.town import Town
from shared.settings import ServiceSettings
from shared.town import USUAL, TownInvalid

DIRECTORY_FILE = "directory.json"


def check_deadlines(town: Town) -> None:
    """Refuse days for a state that there is not, or that is the end; raises TownInvalid."""
    unknown = unknown_states(town)
    if unknown:
        raise TownInvalid(
            *((f"town.toml: deadlines.referral.{name}", "is no state with a next step") for name in unknown)
        )


class Settings(ServiceSettings):
    """Settings of the referral service; each is an environment variable of the same name."""

    directory_file: Path | None = None
    """The providers that help can be asked for at; without it `directory.json` of the town's folder."""

    def directory(self) -> Directory:
        """Read the providers; without any file those of the usual town, which are synthetic."""
        return read_directory(self.directory_file or self.town_file(DIRECTORY_FILE) or USUAL / DIRECTORY_FILE)
