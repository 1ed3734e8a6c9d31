"""Whatever stands in the tables that nobody here knows, and whatever the clock says: nothing leaves, and it is loud."""

from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from services.consent.app import create_app
from services.consent.opening import EMPTY
from shared.contracts.categories import Category
from shared.database import SchemaBehind
from tests.consent.builders import DAY, a_conclusion, a_statement
from tests.consent.gate import Gate
from tests.consent.stores import SqliteStores
from tests.consent.surroundings import Clock, settings_in

CONCLUSION, STATEMENT = Category.CONCLUSION, Category.STATEMENT
STRANGE = "of_a_newer_version"


def write_into(gate: Gate, statement: str) -> None:
    """Have somebody write into the tables."""
    gate.write(lambda work: work.session.execute(text(statement), {"strange": STRANGE}))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE release SET state = :strange WHERE kind = 'content'",
        "UPDATE answer SET ended_at = given_at, ended_by = :strange",
        "UPDATE grant_record SET kind = :strange",
        "UPDATE grant_record SET purpose = :strange",
        "UPDATE subject SET kind = :strange",
    ],
)
def test_a_state_that_nobody_knows_opens_nothing(gate: Gate, notice: str, statement: str) -> None:
    write_into(gate, statement)

    assert gate.open(notice) == EMPTY


@pytest.mark.parametrize("column", ["answer SET ended_at = given_at, ended_by", "grant_record SET kind"])
def test_an_answer_in_a_state_that_nobody_knows_is_loud_and_stops_no_withdrawal(
    gate: Gate, column: str, capfd: pytest.CaptureFixture[str]
) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person), a_statement(person))
    gate.grant(person, CONCLUSION)
    write_into(gate, f"UPDATE {column} = :strange")
    gate.grant(person, STATEMENT)
    told = gate.open(gate.notices()[-1])
    gate.withdraw(person)

    assert told["released"].keys() >= {"statements"}
    assert "conclusion" not in told["released"]
    assert gate.open(gate.notices()[-1])["result"] == "retracted"
    assert "answer_unreadable" in capfd.readouterr().out


def test_a_clock_that_jumps_ahead_ends_what_stands_and_one_that_jumps_back_opens_nothing_again(
    gate: Gate, notice: str
) -> None:
    before = gate.clock.now
    gate.clock.pass_(timedelta(days=400))
    ahead = gate.open(notice)
    gate.clock.now = before - DAY

    assert ahead == EMPTY
    assert gate.open(notice) == EMPTY


@pytest.mark.parametrize(
    ("statement", "missing"),
    [("ALTER TABLE fact DROP COLUMN contest", "fact.contest"), ("DROP TABLE ledger", "ledger")],
)
def test_a_gate_whose_migrations_did_not_run_to_the_end_does_not_start(
    sqlite_stores: SqliteStores, tmp_path: Path, statement: str, missing: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with sqlite_stores.fresh(tmp_path) as store:
        app = create_app(settings_in(tmp_path, store), clock=Clock())
        with app.state.service.database.engine.begin() as connection:
            connection.execute(text(statement))

        with pytest.raises(SchemaBehind, match=missing), TestClient(app):
            pass

    assert "schema_behind" in capfd.readouterr().out
