"""Steering figures at the gate: published once all have told, frozen, and told to the town's steering alone."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.consent import figures
from services.consent.commitment import CommittedPurpose
from services.consent.domain import RecipientRole, Word
from services.consent.errors import NotAcceptable
from services.consent.figure_tables import FigureCountRow
from services.consent.ledger import EntryKind
from services.consent.ledger_view import read_content
from services.consent.tables import LedgerRow, ReleaseRow
from shared.contracts.answers import FiguresAnswer
from shared.contracts.categories import Category
from shared.contracts.envelope import canonical
from shared.contracts.figures import TABLES, FigureCell
from shared.keys import KeyDestroyed
from tests.consent.builders import CLINIC, DAY, JOBCENTER, a_commission, a_conclusion, a_finding
from tests.consent.gate import Answer, Gate, a_gate_with_recipients
from tests.consent.steering import AFTER_Q1, STEERING, counted, enrol, everything, look, told
from tests.consent.stores import SqliteStores

SECOND_TOWN = "land-steuerung"


def row_of(answer: Answer, table: str, row: str) -> dict[str, Any]:
    """Return one cell."""
    [found] = [one for one in answer["figures"]["tables"] if one["table"] == table]
    return next(one for one in found["rows"] if one["row"] == row)


@pytest.fixture
def gate_in_april(gate: Gate) -> Gate:
    """Return a gate that knows a town's steering, when the first quarter can be counted."""
    enrol(gate)
    gate.clock.now = AFTER_Q1
    return gate


def test_a_quarter_is_told_to_the_steering_once_all_have_told_it(gate_in_april: Gate) -> None:
    gate = gate_in_april
    intake, assessment, referral = everything()

    gate.hear(intake, assessment)
    assert look(gate) == []
    gate.hear(referral)

    assert look(gate) == ["2026-Q1"]
    [answer] = told(gate)
    assert (answer["result"], answer["figures"]["quarter"]) == ("figures", "2026-Q1")
    assert FiguresAnswer.model_validate(answer)


def test_fewer_than_ten_are_left_out_and_take_the_total_with_them(gate_in_april: Gate) -> None:
    gate = gate_in_april
    gate.hear(*everything(street=9, self=40, commissioned=40))
    look(gate)
    [answer] = told(gate)
    came_by, first_talks = (answer["figures"]["tables"][number] for number in (0, 2))

    assert came_by == {
        "table": "came_by",
        "rows": [{"row": "commissioned", "about": 40}, {"row": "self", "about": 40}, {"row": "street"}],
    }
    assert first_talks["total"] == 200


def test_every_row_of_every_table_stands_there_even_of_what_nobody_told(gate_in_april: Gate) -> None:
    gate = gate_in_april
    intake, assessment, referral = everything()
    gate.hear(intake, assessment, referral.model_copy(update={"cells": referral.cells[:1]}))
    look(gate)
    [answer] = told(gate)
    shown = {one["table"]: tuple(row["row"] for row in one["rows"]) for one in answer["figures"]["tables"]}

    assert shown == {table.name: table.rows for table in TABLES}
    assert row_of(answer, "taken_up", "debts") == {"row": "debts"}


def test_what_is_no_row_of_the_closed_list_never_leaves(gate_in_april: Gate) -> None:
    gate = gate_in_april
    intake, assessment, referral = everything()
    marked = (
        FigureCell(table="came_by", row="marked", count=500),
        FigureCell(table="marked", row="self", count=500),
        FigureCell(table="needs", row="debts", count=770),  # intake counts no needs
    )
    gate.hear(intake.model_copy(update={"cells": (*intake.cells, *marked)}), assessment, referral)
    look(gate)
    [answer] = told(gate)

    assert "marked" not in json.dumps(answer)
    assert row_of(answer, "needs", "debts") == {"row": "debts", "about": 40}


def test_a_quarter_that_was_published_is_frozen(gate_in_april: Gate) -> None:
    gate = gate_in_april
    gate.hear(*everything())
    look(gate)
    [before] = told(gate)

    gate.hear(*everything(self=500))
    gate.clock.pass_(DAY)

    assert look(gate) == []
    assert told(gate) == [before]


