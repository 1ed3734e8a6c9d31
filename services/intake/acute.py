"""Acute need: hunger, no shelter tonight, urgent illness, danger to life, violence. A named human says within minutes
that they see to it, or the alarm climbs; then help is owed within hours, until somebody writes down what came of it.

It goes by HTTP into this service's own table and needs no broker. The bus only carries to the other services that
there is a need, never of which kind.
"""

from datetime import timedelta
from enum import StrEnum

from services.intake import care_store, store, watch
from services.intake.care import Lane, Step
from services.intake.care_store import AcuteNeed
from services.intake.domain import AcuteNeedNotFound, CaseHasEnded, CaseInAcuteNeed, NotYetAcknowledged
from services.intake.store import Case
from shared.contracts.care import Turn
from shared.contracts.intake import AcuteNeedReported
from shared.outbox import random_id
from shared.unit_of_work import UnitOfWork

HELP_WITHIN = timedelta(hours=4)

ACKNOWLEDGE = "acknowledge_acute_need"
HELP = "help_now"


class NeedKind(StrEnum):
    """What somebody needs now."""

    HUNGER = "hunger"
    NO_SHELTER_TONIGHT = "no_shelter_tonight"
    URGENT_ILLNESS = "urgent_illness"
    DANGER_TO_LIFE = "danger_to_life"
    VIOLENCE = "violence"


class NeedOutcome(StrEnum):
    """What came of it."""

    HELPED = "helped"
    HANDED_TO_EMERGENCY_SERVICES = "handed_to_emergency_services"
    NOT_FOUND = "not_found"
    DID_NOT_WANT_HELP = "did_not_want_help"


def report(work: UnitOfWork, *, case_id: str, kind: NeedKind, by: str, within: timedelta) -> AcuteNeed:
    """Write a need down and tell whoever is responsible at once. The same kind again, while it is open, is the same."""
    case = store.load_case(work.session, case_id)
    if case.ended_at is not None:
        raise CaseHasEnded
    for need, person_id in care_store.open_needs(work.session, case_id):
        if care_store.kind_of(work.keys, person_id, need) == kind:
            return need
    need_id = random_id()
    need = AcuteNeed(
        need_id=need_id,
        case_id=case_id,
        reported_at=work.now,
        reported_by=by,
        acknowledge_by=work.now + within,
        kind=work.seal(case.person_id, care_store.kind_place(need_id), kind.value),
    )
    work.session.add(need)
    _call(work, case, need)
    work.announce(
        AcuteNeedReported(
            need_id=need_id,
            case_id=case_id,
            person_id=case.person_id,
            reported_at=work.now,
            acknowledge_by=need.acknowledge_by,
        )
    )
    return need


def follow(work: UnitOfWork, case: Case) -> None:
    """Have the needs that nobody has acknowledged with whoever has the case now; their time goes on."""
    for need, _ in care_store.open_needs(work.session, case.case_id):
        if need.acknowledged_at is None:
            _call(work, case, need)


def acknowledge(work: UnitOfWork, *, need_id: str, by: str) -> AcuteNeed:
    """Record that a named human sees to it. The first one counts; then they owe help within hours."""
    need, case = _load(work, need_id)
    if need.acknowledged_at is None and need.settled_at is None:
        need.acknowledged_at, need.acknowledged_by = work.now, by
        step = Step(HELP, by, Turn.TEAM, work.now + HELP_WITHIN, Lane.ACUTE)
        watch.keep(work, case, _strand_key(need_id), step)
    return need


def settle(work: UnitOfWork, *, need_id: str, outcome: NeedOutcome, by: str) -> AcuteNeed:
    """Write down what came of it. Whoever had not acknowledged it cannot have helped."""
    need, case = _load(work, need_id)
    if need.acknowledged_at is None:
        raise NotYetAcknowledged
    if need.settled_at is None:
        need.settled_at, need.settled_by = work.now, by
        need.outcome = work.seal(case.person_id, care_store.outcome_place(need_id), outcome.value)
        watch.keep(work, case, _strand_key(need_id), None)
    return need


def check_none_open(work: UnitOfWork, case_id: str) -> None:
    """Refuse to end a case in which somebody still needs help now."""
    if care_store.open_needs(work.session, case_id):
        raise CaseInAcuteNeed


def _call(work: UnitOfWork, case: Case, need: AcuteNeed) -> None:
    step = Step(ACKNOWLEDGE, watch.responsible(work, case), Turn.TEAM, need.acknowledge_by, Lane.ACUTE)
    watch.keep(work, case, _strand_key(need.need_id), step)


def _load(work: UnitOfWork, need_id: str) -> tuple[AcuteNeed, Case]:
    need = work.session.get(AcuteNeed, need_id)
    if need is None:
        raise AcuteNeedNotFound
    return need, store.load_case(work.session, need.case_id)


def _strand_key(need_id: str) -> str:
    return f"{watch.ACUTE}.{need_id}"
