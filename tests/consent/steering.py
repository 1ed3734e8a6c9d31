"""What tests of the steering figures have in common: what services counted, and a town that is told of it."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from services.consent import figures
from services.consent.domain import RecipientRole
from shared.contracts.assessment import AssessmentFiguresCounted
from shared.contracts.figures import TABLES, FigureCell, FiguresCounted
from shared.contracts.intake import IntakeFiguresCounted
from shared.contracts.referral import ReferralFiguresCounted
from tests.consent.builders import new_id
from tests.consent.gate import Answer, Gate

STEERING = "stadt-steuerung"
EVENTS: dict[str, type[FiguresCounted]] = {
    "intake": IntakeFiguresCounted,
    "assessment": AssessmentFiguresCounted,
    "referral": ReferralFiguresCounted,
}
AFTER_Q1 = datetime(2026, 4, 7, 9, tzinfo=UTC)
"""A Tuesday, the fifth working day of April."""


def counted(producer: str, quarter: str = "2026-Q1", **rows: int) -> FiguresCounted:
    """Return what a service counted: 40 in each row that is not named."""
    cells = [(table.name, row) for table in TABLES if table.producer == producer for row in table.rows]
    return EVENTS[producer](
        count_id=new_id(),
        quarter=quarter,
        counted_at=AFTER_Q1,
        cells=tuple(FigureCell(table=table, row=row, count=rows.get(row, 40)) for table, row in cells),
    )


def everything(quarter: str = "2026-Q1", **rows: int) -> list[FiguresCounted]:
    """Return what all who count have counted."""
    return [counted(producer, quarter, **rows) for producer in EVENTS]


def enrol(gate: Gate, recipient_id: str = STEERING, **changes: Any) -> None:
    """Register a steering of a town."""
    gate.register(recipient_id, RecipientRole.STEERING, **changes)


def look(gate: Gate) -> list[str]:
    """Have the calendar looked at; return which quarters were published."""
    publish = partial(figures.publish, secret=gate.settings.rounding_key())
    published = gate.write(publish)
    gate.write(figures.release)
    return published


def told(gate: Gate, recipient_id: str = STEERING) -> list[Answer]:
    """Return what a recipient is told, opening everything that ever came."""
    return gate.reading(recipient_id).news()
