"""A marker in every field that is about a person: it is in no file, no log line, no printed value and no answer."""

import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.consent import recipient_tables, tables
from services.consent.domain import Word
from services.consent.outside import notice_body
from services.consent.table_base import Base
from shared.contracts.categories import Category
from shared.outbox import random_id
from tests.consent.builders import (
    CLINIC,
    DAY,
    JOBCENTER,
    a_case_end,
    a_closing,
    a_commission,
    a_conclusion,
    a_contact,
    a_finding,
    a_recommendation,
    a_statement,
    an_answer_to,
    an_attendance,
    an_identity,
)
from tests.consent.emergencies import a_telling, act, tell, watch
from tests.consent.gate import Gate, a_gate_with_recipients
from tests.consent.stores import SqliteStores
from tests.consent.wire import Wire

if TYPE_CHECKING:
    from tests.shared.metrics import Page

MARKERS = (
    "markname",
    "markaddress",
    "markdebts",
    "markwork",
    "markmental",
    "markstatement",
    "markadvice",
    "markresult",
    "markreason",
    "danger_to_life",
    "MARKREF",
    "0201 77777",
    "1951-05-17",
    "765432100",
)
CATEGORIES = tuple(category.value for category in Category)


@pytest.fixture
def told(sqlite_stores: SqliteStores, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Gate]:
    """Return a gate through which a whole life has gone, and whose output is caught."""
    capfd.readouterr()
    with sqlite_stores.fresh(tmp_path) as store, a_gate_with_recipients(tmp_path, store, metrics_port=0) as gate:
        live(gate)
        yield gate


def live(gate: Gate) -> None:
    """Have everything happen that can happen to a person, refusals and faults included."""
    person, wire = gate.a_person("MARKREF 1"), Wire(gate)
    gate.hear(
        an_identity(person, "markname"),
        a_contact(person, "markaddress"),
        a_finding(person, Category.DEBTS, "markdebts", amount_cents=765432100, since_on=date(1951, 5, 17)),
        a_finding(person, Category.WORK, "markwork", fact_id="fact-0001"),
        a_finding(person, Category.MENTAL_HEALTH, "markmental"),
        a_statement(person, "markstatement"),
        a_recommendation(person, "markadvice"),
        a_conclusion(person, "markresult"),
        an_attendance(person, date(1951, 5, 17)),
    )
    referral = gate.a_referral_of(person)
    gate.grant(person, Category.CONCLUSION, Category.WORK, Category.CONTACT, Category.STATEMENT)
    gate.agree(person, referral, Category.IDENTITY, Category.MENTAL_HEALTH, Category.DEBTS)
    jobcenter, clinic = gate.reading(), gate.reading(CLINIC)
    jobcenter.news()
    [content] = clinic.news()
    gate.hear(a_finding(person, Category.WORK, "markwork_corrected", fact_id="fact-0001", version=2))
    jobcenter.news()
    wire.send(an_answer_to(content["released"]["reference"], "ended", outcome="not_helped"), CLINIC)
    wire.send(a_commission("MARKREF 2", contact={"channel": "phone", "address": "0201 77777"}))
    wire.send(a_commission("MARKREF 3", service="markname"))
    wire.send_bytes(b"markname")
    wire.open_bytes(b'{"open": "markname!"}')
    gate.ask("POST", "/grants", {"person_id": person, "words": {"markname": "yes"}, "purpose": "markname"})
    gate.ask("GET", "/persons/markname/ledger")
    emergency = tell(gate, person, reason_text="markreason in words", categories=["identity", "mental_health"])
    gate.ask("POST", "/emergencies", a_telling(person, recipient="markname", reason="markreason"), role="assessor")
    act(gate, emergency["emergency_id"], "person-told", {"told_on": "2026-03-02", "language": "de"}, role="assessor")
    gate.clock.pass_(3 * DAY)
    watch(gate)
    gate.withdraw(person)
    jobcenter.news()
    gate.hear(a_closing(person, referral), a_case_end(person))


def test_no_file_of_the_store_holds_a_value_the_write_ahead_log_included(told: Gate) -> None:
    files = [path for path in told.folder.rglob("*") if "sqlite3" in path.name or path.suffix == ".journal"]

    assert any(path.name.endswith("-wal") for path in files)
    found = {(path.name, mark) for path in files for mark in MARKERS if mark.encode() in path.read_bytes()}
    assert found == set()


