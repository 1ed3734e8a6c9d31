"""What assessment is told at start."""

from pathlib import Path

from pydantic import Field

from services.assessment.domain import DEFAULT_TEAM
from services.assessment.teams import Teams
from shared.settings import ServiceSettings


class AssessmentSettings(ServiceSettings):
    """The common settings, and the team that is responsible for a case until somebody takes it."""

    team_id: str = Field(default=DEFAULT_TEAM, pattern=r"^[A-Za-z0-9_-]{8,64}$")
    teams_file: Path | None = None
    """Who works where. Without it every team and member is taken for known; `teams.json` beside this is synthetic."""

    def teams(self) -> Teams:
        """Read who works where."""
        if self.teams_file is None:
            return Teams()
        return Teams.from_json(self.teams_file.read_text(encoding="utf-8"))
