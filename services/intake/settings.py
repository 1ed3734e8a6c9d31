"""What intake is told at start."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from services.intake.domain import DEFAULT_TEAM
from services.intake.meeting_point import MEETING_POINTS_FILE, MeetingPoint, MeetingPointsFile
from shared.settings import ServiceSettings
from shared.town import USUAL, read_part


class IntakeSettings(ServiceSettings):
    """The common settings, the team of every new case, the rhythm of the care watch, and outreach."""

    team_id: str = Field(default=DEFAULT_TEAM, pattern=r"^[A-Za-z0-9_-]{8,64}$")
    acknowledge_minutes: float | None = Field(default=None, gt=0, le=24 * 60)
    """Within how many minutes a named human has to say that they see to an acute need; without it the town's."""
    guard_minutes: float = Field(default=5, gt=0, le=60)
    """How many minutes after a missed check-out of a home visit the lead is told, and as many later who is on call."""
    watch_seconds: float = Field(default=10, gt=0, le=60)
    """How often is looked for what is overdue."""
    meeting_points_file: Path | None = None
    """Where somebody can be met without an address; without it `meeting_points.json` of the town's folder."""
    forget_threads_days: int = Field(default=180, ge=30, le=3650)
    """After how many days without a meeting a thread is forgotten; a lead is told two weeks before."""

    def meeting_points(self) -> tuple[MeetingPoint, ...]:
        """Read the meeting points; those of the usual town are no other town's."""
        usual = USUAL / MEETING_POINTS_FILE if self.town_folder is None else None
        file = self.meeting_points_file or self.town_file(MEETING_POINTS_FILE) or usual
        return read_part(file, MeetingPointsFile).meeting_points if file is not None else ()

    def acknowledge_within(self) -> timedelta:
        """Return how long an acute need may wait for a named human."""
        return timedelta(minutes=self.acknowledge_minutes or self.town.ladder.acknowledge_minutes)

    def guard_within(self) -> timedelta:
        """Return after how long the lead hears of a missed check-out."""
        return timedelta(minutes=self.guard_minutes)

    def forget_after(self) -> timedelta:
        """Return how long is kept what was noted of somebody whom nobody meets any more."""
        return timedelta(days=self.forget_threads_days)
