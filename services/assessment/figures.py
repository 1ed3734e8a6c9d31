"""What the team found in a quarter, and how soon it met whom: counted for the town's steering, never told by person."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog
from sqlmodel import Session, col, select

from services.assessment import domain, store
from services.assessment.domain import Kind
from services.assessment.store import Case, Content, metadata
from shared.contracts.assessment import AssessmentFiguresCounted
from shared.contracts.town import Town
from shared.figures import Counted, Counts, Span
from shared.keys import KeyDestroyed, KeyNeverMade, PersonKeys, UnreadableValue

log = structlog.get_logger()

NEED_FROM_SEVERITY = 2
"""A finding counts as a need from the middle of the scale (0 to 4) on."""

_TALK_CLASSES = ((3, "within_3_days"), (7, "within_7_days"), (14, "within_14_days"), (30, "within_30_days"))


def first_at(session: Session) -> datetime | None:
    """Return when the first case was opened."""
    return session.exec(select(Case.opened_at).order_by(col(Case.opened_at)).limit(1)).first()


def count(session: Session, keys: PersonKeys, span: Span) -> Counts:
    """Count persons; what cannot be read is left out, and said how much of it."""
    needs: dict[str, set[str]] = defaultdict(set)
    talks: dict[str, int] = defaultdict(int)
    unread = waiting = 0
    for case in session.exec(select(Case).where(col(Case.opened_at) < span.ends_at).order_by(Case.case_id)):
        try:
            for life_domain, since in _needs(session, keys, case, span):
                if span.holds(since):
                    needs[life_domain].add(case.person_id)
            met = _first_talk(session, keys, case, span)
        except KeyNeverMade:  # the store of keys is the wrong one: what is counted now would stand for ever
            raise
        except KeyDestroyed:  # erased this very moment
            continue
        except UnreadableValue:
            log.error("case_not_counted", case_id=case.case_id)
            unread += 1
            continue
        if met is not None and span.holds(met.recorded_at):
            talks[talk_class(span.town, span.town.today(case.opened_at), met.attended_on)] += 1
        elif met is None and span.holds(case.opened_at) and (case.ended_at is None or case.ended_at >= span.ends_at):
            waiting += 1
    if unread:
        log.error("figures_incomplete", unread=unread)
    found = {life_domain: len(persons) for life_domain, persons in needs.items()}
    return {"needs": found, "first_talks": dict(talks), "not_yet_met": {"waiting": waiting}}


def talk_class(town: Town, opened_on: date, attended_on: date) -> str:
    """Return how soon somebody was met, in the town's working days after the day on which the case began."""
    return next((name for most, name in _TALK_CLASSES if attended_on <= _last_day(town, opened_on, most)), "later")


def _last_day(town: Town, opened_on: date, working_days: int) -> date:
    """Return the last day before one more working day has begun."""
    return town.after_working_days(opened_on, working_days + 1) - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Met:
    recorded_at: datetime
    attended_on: date


def _needs(session: Session, keys: PersonKeys, case: Case, span: Span) -> Iterator[tuple[str, datetime]]:
    """Yield since when the team knows of a need in each life domain, as far as that was before the end of the quarter.

    Not counted is what was removed, what is about somebody else, what is contested, and, until a second person has
    confirmed it, what has to be confirmed: such a finding came about when it was.
    """
    first: dict[str, datetime] = {}
    histories = store.entries_of(session, case.case_id, Kind.FACT)
    disputed = store.contested_by_person(session, keys, case, [versions[-1].entry_id for versions in histories])
    for versions in histories:
        read = [(version, store.content_of(keys, case, version)) for version in versions]
        newest = read[-1][1]
        if newest.get("contested") or newest.get("about_id") or versions[-1].entry_id in disputed:
            continue
        since = next((entry.recorded_at for entry, content in read if _is_need(content)), span.ends_at)
        if since < span.ends_at:
            life_domain = str(newest["life_domain"])
            first[life_domain] = min(since, first.get(life_domain, since))
    yield from first.items()


def _is_need(content: Content) -> bool:
    return int(content.get("severity", 0)) >= NEED_FROM_SEVERITY and not domain.waits_for_second(content)


def _first_talk(session: Session, keys: PersonKeys, case: Case, span: Span) -> _Met | None:
    """Return the talk that was written down first, if that was before the end of the quarter.

    It belongs to the quarter in which it was written down: so none slips through between two counts.
    """
    entries = [versions[-1] for versions in store.entries_of(session, case.case_id, Kind.ATTENDANCE)]
    known = sorted((entry for entry in entries if entry.recorded_at < span.ends_at), key=lambda one: one.recorded_at)
    if not known:
        return None
    content = store.content_of(keys, case, known[0])
    return _Met(known[0].recorded_at, date.fromisoformat(content["attended_on"]))


FIGURES = Counted(AssessmentFiguresCounted, metadata, first_at, count)
