"""The entry is committed before the answer: when store, ledger or keys fail, nothing leaves, and all looks alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, text

from services.consent.answering import TRY_AGAIN
from services.consent.opening import EMPTY
from services.consent.tables import LedgerRow, ReleaseRow
from shared.contracts.categories import Category
from shared.contracts.consent import CommissionReceived
from shared.outbox import random_id
from shared.writer import StoreUnavailable
from tests.consent.builders import a_commission, a_conclusion
from tests.consent.gate import Gate
from tests.consent.wire import Wire

CONCLUSION = Category.CONCLUSION


@contextmanager
def failing_commits(engine: Engine) -> Iterator[None]:
    """Have the disk fail whenever something is committed."""

    driver, commit = engine.dialect.loaded_dbapi, engine.dialect.do_commit

    def fail(connection: Any) -> None:  # Any: a driver's own connection
        connection.rollback()
        raise driver.OperationalError("the disk is gone")

    engine.dialect.do_commit = fail  # type: ignore[assignment]  # there is no other place to fail at
    try:
        yield
    finally:
        engine.dialect.do_commit = commit  # type: ignore[method-assign]  # see above


def test_an_opening_that_cannot_be_committed_is_not_answered(gate: Gate, notice: str) -> None:
    with failing_commits(gate.service.database.engine), pytest.raises(StoreUnavailable):
        gate.open(notice)

    assert gate.rows(LedgerRow) == []
    assert gate.open(notice)["sequence"] == 1


def test_while_the_store_fails_every_notice_is_answered_alike(gate: Gate, notice: str) -> None:
    wire = Wire(gate)

    with failing_commits(gate.service.database.engine):
        answers = [wire.open(one) for one in (notice, random_id(), gate.notices()[0])]

    assert answers == [TRY_AGAIN] * 3


def test_without_a_ledger_nothing_leaves(gate: Gate, notice: str) -> None:
    wire = Wire(gate)
    gate.write(lambda work: work.session.execute(text("ALTER TABLE ledger RENAME TO ledger_away")))

    while_away = wire.open(notice)
    gate.write(lambda work: work.session.execute(text("ALTER TABLE ledger_away RENAME TO ledger")))

    assert while_away in (EMPTY, TRY_AGAIN)
    assert wire.open(notice)["result"] == "released"


def test_a_withdrawal_that_cannot_be_committed_is_not_acknowledged(gate: Gate, notice: str) -> None:
    [release] = gate.rows(ReleaseRow, ReleaseRow.release_id == notice)

    with failing_commits(gate.service.database.engine):
        answer = gate.ask("POST", "/withdrawals", {"person_id": release.person_id})

    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert gate.open(notice)["result"] == "released"


def test_a_grant_that_cannot_be_committed_opens_nothing(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    before = gate.notices()

    with failing_commits(gate.service.database.engine), pytest.raises(StoreUnavailable):
        gate.grant(person, CONCLUSION)

    assert gate.notices() == before


def test_a_command_that_cannot_be_committed_is_not_acknowledged_and_can_be_sent_again(gate: Gate) -> None:
    wire, command = Wire(gate), a_commission()

    with failing_commits(gate.service.database.engine), pytest.raises(StoreUnavailable):
        wire.send(command)

    assert wire.send(command)["result"] == "received"
    assert len(gate.announced(CommissionReceived)) == 1


def test_without_its_keys_the_gate_tells_nobody_anything(gate: Gate, notice: str) -> None:
    gate.service.keys.destroy(str(gate.rows(ReleaseRow, ReleaseRow.release_id == notice)[0].person_id))

    assert Wire(gate).open(notice) == EMPTY
    assert gate.rows(LedgerRow) == []