def test_of_what_a_service_counted_the_first_word_stands(gate_in_april: Gate) -> None:
    gate = gate_in_april
    gate.hear(counted("intake", self=40), counted("intake", self=500))

    gate.hear(counted("assessment"), counted("referral"))
    look(gate)

    assert row_of(told(gate)[0], "came_by", "self") == {"row": "self", "about": 40}


def test_the_counts_themselves_can_be_read_by_nobody_after_the_publication(gate_in_april: Gate) -> None:
    gate = gate_in_april
    gate.hear(*everything(self=41))
    look(gate)

    for row in gate.rows(FigureCountRow):
        with pytest.raises(KeyDestroyed):
            gate.service.keys.unseal(row.count_id, f"figure_count.cells.{row.quarter}.{row.producer}", row.cells)


def test_a_quarter_is_not_published_before_it_can_be_counted(gate: Gate) -> None:
    enrol(gate)
    gate.clock.now = AFTER_Q1 - DAY
    gate.hear(*everything())
    assert look(gate) == []

    gate.clock.pass_(DAY)

    assert look(gate) == ["2026-Q1"]


def test_a_count_that_cannot_be_read_is_waited_for_and_can_be_announced_again(gate_in_april: Gate) -> None:
    gate = gate_in_april
    intake, assessment, referral = everything()
    gate.hear(intake, assessment, referral)

    def damage(work: Any) -> None:
        row = work.session.get(FigureCountRow, ("2026-Q1", "intake"))
        row.cells = b"damaged"
        work.session.add(row)

    gate.write(damage)
    assert look(gate) == []

    gate.hear(intake)

    assert look(gate) == ["2026-Q1"]


def test_each_steering_is_told_each_quarter_once_also_one_that_comes_later(gate_in_april: Gate) -> None:
    gate = gate_in_april
    gate.hear(*everything())
    look(gate)
    look(gate)
    gate.clock.now = datetime(2026, 7, 7, 9, tzinfo=UTC)
    gate.hear(*everything("2026-Q2"))
    look(gate)

    enrol(gate, SECOND_TOWN, signed_on=AFTER_Q1.date(), staff_told_on=AFTER_Q1.date())
    look(gate)
    look(gate)

    first, second = told(gate), told(gate, SECOND_TOWN)
    assert [one["figures"]["quarter"] for one in first] == ["2026-Q1", "2026-Q2"]
    assert [one["figures"] for one in first] == [one["figures"] for one in second]


def test_every_opening_stands_in_the_ledger_before_it_is_answered(gate_in_april: Gate) -> None:
    gate = gate_in_april
    gate.hear(*everything())
    look(gate)
    [answer], [again] = told(gate), told(gate)
    entries = gate.rows(LedgerRow, LedgerRow.recipient_id == STEERING)

    assert answer == again
    assert [entry.kind for entry in entries] == [EntryKind.FIGURES] * 2
    assert read_content(gate.service.keys, entries[0]) == {"figures": answer["figures"]}
    assert gate.ask("GET", f"/ledger/{STEERING}/verification", role="operator").json()["whole"]


def test_nobody_else_can_open_the_figures_nor_is_sent_a_notice(gate_in_april: Gate) -> None:
    gate = gate_in_april
    gate.hear(*everything())
    look(gate)
    [notice] = gate.notices(STEERING)

    assert [gate.open(notice, one) for one in (JOBCENTER, CLINIC)] == [{"result": "empty"}] * 2
    assert (gate.notices(JOBCENTER), gate.notices(CLINIC)) == ([], [])


def test_a_steering_that_has_ended_opens_nothing(gate_in_april: Gate) -> None:
    gate = gate_in_april
    gate.hear(*everything())
    look(gate)
    gate.ask("POST", f"/recipients/{STEERING}/ending", role="operator")

    assert told(gate) == [{"result": "empty"}]


