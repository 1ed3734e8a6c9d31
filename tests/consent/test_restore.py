"""An older backup is put back: no grant stands again, no key lives again, and without the journal nothing starts."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from services.consent.domain import RecipientRole, Word
from services.consent.opening import EMPTY
from services.consent.tables import AnswerRow, FactRow, GrantRow
from shared.contracts.categories import Category
from shared.contracts.consent import PersonErased
from shared.database import open_engine
from shared.journal import JournalMissing
from tests.consent.builders import JOBCENTER, NOON, a_conclusion, new_id
from tests.consent.gate import Gate, running_gate
from tests.consent.steering import AFTER_Q1, enrol, everything, look, told
from tests.consent.surroundings import Clock, Store, register, register_all

CONCLUSION = Category.CONCLUSION


@dataclass
class Restorable:
    """A gate that is stopped and started again on whatever was put back meanwhile."""

    store: Store
    folder: Path
    clock: Clock = field(default_factory=Clock)

    @contextmanager
    def running(self) -> Iterator[Gate]:
        """Run the gate."""
        with running_gate(self.folder, self.store, self.clock) as gate:
            yield gate

    def back_up(self) -> Callable[[], None]:
        """Copy database and key store; return what puts both back."""
        put_back = [dump(self.store.database_url), dump(self.store.key_store_url)]

        def restore() -> None:
            for one in put_back:
                one()

        return restore


def dump(url: str) -> Callable[[], None]:
    """Copy every row of a database; return what puts them back instead of those that there are then."""
    engine, reflected = open_engine(url), MetaData()
    reflected.reflect(engine)
    tables = reflected.sorted_tables
    with engine.begin() as connection:
        rows = {table: [dict(row) for row in connection.execute(table.select()).mappings()] for table in tables}
    engine.dispose()

    def restore() -> None:
        engine = open_engine(url)
        with engine.begin() as connection:
            for table in reversed(tables):
                connection.execute(table.delete())
            for table in (one for one in tables if rows[one]):
                connection.execute(table.insert(), rows[table])
        engine.dispose()

    return restore


@pytest.fixture
def town(store: Store, tmp_path: Path) -> Restorable:
    """Return a gate that knows a Jobcenter and a clinic, and is stopped."""
    town = Restorable(store, tmp_path)
    with town.running() as gate:
        gate.write(register_all)
    return town


def released(gate: Gate) -> tuple[str, str]:
    """Have something released to the Jobcenter; return the person and the notice that it was opened by."""
    person = gate.a_person(f"BG-{new_id()[:12]}")
    gate.grant(person, CONCLUSION)
    gate.hear(a_conclusion(person))
    notice = gate.notices()[-1]
    assert gate.open(notice)["result"] == "released"
    return person, notice


def standing(gate: Gate, person: str) -> set[str]:
    """Return the words that stand."""
    answers = gate.ask("GET", f"/persons/{person}/answers").json()
    return {answer["word"] for answer in answers if answer["stands"]}


def test_a_backup_without_a_withdrawal_brings_no_answer_back(town: Restorable) -> None:
    with town.running() as gate:
        person, notice = released(gate)
    restore = town.back_up()
    with town.running() as gate:
        gate.withdraw(person)

    restore()

    with town.running() as gate:
        assert standing(gate, person) == set()
        assert gate.open(notice) == EMPTY


@pytest.mark.parametrize("word", [Word.NO, Word.ASK])
def test_a_backup_without_a_no_or_an_ask_still_knows_it(town: Restorable, word: Word) -> None:
    with town.running() as gate:
        person, notice = released(gate)
    restore = town.back_up()
    with town.running() as gate:
        gate.grant(person, CONCLUSION, word=word)

    restore()

    with town.running() as gate:
        assert standing(gate, person) == {word.value}
        assert gate.open(notice) == EMPTY


def test_a_no_of_a_person_whom_the_backup_does_not_know_is_kept_with_its_grant(town: Restorable) -> None:
    restore = town.back_up()
    with town.running() as gate:
        person = gate.a_person()
        gate.grant(person, CONCLUSION, word=Word.NO)

    restore()

    with town.running() as gate:
        assert {row.person_id for row in gate.rows(GrantRow)} == {person}
        assert {row.ended_at for row in gate.rows(AnswerRow)} == {None}


def test_a_backup_from_before_an_erasure_brings_back_neither_person_nor_keys(town: Restorable) -> None:
    with town.running() as gate:
        person, notice = released(gate)
    restore = town.back_up()
    with town.running() as gate:
        erasure_id = gate.ask("POST", f"/persons/{person}/erasure").json()["erasure_id"]

    restore()

    with town.running() as gate:
        assert gate.service.keys.is_destroyed(person)
        assert gate.open(notice) == EMPTY
        assert [gate.rows(table) for table in (FactRow, AnswerRow, GrantRow)] == [[], [], []]
        assert gate.ask("GET", f"/persons/{person}/answers").status_code == 410
        assert [event.erasure_id for event in gate.announced(PersonErased)] == [erasure_id]
        assert gate.open(gate.notices()[-1])["result"] == "retracted"


def test_everybody_else_reads_the_restored_backup_as_it_was(town: Restorable) -> None:
    with town.running() as gate:
        person, _ = released(gate)
        other, notice = released(gate)
    restore = town.back_up()
    with town.running() as gate:
        gate.withdraw(person)

    restore()

    with town.running() as gate:
        assert standing(gate, other) == {"yes"}
        assert gate.open(notice)["result"] == "released"


@pytest.mark.parametrize("is_restored", [True, False])
def test_the_gate_does_not_start_without_its_journal(town: Restorable, *, is_restored: bool) -> None:
    with town.running() as gate:
        person, _ = released(gate)
    restore = town.back_up()
    with town.running() as gate:
        gate.withdraw(person)
    shutil.rmtree(town.folder / "journal")

    if is_restored:
        restore()

    with pytest.raises(JournalMissing), town.running():
        pytest.fail("it started")


def test_a_backup_without_a_hold_still_holds(town: Restorable) -> None:
    with town.running() as gate:
        person, _ = released(gate)
    restore = town.back_up()
    with town.running() as gate:
        gate.ask("POST", f"/persons/{person}/hold", {})

    restore()

    with town.running() as gate:
        answers = gate.ask("GET", f"/persons/{person}/answers").json()
        assert {answer["state"] for answer in answers} == {"paused"}


def test_what_a_lost_withdrawal_had_retracted_is_retracted_again(town: Restorable) -> None:
    with town.running() as gate:
        person, _ = released(gate)
    restore = town.back_up()
    with town.running() as gate:
        gate.withdraw(person)

    restore()

    with town.running() as gate:
        assert gate.open(gate.notices()[-1])["result"] == "retracted"


def test_a_commitment_that_was_shortened_stays_short(town: Restorable) -> None:
    with town.running() as gate:
        _, notice = released(gate)
    restore = town.back_up()
    with town.running() as gate:
        gate.write(lambda work: register(work, JOBCENTER, RecipientRole.JOBCENTER, valid_until=date(2026, 3, 20)))

    restore()

    with town.running() as gate:
        gate.clock.now = NOON.replace(month=4)
        assert gate.open(notice) == EMPTY


def test_a_restored_backup_does_not_publish_another_version(store: Store, tmp_path: Path) -> None:
    world = Restorable(store, tmp_path, Clock(AFTER_Q1))
    with world.running() as gate:
        gate.write(register_all)
        enrol(gate)
        restore = world.back_up()
        gate.hear(*everything())
        look(gate)
        [before] = told(gate)
    restore()

    with world.running() as gate:
        gate.hear(*everything(self=500))
        assert look(gate) == []
        assert [one["figures"] for one in told(gate)] == [before["figures"]]
