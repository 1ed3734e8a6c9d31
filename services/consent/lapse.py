"""Until when each recipient's commitment holds, as an operator sees it, and that the end is said loudly in time."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from sqlmodel import col, select

from services.consent.commitment import WARN_DAYS, RecipientState, last_day_before
from services.consent.recipient_tables import RecipientRow
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

_OVER = -1


def state_of(row: RecipientRow, *, at: datetime) -> RecipientState:
    """Return where a recipient stands at that moment."""
    if row.ended_at is not None:
        return RecipientState.ENDED
    return RecipientState.ACTIVE if at < row.commitment_ends_at else RecipientState.LAPSED


def warn(work: UnitOfWork, *, zone: ZoneInfo, name_in_logs: Callable[[str], str] = str) -> int:
    """Say in the log, once each, which commitments end within 30 days, within 7, and which have run out."""
    said = 0
    query = select(RecipientRow).where(col(RecipientRow.ended_at).is_(None))
    for row in work.session.exec(query.order_by(RecipientRow.recipient_id)):
        stage = _stage(row, work, zone)
        if stage is None or (row.warned_days is not None and row.warned_days <= stage):
            continue
        row.warned_days = stage
        work.session.add(row)
        _say(row, work, zone, name_in_logs(row.recipient_id))
        said += 1
    return said


def _stage(row: RecipientRow, work: UnitOfWork, zone: ZoneInfo) -> int | None:
    """Return the smallest number of days that it is within, or that it is over, or None."""
    if work.now >= row.commitment_ends_at:
        return _OVER
    left = _days_left(row, work, zone)
    return min((days for days in WARN_DAYS if left <= days), default=None)


def _days_left(row: RecipientRow, work: UnitOfWork, zone: ZoneInfo) -> int:
    return (last_day_before(row.commitment_ends_at, zone) - work.now.astimezone(zone).date()).days


def _say(row: RecipientRow, work: UnitOfWork, zone: ZoneInfo, name: str) -> None:
    ends_on = last_day_before(row.commitment_ends_at, zone).isoformat()
    if row.warned_days == _OVER:
        log.error("commitment_lapsed", recipient=name, commitment_ends_on=ends_on)
        return
    left = _days_left(row, work, zone)
    log.warning("commitment_ends_soon", recipient=name, commitment_ends_on=ends_on, days_left=left)
