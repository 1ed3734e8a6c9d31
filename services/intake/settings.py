"""What intake is told at start."""

from datetime import timedelta

from pydantic import Field

from services.intake.domain import DEFAULT_TEAM
from shared.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    """The common settings, the team that is responsible for every new case, and the rhythm of the care watch."""

    team_id: str = Field(default=DEFAULT_TEAM, pattern=r"^[A-Za-z0-9_-]{8,64}$")
    acknowledge_minutes: float | None = Field(default=None, gt=0, le=24 * 60)
    """Within how many minutes a named human has to say that they see to an acute need; without it the town's."""
    guard_minutes: float = Field(default=5, gt=0, le=60)
    """How many minutes after a missed check-out of a home visit the lead is told, and as many later who is on call."""
    watch_seconds: float = Field(default=10, gt=0, le=60)
    """How often is looked for what is overdue."""

    def acknowledge_within(self) -> timedelta:
        """Return how long an acute need may wait for a named human."""
        return timedelta(minutes=self.acknowledge_minutes or self.town.ladder.acknowledge_minutes)

    def guard_within(self) -> timedelta:
        """Return after how long the lead hears of a missed check-out."""
        return timedelta(minutes=self.guard_minutes)
