"""Who is away, from when until when, and who stands in. From the first day on nobody who is away is responsible for a
case alone: it goes to the deputy, else to the team, and is announced like any other hand-over.
"""

from collections import Counter
from datetime import date, timedelta

from sqlmodel import Session, col, select

from services.assessment import store
from services.assessment.domain import NotAcceptable
from services.assessment.handlers import take_case
from services.assessment.planning import Answer
from services.assessment.store import Absence, Case
from services.assessment.teams import Teams
from shared.unit_of_work import UnitOfWork

LONGEST = timedelta(days=366)


def absent(work: UnitOfWork) -> frozenset[str]:
    """Return who is away today."""
    return frozenset(_running(work))


def carried(work: UnitOfWork) -> Counter[str]:
    """Return how many open cases each carries."""
    open_cases = select(Case.responsible_id).where(col(Case.ended_at).is_(None), col(Case.finished_at).is_(None))
    return Counter(work.session.exec(open_cases))


def take_if_there(work: UnitOfWork, *, case_id: str, team_id: str, responsible_id: str, teams: Teams) -> Answer:
    """Take a case, or hand it over, unless that team or member does not exist or is away."""
    refusal = teams.refusal(team_id=team_id, responsible_id=responsible_id, absent=absent(work))
    if refusal is not None:
        raise NotAcceptable(*refusal)
    return take_case(work, case_id=case_id, team_id=team_id, responsible_id=responsible_id)


def known(session: Session, *, today: date) -> list[Absence]:
    """Return every absence that is not over, by member and day."""
    found = select(Absence).where(col(Absence.until_on) >= today)
    return list(session.exec(found.order_by(Absence.member_id, col(Absence.from_on))))


def locks(session: Session) -> set[str]:
    """Name the rows to lock before cases are handed over: of everybody whom somebody with an absence looks after."""
    return set().union(*(locks_of(session, member_id) for member_id in session.exec(select(Absence.member_id)).all()))


def locks_of(session: Session, member_id: str) -> set[str]:
    """Name the rows to lock of everybody whom one member looks after."""
    theirs = select(Case.person_id).where(Case.responsible_id == member_id, store.is_looked_after())
    return {f"person:{person_id}" for person_id in session.exec(theirs)}


def record(
    work: UnitOfWork, *, member_id: str, from_on: date, until_on: date, deputy_id: str | None, teams: Teams
) -> Answer:
    """Write down an absence beside those that are known; said again with the same first day it is changed.

    What is due from today on is handed over at once.
    """
    _check(teams, member_id, from_on, until_on, deputy_id, today=work.town.today(work.now))
    work.session.merge(Absence(member_id=member_id, from_on=from_on, until_on=until_on, deputy_id=deputy_id))
    work.session.flush()
    return {"member_id": member_id, "handed_over": hand_over(work, teams=teams)}


def hand_over(work: UnitOfWork, *, teams: Teams) -> int:
    """Hand over every open case of whoever is away; return how many."""
    away = _running(work)
    cases = [case for case in store.open_cases(work.session) if case.responsible_id in away] if away else []
    for case in cases:
        deputy_id = away[case.responsible_id].deputy_id
        deputy = None if deputy_id in away else deputy_id
        team_id = teams.members[deputy].team_id if deputy and deputy in teams.members else case.team_id
        take_case(work, case_id=case.case_id, team_id=team_id, responsible_id=deputy or case.team_id)
    return len(cases)


def take_back(work: UnitOfWork, *, member_id: str, from_on: date) -> Answer:
    """Take back an absence that will not be, or is over sooner. A second time changes nothing."""
    row = work.session.get(Absence, (member_id, from_on))
    if row is not None:
        work.session.delete(row)
    return {"member_id": member_id}


def _running(work: UnitOfWork) -> dict[str, Absence]:
    """Return who is away today, and the absence that began last."""
    today = work.town.today(work.now)
    found = select(Absence).where(col(Absence.from_on) <= today, col(Absence.until_on) >= today)
    return {row.member_id: row for row in work.session.exec(found.order_by(col(Absence.from_on)))}


def _check(teams: Teams, member_id: str, from_on: date, until_on: date, deputy_id: str | None, *, today: date) -> None:
    if until_on < from_on:
        raise NotAcceptable("until_on", "lies before from_on")
    if until_on < today - LONGEST or from_on > today + LONGEST:
        raise NotAcceptable("from_on", "lies more than a year away")
    if until_on - from_on > LONGEST:
        raise NotAcceptable("until_on", "lies more than a year after from_on")
    if teams.members and member_id not in teams.members:
        raise NotAcceptable("member_id", "is nobody's of a team")
    if deputy_id is not None and (deputy_id == member_id or (teams.members and deputy_id not in teams.members)):
        raise NotAcceptable("deputy_id", "must be another member of a team")
