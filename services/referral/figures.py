"""Which help was asked for, taken up and given in a quarter: counted for the town's steering, never told by person."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from functools import partial

import structlog
from sqlmodel import Session, col, func, select

from services.referral.directory import Directory, HelpGroup
from services.referral.domain import Referral, Standing
from services.referral.state import State
from services.referral.store import Referrals
from services.referral.tables import Case, ReferralRow, metadata
from shared.contracts.consent import Outcome
from shared.contracts.referral import ReferralFiguresCounted
from shared.figures import Counted, Counts, Span
from shared.keys import PersonKeys

log = structlog.get_logger()

TAKEN_UP = frozenset({State.ACCEPTED, State.APPOINTMENT_TAKEN, State.ATTENDED})
TREATMENTS = frozenset({HelpGroup.HEALTH, HelpGroup.ADDICTION})
HELPED = {
    HelpGroup.DEBTS: "debts_regulated",
    HelpGroup.EVICTION: "flats_kept",
    HelpGroup.FLAT: "flats_found",
    HelpGroup.SHELTER: "shelters_found",
    HelpGroup.HEALTH: "treatments_helped",
    HelpGroup.ADDICTION: "treatments_helped",
    HelpGroup.FOOD: "food_secured",
    HelpGroup.WORK: "work_begun",
}
"""What it means that a provider ended and said that it helped."""


def figures(directory: Directory) -> Counted:
    """Return what this service counts, by the kinds of help of its directory."""
    return Counted(ReferralFiguresCounted, metadata, first_at, partial(count, directory))


def first_at(session: Session) -> datetime | None:
    """Return when the first case was opened."""
    return session.exec(select(Case.opened_at).order_by(col(Case.opened_at)).limit(1)).first()


def count(directory: Directory, session: Session, keys: PersonKeys, span: Span) -> Counts:
    """Count persons, each once in a row; what cannot be read is left out, and said how much of it."""
    persons: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    read = Referrals(session, keys).all()
    unread = session.exec(select(func.count()).select_from(ReferralRow)).one() - len(read)
    if unread:
        log.error("figures_incomplete", unread=unread)
    for referral in read:
        group = directory.group_of(referral.service)
        if group is None:
            continue
        for table, row, at in _happened(referral, group):
            if span.holds(at):
                persons[table][row].add(referral.person_id)
    return {table: {row: len(found) for row, found in rows.items()} for table, rows in persons.items()}


def _happened(referral: Referral, group: HelpGroup) -> Iterator[tuple[str, str, datetime]]:
    """Yield each row that a referral belongs into, with the first time of what it stands for."""
    yield "asked_for", group.value, referral.requested_at
    standings = list(_standings(referral))
    for standing in [one for one in standings if one.state in TAKEN_UP][:1]:
        yield "taken_up", group.value, standing.since
    for standing in [one for one in standings if one.state is State.ATTENDED and group in TREATMENTS][:1]:
        yield "outcomes", "treatments_begun", standing.since
    last = referral.standing
    if last.state is State.ENDED and last.answer is not None and last.answer.outcome is Outcome.HELPED:
        yield "outcomes", HELPED[group], last.since


def _standings(referral: Referral) -> Iterator[Standing]:
    """Yield where a referral stood, one after the other."""
    standing = Standing(State.REQUESTED, since=referral.requested_at)
    for happening in sorted(referral.history, key=lambda one: one.at):
        standing = standing.after(happening)
        yield standing
