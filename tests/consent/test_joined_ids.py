"""After a joining both ids are one human's: what narrows under the former one counts, and nothing there opens more."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from services.consent.domain import Word
from services.consent.subscribers import subscriptions
from services.consent.tables import SubjectRow, metadata
from shared.contracts.categories import Category
from shared.contracts.consent import CommissionReceived, PersonErased
from shared.database import touch
from shared.effect import WAITS, Effects
from shared.outbox import random_id
from shared.reader import Reader, Received
from shared.unit_of_work import UnitOfWork
from tests.consent.builders import DAY, a_case, a_commission, a_conclusion, a_proof, new_id
from tests.consent.bus import Bus
from tests.consent.gate import Gate, a_gate_with_recipients
from tests.consent.stores import PostgresStores
from tests.consent.test_joining import joined, told_by_joining, two_ids_of_one_human
from tests.consent.test_refused_grants import a_form
from tests.consent.test_shield import register_shield, shielded

CONCLUSION = Category.CONCLUSION


def take_back(gate: Gate, person: str) -> None:
    """Have a person withdraw everything at the desk."""
    assert gate.ask("POST", "/withdrawals", {"person_id": person}).status_code == 200
    gate.clock.pass_()


def say_no(gate: Gate, person: str) -> None:
    """Have a person say no."""
    gate.grant(person, CONCLUSION, word=Word.NO)


def shield(gate: Gate, person: str) -> None:
    """Have intake shield the case of a person."""
    gate.hear(shielded(person))


@pytest.mark.parametrize("narrow", [take_back, say_no, shield])
def test_what_narrows_under_the_former_id_after_the_joining_counts_for_the_one_that_goes_on(
    sqlite_gate: Gate, narrow: Callable[[Gate, str], None]
) -> None:
    gate, jobcenter = sqlite_gate, sqlite_gate.reading()
    register_shield(gate)
    earlier, former = two_ids_of_one_human(gate)
    assert told_by_joining(gate, earlier, former) == ["released"]
    jobcenter.news()

    narrow(gate, former)

    assert [news["result"] for news in jobcenter.news()] == ["retracted"]


@pytest.mark.parametrize("held", [False, True], ids=["no signal", "signal"])
def test_after_a_quiet_signal_under_the_former_id_nothing_more_leaves_for_the_one_that_goes_on(
    sqlite_gate: Gate, held: bool
) -> None:
    gate, jobcenter = sqlite_gate, sqlite_gate.reading()
    earlier, former = two_ids_of_one_human(gate)
    assert told_by_joining(gate, earlier, former) == ["released"]
    jobcenter.news()

    if held:
        assert gate.ask("POST", f"/persons/{former}/hold", {}).is_success
    gate.clock.pass_()
    gate.hear(a_conclusion(earlier, "able_full_time", at=gate.clock.now))

    assert ("released" in [news["result"] for news in jobcenter.news()]) is not held


@pytest.mark.parametrize(
    "changes",
    [
        {"kinds": ["data_consent"]},
        {"kinds": ["secrecy_release"]},
        {"evidence": a_proof(place="jobcenter_premises")},
        {"valid_days": 1},
        {"reaches_back": False},
    ],
    ids=["one kind", "other kind", "under pressure", "expired", "not reaching back"],
)
def test_a_later_yes_under_the_former_id_does_not_let_the_older_yes_speak(
    sqlite_gate: Gate, changes: dict[str, Any]
) -> None:
    gate = sqlite_gate
    earlier, former = two_ids_of_one_human(gate)
    gate.grant(former, CONCLUSION, word=Word.NO)
    gate.clock.pass_(DAY)
    assert gate.ask("POST", "/grants", a_form(former, **changes)).status_code == 201
    gate.clock.pass_(3 * DAY)
    gate.expire(former)

    assert "released" not in told_by_joining(gate, earlier, former)


def test_a_later_yes_under_the_former_id_that_was_not_free_does_not_let_the_older_yes_speak(
    sqlite_gate: Gate,
) -> None:
    gate = sqlite_gate
    earlier, former = two_ids_of_one_human(gate)
    gate.grant(former, CONCLUSION, word=Word.NO)
    gate.clock.pass_(DAY)
    for grant in gate.grant(former, CONCLUSION):
        assert gate.ask("POST", f"/grants/{grant}/invalidity", {"reason": "not_free"}).status_code == 200
        gate.clock.pass_()

    assert "released" not in told_by_joining(gate, earlier, former)


def test_a_second_joining_takes_along_what_narrows_as_the_first_did(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    earlier, former = two_ids_of_one_human(gate)
    second = gate.a_person()
    gate.grant(second, CONCLUSION, word=Word.ASK)
    assert told_by_joining(gate, earlier, former) == ["released"]

    assert "released" not in told_by_joining(gate, earlier, second)


def test_a_joining_that_is_heard_too_early_holds_the_lock_of_whom_it_waits_for(
    two_databases: PostgresStores, tmp_path: Path
) -> None:
    with two_databases.fresh(tmp_path) as store, a_gate_with_recipients(tmp_path, store) as gate:
        earlier, former = f"person-{new_id()}", f"person-{new_id()}"
        gate.command(a_commission())
        [commission] = gate.announced(CommissionReceived)
        gate.hear(a_case(earlier))
        early = Received(random_id(), random_id(), joined(commission.commission_id, earlier=earlier, former=former))

        def hear_too_early(work: UnitOfWork) -> None:
            assert effects_of(gate).now_or_later(work, early) == WAITS
            with Session(gate.service.database.engine) as other_instance:
                other_instance.execute(text("SET lock_timeout = '300ms'"))
                with pytest.raises(OperationalError):
                    touch(other_instance, metadata, f"person:{former}")

        gate.write(hear_too_early, locks=lambda _: {f"person:{earlier}"})


def effects_of(gate: Gate) -> Effects:
    """Return the effects of one instance of the gate."""
    service = gate.service
    reader = Reader({}, service.zone_keys)
    return Effects(subscriptions(gate.settings), inbox=service.inbox, parking=service.parking, reader=reader)


def test_a_joining_after_the_former_person_was_erased_is_settled_and_not_parked(
    sqlite_gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = sqlite_gate
    earlier, former = two_ids_of_one_human(gate)
    [commission] = gate.rows(SubjectRow, SubjectRow.person_id == former)
    assert gate.ask("POST", f"/persons/{former}/erasure").status_code == 202
    gate.clock.pass_()
    capsys.readouterr()

    Bus(gate).bring(joined(commission.subject_id, earlier=earlier, former=former))

    assert '"outcome": "erased"' in capsys.readouterr().out
    assert gate.ask("GET", "/parked", role="operator").json() == []


def test_erasing_the_person_who_goes_on_is_announced_for_the_former_id_as_well(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    earlier, former = two_ids_of_one_human(gate)
    told_by_joining(gate, earlier, former)

    assert gate.ask("POST", f"/persons/{earlier}/erasure").status_code == 202
    gate.clock.pass_()

    assert {event.person_id for event in gate.announced(PersonErased)} == {earlier, former}


def a_chain(gate: Gate) -> tuple[str, str, str]:
    """Join a commission twice: into a second id and on into a third; return the three, the last one goes on."""
    second, first = two_ids_of_one_human(gate)
    [commission] = gate.rows(SubjectRow, SubjectRow.person_id == first)
    told_by_joining(gate, second, first)
    third = f"person-{new_id()}"
    gate.hear(a_case(third), a_conclusion(third))
    gate.grant(third, CONCLUSION)
    gate.clock.pass_(DAY)
    gate.grant(first, CONCLUSION, word=Word.NO)
    gate.clock.pass_(DAY)
    gate.hear(joined(commission.subject_id, earlier=third, former=second))
    gate.clock.pass_()
    return first, second, third


def test_a_no_under_the_first_id_of_a_chain_counts_for_the_last(sqlite_gate: Gate) -> None:
    jobcenter = sqlite_gate.reading()

    a_chain(sqlite_gate)

    assert "released" not in [news["result"] for news in jobcenter.news()]


def test_erasing_the_last_id_of_a_chain_erases_all(sqlite_gate: Gate) -> None:
    ids = a_chain(sqlite_gate)

    assert sqlite_gate.ask("POST", f"/persons/{ids[-1]}/erasure").status_code == 202
    sqlite_gate.clock.pass_()

    assert {event.person_id for event in sqlite_gate.announced(PersonErased)} == set(ids)
