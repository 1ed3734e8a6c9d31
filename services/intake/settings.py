"""What intake is told at start."""

from pydantic import Field

from services.intake.domain import DEFAULT_TEAM
from shared.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    """The common settings, and the team that is responsible for every new case."""

    team_id: str = Field(default=DEFAULT_TEAM, pattern=r"^[A-Za-z0-9_-]{8,64}$")