def test_nothing_about_anybody_can_be_released_to_a_steering(gate_in_april: Gate) -> None:
    gate = gate_in_april
    person = gate.a_person()

    with pytest.raises(NotAcceptable) as refused:
        gate.grant(person, Category.CONCLUSION, recipient_id=STEERING)

    assert {one["field"] for one in refused.value.fields or []} == {"words.conclusion", "purpose"}
    assert gate.rows(ReleaseRow, ReleaseRow.recipient_id == STEERING) == []


@pytest.mark.parametrize(
    ("offered", "purpose", "field"),
    [
        ([Category.CONCLUSION], CommittedPurpose.STEERING, "offered"),
        ([], CommittedPurpose.BENEFIT, "purpose_commitment.purposes"),
    ],
)
def test_a_steering_is_offered_no_category_and_commits_to_steering_alone(
    sqlite_gate: Gate, offered: list[Category], purpose: CommittedPurpose, field: str
) -> None:
    with pytest.raises(NotAcceptable) as refused:
        sqlite_gate.register(STEERING, RecipientRole.STEERING, *offered, purposes=frozenset({purpose}))

    assert {one["field"] for one in refused.value.fields or []} == {field}


def test_a_steering_can_command_nothing(gate_in_april: Gate) -> None:
    assert gate_in_april.command(a_commission(), STEERING) == [
        {"field": "command", "reason": "is not for this recipient"}
    ]


def lived_through(folder: Path, stores: SqliteStores, *, with_one_more: bool) -> tuple[bytes, list[str], list[str]]:
    """Return what steering is told, and what came to everybody else, of a town with or without one person in it."""
    with stores.fresh(folder) as fresh, a_gate_with_recipients(folder, fresh) as gate:
        enrol(gate)
        someone, other = gate.a_person("BG-1"), gate.a_person("BG-2")
        gate.hear(a_conclusion(someone))
        gate.grant(someone, Category.CONCLUSION)
        if with_one_more:
            referral = gate.a_referral_of(other)
            gate.hear(a_finding(other, Category.DEBTS), a_conclusion(other))
            gate.grant(other, Category.CONCLUSION, word=Word.NO)
            gate.agree(other, referral, Category.CONTACT, word=Word.NO)
        gate.clock.now = AFTER_Q1
        gate.hear(*everything(street=8 if with_one_more else 7, debts_regulated=3 if with_one_more else 2, debts=30))
        look(gate)
        answers = [one["figures"] for one in told(gate)]
        jobcenter, clinic = ([str(one["result"]) for one in told(gate, name)] for name in (JOBCENTER, CLINIC))
        return canonical(answers), jobcenter, clinic


def test_what_moves_no_number_changes_no_byte_of_the_figures_and_figures_nothing_for_others(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        (folder / "master.key").write_text(base64.b64encode(b"synthetic" * 3 + b"world").decode())

    assert lived_through(one, sqlite_stores, with_one_more=False) == lived_through(
        other, sqlite_stores, with_one_more=True
    )


def test_who_has_not_told_in_time_is_named_to_the_operator(gate: Gate) -> None:
    gate.clock.now = AFTER_Q1
    gate.hear(counted("intake"), counted("assessment"))
    look(gate)
    town = gate.settings.town
    with gate.service.database.read() as session:
        soon = figures.missing(session, now=gate.clock.now, town=town)
        late = figures.missing(session, now=gate.clock.now + 3 * DAY, town=town)
        much_later = figures.missing(session, now=datetime(2026, 7, 20, tzinfo=UTC), town=town)

    assert soon == {}
    assert late == {"2026-Q1": ["referral"]}
    assert much_later == {"2026-Q1": ["referral"], "2026-Q2": ["assessment", "intake", "referral"]}
    assert gate.ask("GET", "/figures", role="operator").json() == [
        {"quarter": "2026-Q1", "published_at": None, "waits_for": ["referral"]}
    ]


def test_a_quarter_that_is_not_published_in_time_is_counted_among_what_is_ready(gate: Gate) -> None:
    gate.clock.now = AFTER_Q1
    gate.hear(counted("intake"))
    gate.clock.pass_(4 * DAY)

    assert gate.http.get("/ready").json()["counts"]["quarters_not_published_in_time"] == 1
