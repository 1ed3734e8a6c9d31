"""After a joining, what is taken back or forgotten under one id of a human is under all of them."""

import pytest

from services.consent.signing import content_of
from services.consent.tables import SubjectRow
from shared.contracts.categories import Category
from shared.contracts.consent import PersonErased
from tests.consent.builders import CLINIC, JOBCENTER, a_case, an_identity, new_id
from tests.consent.bus import Bus
from tests.consent.gate import Gate, Reader
from tests.consent.test_joined_ids import take_back
from tests.consent.test_joining import joined, told_by_joining, two_ids_of_one_human
from tests.consent.test_restore import Restorable, town  # noqa: F401  a fixture


def what_the_clinic_knows(gate: Gate, person: str) -> Reader:
    """Have the clinic open something about a person in a referral of theirs; return its reader."""
    clinic = gate.reading(CLINIC)
    referral = gate.a_referral_of(person, Category.IDENTITY)
    gate.hear(an_identity(person))
    gate.agree(person, referral, Category.IDENTITY)
    assert [news["result"] for news in clinic.news()] == ["released"]
    return clinic


def test_a_withdrawal_of_everything_reaches_what_was_told_under_a_former_id(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    earlier, former = two_ids_of_one_human(gate)
    clinic = what_the_clinic_knows(gate, former)
    told_by_joining(gate, earlier, former)

    reply = gate.ask("POST", "/withdrawals", {"person_id": earlier}).json()
    gate.clock.pass_()

    assert [news["result"] for news in clinic.news()] == ["retracted"]
    ended = {one["recipient"]["id"] for one in content_of(reply["receipt"])["ended"]}
    assert ended == {CLINIC, JOBCENTER}


def test_a_withdrawal_under_a_former_id_has_a_receipt_of_what_ended_under_the_other(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    earlier, former = two_ids_of_one_human(gate)
    told_by_joining(gate, earlier, former)

    reply = gate.ask("POST", "/withdrawals", {"person_id": former}).json()

    assert reply["answers_ended"] == 2
    assert {one["recipient"]["id"] for one in content_of(reply["receipt"])["ended"]} == {JOBCENTER}


def test_what_narrows_under_one_former_id_narrows_under_another(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    earlier, former = two_ids_of_one_human(gate)
    other = gate.a_person()
    clinic = what_the_clinic_knows(gate, other)
    told_by_joining(gate, earlier, former)
    told_by_joining(gate, earlier, other)

    take_back(gate, former)

    assert [news["result"] for news in clinic.news()] == ["retracted"]


def test_erasing_a_former_id_takes_back_what_was_told_under_the_other_and_forgets_that_one_alone(
    sqlite_gate: Gate,
) -> None:
    gate, jobcenter = sqlite_gate, sqlite_gate.reading()
    earlier, former = two_ids_of_one_human(gate)
    assert told_by_joining(gate, earlier, former) == ["released"]
    jobcenter.news()

    assert gate.ask("POST", f"/persons/{former}/erasure").status_code == 202
    gate.clock.pass_()

    assert [news["result"] for news in jobcenter.news()] == ["retracted"]
    assert [event.person_id for event in gate.announced(PersonErased)] == [former]


@pytest.mark.parametrize("reordered", [False, True], ids=["in order", "reordered"])
def test_a_commission_that_moves_twice_arrives_in_whichever_order_it_is_heard(
    sqlite_gate: Gate, reordered: bool
) -> None:
    gate, bus = sqlite_gate, Bus(sqlite_gate)
    second, first = two_ids_of_one_human(gate)
    third = f"person-{new_id()}"
    gate.hear(a_case(third))
    [commission] = gate.rows(SubjectRow, SubjectRow.person_id == first)
    moves = [
        joined(commission.subject_id, earlier=second, former=first),
        joined(commission.subject_id, earlier=third, former=second),
    ]

    bus.bring(*(reversed(moves) if reordered else moves))
    bus.bring(moves[0])  # told once more it changes nothing

    assert [row.person_id for row in gate.rows(SubjectRow)] == [third]


def test_a_joining_that_a_restored_backup_forgot_moves_the_commission_when_it_is_heard_again(
    town: Restorable,  # noqa: F811  the fixture
) -> None:
    with town.running() as gate:
        earlier, former = two_ids_of_one_human(gate)
        [commission] = gate.rows(SubjectRow, SubjectRow.person_id == former)
    restore = town.back_up()
    moved = joined(commission.subject_id, earlier=earlier, former=former)
    with town.running() as gate:
        gate.hear(moved)

    restore()

    with town.running() as gate:
        gate.hear(moved)
        assert [row.person_id for row in gate.rows(SubjectRow)] == [earlier]