def test_no_readable_column_names_a_category_that_a_fact_or_an_answer_belongs_to(told: Gate) -> None:
    with sqlite3.connect(told.folder / "consent.sqlite3") as connection:
        rows = {
            name: str(connection.execute(f"SELECT * FROM {name}").fetchall())  # noqa: S608  our own tables
            for name in ("fact", "answer", "grant_record", "release", "ledger", "outbox", "command", "emergency")
        }
    connection.close()

    assert {(name, category) for name, text in rows.items() for category in CATEGORIES if category in text} == set()


def test_no_log_line_holds_a_value_or_a_category(told: Gate, capfd: pytest.CaptureFixture[str]) -> None:
    written = capfd.readouterr()
    lines = written.out + written.err

    assert "service_started" in lines
    assert [mark for mark in MARKERS if mark in lines] == []
    assert [category for category in CATEGORIES if category in lines] == []
    assert [name for name in (JOBCENTER, CLINIC) if name in lines] == []
    assert told.folder


def test_the_page_for_operators_holds_no_value_no_category_and_no_name_of_a_recipient(told: Gate) -> None:
    page = page_of(told)

    assert page.not_on_the_list() == []
    assert [word for word in (*MARKERS, *CATEGORIES, JOBCENTER, CLINIC) if word in page.text] == []


@pytest.mark.parametrize("word", [Word.YES, Word.NO, Word.ASK])
def test_whatever_a_person_says_is_counted_alike(told: Gate, word: Word) -> None:
    person = told.a_person("MARKREF 4")
    told.hear(a_conclusion(person, "markresult"))

    before = counters(page_of(told))
    told.grant(person, Category.CONCLUSION, word=word)
    after = counters(page_of(told))

    changed = {name: value - before[name] for name, value in after.items() if value != before[name]}
    assert changed == {"gesehen_transaction_seconds_count": 2}  # the answer, and the page's own look


@pytest.mark.parametrize("is_content", [True, False])
def test_whether_an_opening_held_anything_is_not_counted(told: Gate, is_content: bool) -> None:
    person = told.a_person("MARKREF 5")
    told.hear(a_conclusion(person, "markresult"))
    told.grant(person, Category.CONCLUSION)
    notice = told.notices()[-1] if is_content else random_id()

    before = counters(page_of(told))
    answer = told.open(notice)
    after = counters(page_of(told))

    changed = {name: value - before[name] for name, value in after.items() if value != before[name]}
    assert (answer["result"], changed) == (
        "released" if is_content else "empty",
        {"gesehen_transaction_seconds_count": 2},
    )


def page_of(gate: Gate) -> "Page":
    """Return the page for operators. Its reader stands with the tests of what is shared: in the whole suite alone."""
    metrics = pytest.importorskip("tests.shared.metrics", reason="the reader of the page is not beside the gate alone")
    assert gate.service.metrics_page is not None
    page: Page = metrics.Page.read(gate.service.metrics_page.port)
    return page


def counters(page: "Page") -> dict[str, float]:
    """Return what was counted, without how long it took."""
    timed = ("gesehen_transaction_seconds_bucket", "gesehen_transaction_seconds_sum")
    ours = {name: value for name, value in page.values().items() if "_total" in name or "_seconds_count" in name}
    return {name: value for name, value in ours.items() if not name.startswith((*timed, "process"))}


def test_no_row_prints_a_value(told: Gate) -> None:
    rows = [
        row
        for table in (*vars(tables).values(), *vars(recipient_tables).values())
        if _is_table(table)
        for row in told.rows(table)
    ]

    printed = repr(rows)

    assert len(rows) > 40
    assert [mark for mark in MARKERS if mark in printed] == []


def _is_table(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, Base) and thing is not Base


def test_a_notice_is_nothing_but_a_random_id(told: Gate) -> None:
    with sqlite3.connect(told.folder / "consent.sqlite3") as connection:
        found = connection.execute(
            "SELECT message_id, type, correlation_id, key_id, body FROM outbox WHERE destination IN (?, ?)",
            (JOBCENTER, CLINIC),
        ).fetchall()
    connection.close()

    assert len(found) > 6
    assert {len(message_id) for message_id, *_ in found} == {43}
    assert all(row == (row[0], "notice", row[0], None, b"") for row in found)


def test_notices_are_alike_but_for_the_id() -> None:
    ids = [random_id() for _ in range(99)]

    assert {notice_body(one).replace(one.encode(), b"") for one in ids} == {notice_body("")}
