"""What the referral service is told at start."""

from pathlib import Path

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings of the referral service; each is an environment variable of the same name."""

    directory_file: Path = Path(__file__).with_name("directory.json")
    """The providers that help can be asked for at. The file beside this module is synthetic."""
