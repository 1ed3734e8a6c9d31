"""What assessment is told at start."""

from pydantic import Field

from services.assessment.domain import DEFAULT_TEAM
from shared.settings import ServiceSettings


class AssessmentSettings(ServiceSettings):
    """The common settings, and the team that is responsible for a case until somebody takes it."""

    team_id: str = Field(default=DEFAULT_TEAM, pattern=r"^[A-Za-z0-9_-]{8,64}$")
