"""What assessment is told at start."""

from pathlib import Path

from pydantic import Field

from services.assessment.domain import DEFAULT_TEAM
from services.assessment.teams import Teams
from shared.settings import ServiceSettings

TEAMS_FILE = "teams.json"


class AssessmentSettings(ServiceSettings):
    """The common settings, and the team that is responsible for a case until somebody takes it."""

    team_id: str = Field(default=DEFAULT_TEAM, pattern=r"^[A-Za-z0-9_-]{8,64}$")
    teams_file: Path | None = None
    """Who works where; without it `teams.json` of the town's folder. Without either everybody is taken for known."""

    def teams(self) -> Teams:
        """Read who works where."""
        file = self.teams_file or self.town_file(TEAMS_FILE)
        return Teams.from_json(file.read_text(encoding="utf-8")) if file is not None else Teams()
