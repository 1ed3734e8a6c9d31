"""The monthly statement: per group of lines whole tens of vouchers, once for each month, and nobody in it."""

import asyncio
import hashlib
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlmodel import select

from services.consent.billing import Commissioned, billed_together, due_months, in_tens, line_of
from services.consent.billing_tables import StatementRow, VoucherRow
from services.consent.ledger import EntryKind
from services.consent.release_store import STATEMENT, WAITING
from services.consent.tables import LedgerRow, ReleaseRow
from services.consent.voucher import VoucherState
from shared.contracts.billing import NO_STATEMENT
from shared.unit_of_work import UnitOfWork
from tests.consent.billed import (
    APRIL,
    JUNE,
    LINE,
    MAY,
    account,
    at,
    commissioned,
    documents,
    serials,
    standing,
    tokens,
)
from tests.consent.builders import (
    JOBCENTER,
    a_cancellation,
    a_case,
    a_funding,
    new_id,
    work_for,
    work_undone,
)
from tests.consent.gate import Gate
from tests.consent.wire import Wire

UNSPENT, SPENT, VOID, BILLED, CREDITED, REPAID = VoucherState
CONTINGENT = "CONTINGENT"
DEADLINE = date(2026, 6, 30)


def a_line(name: str, size: int) -> list[Commissioned]:
    """Return a line with so many commissions, open since February."""
    return [Commissioned(name, date(2026, 2, 1), DEADLINE, None)] * size


@pytest.mark.parametrize(
    ("sizes", "groups"),
    [
        ({"A": 10}, (("A",),)),
        ({"A": 9}, ()),
        ({"A": 10, "B": 12}, (("A",), ("B",))),
        ({"A": 5, "B": 5}, (("A", "B"),)),
        ({"A": 5, "B": 4}, ()),
        ({"A": 10, "B": 9}, (("A", "B"),)),
        ({"A": 20, "B": 10, "C": 9}, (("A",), ("B", "C"))),
        ({"A": 10, "B": 6, "C": 4}, (("A",), ("B", "C"))),
        ({"A": 10, CONTINGENT: 0}, (("A", CONTINGENT),)),
        ({"A": 10, "B": 6, "C": 4, CONTINGENT: 0}, (("A",), ("B", "C", CONTINGENT))),
        ({CONTINGENT: 0}, ()),
        ({}, ()),
    ],
)
def test_a_line_with_fewer_than_ten_commissions_is_billed_with_others(
    sizes: dict[str, int], groups: tuple[tuple[str, ...], ...]
) -> None:
    commissions = [one for name, size in sizes.items() for one in a_line(name, size)]

    assert billed_together(commissions, month="2026-03", funded=sizes) == groups


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"received_on": date(2026, 3, 31)}, True),
        ({"received_on": date(2026, 4, 1)}, False),
        ({"deadline": date(2026, 3, 1)}, True),
        ({"deadline": date(2026, 2, 28)}, False),
        ({"cancelled_on": date(2026, 3, 1)}, True),
        ({"cancelled_on": date(2026, 2, 28)}, False),
    ],
)
def test_a_commission_counts_in_every_month_in_which_it_was_open_on_a_day(
    changes: dict[str, date], counts: bool
) -> None:
    said: dict[str, Any] = {"received_on": date(2026, 2, 1), "deadline": DEADLINE, "cancelled_on": None, **changes}

    assert Commissioned("A", **said).counts_in("2026-03") is counts


def test_of_two_open_commissions_the_later_one_pays() -> None:
    known = {
        "earlier": Commissioned("A", date(2026, 2, 1), DEADLINE, None),
        "later": Commissioned("B", date(2026, 3, 1), DEADLINE, None),
        "over": Commissioned("C", date(2026, 3, 2), date(2026, 3, 3), None),
        "cancelled": Commissioned("D", date(2026, 3, 2), DEADLINE, date(2026, 3, 2)),
    }

    assert line_of(known, on=date(2026, 3, 4)) == "later"
    assert line_of({}, on=date(2026, 3, 4)) is None


@pytest.mark.parametrize(
    ("today", "due"),
    [
        (date(2026, 4, 30), ["2026-03"]),
        (date(2026, 5, 1), ["2026-03"]),
        (date(2026, 5, 3), ["2026-03"]),
        (date(2026, 5, 4), ["2026-03", "2026-04"]),
        (date(2026, 3, 31), []),
    ],
)
def test_a_statement_is_due_on_the_first_working_day_after_its_month(today: date, due: list[str]) -> None:
    holidays = frozenset({date(2026, 5, 1)})

    assert list(due_months("2026-03", stated=set(), today=today, holidays=holidays)) == due


@pytest.mark.parametrize(("number", "tens"), [(0, 0), (9, 0), (10, 10), (19, 10), (20, 20)])
def test_only_whole_tens_are_billed(number: int, tens: int) -> None:
    assert in_tens(number) == tens


def a_month_of_work(gate: Gate, units: int, line: str = LINE, *, persons: int = 10) -> list[str]:
    """Have work done for persons in turn, a unit each; return the ids of the work."""
    commissions = commissioned(gate, persons, line)
    return work_on(gate, commissions, units)


def work_on(gate: Gate, persons: list[str], units: int) -> list[str]:
    """Have work done for persons in turn, a unit each; return the ids of the work."""
    done = [work_for(persons[number % len(persons)], new_id()) for number in range(units)]
    gate.hear(*done)
    return [event.work_id for event in done]


def test_a_month_is_billed_in_tens_and_the_rest_is_carried(gate: Gate) -> None:
    gate.command(a_funding(40))
    persons = commissioned(gate)
    work_on(gate, persons, 13)

    at(gate, APRIL)
    work_on(gate, persons, 7)
    at(gate, MAY)

    march, april = documents(gate)
    assert [(said.month, group.count, group.amount_cents) for said in (march, april) for group in said.groups] == [
        ("2026-03", 10, 90_000),
        ("2026-04", 10, 90_000),
    ]
    assert not set(serials(march)) & set(serials(april))
    assert (march.total_cents, march.currency) == (90_000, "EUR")


def test_each_document_names_the_one_before(gate: Gate) -> None:
    gate.command(a_funding(10))
    for when in (APRIL, MAY, JUNE):
        at(gate, when)

    said, texts = documents(gate), tokens(gate)
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    assert [one.previous_sha256 for one in said] == [NO_STATEMENT, *hashes[:2]]
    assert [(one.number, one.month, one.part, one.parts) for one in said] == [
        (1, "2026-03", 1, 1),
        (2, "2026-04", 1, 1),
        (3, "2026-05", 1, 1),
    ]


def test_a_month_is_stated_once_however_often_the_calendar_is_gone_through(gate: Gate) -> None:
    gate.command(a_funding(10))
    for _ in range(3):
        at(gate, APRIL)

    assert [said.month for said in documents(gate)] == ["2026-03"]


def test_months_that_were_missed_are_made_up_for_in_their_order(gate: Gate) -> None:
    gate.command(a_funding(10))
    a_month_of_work(gate, 10)

    at(gate, JUNE)

    assert [(said.month, len(serials(said))) for said in documents(gate)] == [
        ("2026-03", 10),
        ("2026-04", 0),
        ("2026-05", 0),
    ]


def test_a_day_begins_at_midnight_of_the_town(gate: Gate) -> None:
    gate.command(a_funding(10))
    at(gate, datetime(2026, 3, 31, 21, 59, tzinfo=UTC))  # 23:59 in Essen
    assert documents(gate) == []

    at(gate, datetime(2026, 3, 31, 22, 0, tzinfo=UTC))

    assert len(documents(gate)) == 1


def test_who_has_funded_nothing_is_billed_nothing(gate: Gate) -> None:
    a_month_of_work(gate, 10)

    at(gate, APRIL)

    assert documents(gate) == []


def test_too_few_commissions_bill_nothing_and_carry_everything(gate: Gate) -> None:
    gate.command(a_funding(40))
    gate.command(a_funding(40, "B-2"))
    a_month_of_work(gate, 12, persons=5)
    a_month_of_work(gate, 12, "B-2", persons=4)

    at(gate, APRIL)
    assert documents(gate)[-1].groups == ()

    commissioned(gate, 1)
    at(gate, MAY)
    [group] = documents(gate)[-1].groups
    assert (group.budget_lines, group.count) == ((LINE, "B-2"), 20)


def test_the_contingent_is_never_billed_by_itself(gate: Gate) -> None:
    gate.command(a_funding(40))
    gate.command(a_funding(40, CONTINGENT))
    commissioned(gate)
    for number in range(15):
        gate.hear(a_case(f"person-alone-{number}"), work_for(f"person-alone-{number}"))

    at(gate, APRIL)

    [group] = documents(gate)[0].groups
    assert (group.budget_lines, group.count) == ((LINE, CONTINGENT), 10)


def test_what_was_billed_at_another_price_stands_apart(gate: Gate) -> None:
    gate.command(a_funding(12))
    gate.settings = gate.settings.model_copy(update={"unit_cents": 10_000})
    gate.command(a_funding(30))
    a_month_of_work(gate, 42)

    at(gate, APRIL)

    [said] = documents(gate)
    assert [(group.unit_cents, group.count) for group in said.groups] == [(9_000, 10), (10_000, 30)]
    assert said.total_cents == 10 * 9_000 + 30 * 10_000


def test_corrected_work_that_was_billed_is_paid_back_in_tens(gate: Gate) -> None:
    gate.command(a_funding(40))
    persons = commissioned(gate)
    done = [work_for(person, new_id()) for person in persons * 2]
    gate.hear(*done)
    at(gate, APRIL)

    gate.hear(*(work_undone(one.person_id, one.work_id) for one in done[:9]))
    at(gate, MAY)
    gate.hear(*(work_undone(one.person_id, one.work_id) for one in done[9:13]))
    at(gate, JUNE)

    assert [said.corrections for said in documents(gate)[:2]] == [(), ()]
    [correction] = documents(gate)[2].corrections
    assert (correction.budget_lines, correction.count, correction.amount_cents) == ((LINE,), 10, -90_000)
    assert documents(gate)[2].total_cents == -90_000
    assert (standing(gate, REPAID), standing(gate, CREDITED), standing(gate, BILLED)) == (10, 3, 7)


def test_a_disputed_voucher_is_settled_by_its_serial_and_the_next_statement_says_how(gate: Gate) -> None:
    gate.command(a_funding(20))
    a_month_of_work(gate, 20)
    at(gate, APRIL)
    first, second, *_ = sorted(serials(documents(gate)[0]))
    wire = Wire(gate)
    for serial, reason in ((first, "counted_twice"), (second, "amount")):
        assert wire.send(a_dispute(serial, reason))["result"] == "received"

    listed = gate.ask("GET", "/billing/disputes", role="lead").json()
    for serial, outcome in ((first, "credited"), (second, "stands")):
        settle(gate, serial, outcome)
        settle(gate, serial, outcome)
    at(gate, MAY)
    at(gate, JUNE)

    assert {(one["serial"], one["reason"]) for one in listed} == {(first, "counted_twice"), (second, "amount")}
    told = [(one.serial, one.reason, one.outcome) for one in documents(gate)[1].disputes]
    assert told == [(first, "counted_twice", "credited"), (second, "amount", "stands")]
    assert documents(gate)[2].disputes == ()
    assert (standing(gate, CREDITED), standing(gate, BILLED)) == (1, 19)
    assert gate.ask("GET", "/billing/disputes", role="operator").json() == []


def a_dispute(serial: str, reason: str = "counted_twice") -> dict[str, Any]:
    """Return that a Jobcenter disputes a voucher."""
    return {"command_id": new_id(), "command": "dispute_voucher", "serial": serial, "reason": reason}


def settle(gate: Gate, serial: str, outcome: str) -> int:
    """Have a lead settle a dispute; return the status."""
    return gate.ask("POST", f"/billing/disputes/{serial}/settling", {"outcome": outcome}, role="lead").status_code


def test_a_dispute_is_settled_once(gate: Gate) -> None:
    gate.command(a_funding(10))
    a_month_of_work(gate, 10)
    at(gate, APRIL)
    serial = serials(documents(gate)[0])[0]
    gate.command(a_dispute(serial))

    assert settle(gate, serial, "stands") == 200
    assert settle(gate, serial, "credited") == 409
    assert settle(gate, "x" * 22, "stands") == 404
    assert settle(gate, serial, "perhaps") == 422


@pytest.mark.parametrize("state", ["unspent", "spent", "unknown"])
def test_what_stands_on_no_statement_cannot_be_disputed_and_nobody_learns_whether_it_exists(
    gate: Gate, state: str
) -> None:
    gate.command(a_funding(1))
    if state == "spent":
        gate.hear(work_for(commissioned(gate, 1)[0]))
    serial = "x" * 22 if state == "unknown" else gate.rows(VoucherRow)[0].serial

    answer = Wire(gate).send(a_dispute(serial))

    assert answer["errors"] == [{"field": "serial", "reason": "stands on none of your statements"}]


def test_a_corrected_voucher_is_disputed_as_any_other(gate: Gate) -> None:
    gate.command(a_funding(10))
    persons = commissioned(gate)
    done = [work_for(person, new_id()) for person in persons]
    gate.hear(*done)
    at(gate, APRIL)
    gate.hear(*(work_undone(one.person_id, one.work_id) for one in done[:5]))

    answers = [Wire(gate).send(a_dispute(serial))["result"] for serial in serials(documents(gate)[0])]

    assert answers == ["received"] * 10


def test_a_large_statement_comes_in_documents_that_fit_into_a_message(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    gate.command(a_funding(1_234))
    commissioned(gate)
    gate.write(_spend_all)

    at(gate, APRIL)

    said = documents(gate)
    assert [(one.part, one.parts, len(serials(one))) for one in said] == [(1, 3, 500), (2, 3, 500), (3, 3, 230)]
    assert len({serial for one in said for serial in serials(one)}) == 1_230
    assert max(len(token) for token in tokens(gate)) * 4 / 3 < 128 * 1024


def _spend_all(work: UnitOfWork) -> None:
    for voucher in work.session.exec(select(VoucherRow)):
        voucher.state = SPENT.value
        work.session.add(voucher)


def test_opened_again_it_says_the_same_and_each_opening_stands_in_the_ledger(gate: Gate) -> None:
    gate.command(a_funding(10))
    at(gate, APRIL)
    [release] = gate.rows(ReleaseRow, ReleaseRow.kind == STATEMENT)

    answers = [gate.open(release.release_id) for _ in range(2)]

    assert answers[0] == answers[1]
    assert set(answers[0]) == {"result", "notice", "statement"}
    assert len(gate.rows(LedgerRow, LedgerRow.kind == EntryKind.STATEMENT.value)) == 2


def test_a_statement_that_nobody_opened_is_notified_afresh(gate: Gate) -> None:
    gate.command(a_funding(10))
    at(gate, APRIL)
    before = gate.notices()

    at(gate, APRIL.replace(hour=20))

    fresh = [notice for notice in gate.notices() if notice not in before]
    opened = [gate.open(notice)["result"] for notice in fresh]
    assert "statement" in opened
    assert gate.open(before[-1])["result"] == "empty"


def test_nobody_else_opens_it(gate: Gate) -> None:
    gate.command(a_funding(10))
    at(gate, APRIL)
    [release] = gate.rows(ReleaseRow, ReleaseRow.kind == STATEMENT)

    assert gate.open(release.release_id, "lvr-klinik") == {"result": "empty"}
    assert release.state == WAITING


def test_an_ended_jobcenter_is_stated_nothing(gate: Gate) -> None:
    gate.command(a_funding(10))
    gate.ask("POST", f"/recipients/{JOBCENTER}/ending", role="operator")
    gate.work_off_queue()

    at(gate, APRIL)

    assert gate.rows(StatementRow) == []


def test_what_is_owed_and_disputed_is_counted_where_an_operator_looks(gate: Gate) -> None:
    gate.hear(work_for(commissioned(gate, 1)[0], units=2))

    counts = asyncio.run(gate.service._counts())

    assert counts is not None
    assert (counts["units_owed"], counts["voucher_disputes_open"]) == (2, 0)
    assert account(gate) == {
        "recipient_id": JOBCENTER,
        "budget_line": LINE,
        "commissions": 1,
        "funded": 0,
        "owed": 2,
        **dict.fromkeys(("unspent", "spent", "billed", "credited", "repaid"), 0),
    }


def test_a_cancelled_commission_leaves_the_count_of_the_next_month(gate: Gate) -> None:
    gate.command(a_funding(20))
    work_on(gate, [*commissioned(gate, 9), gate.a_person("BG-10")], 20)
    gate.command(a_cancellation("BG-10"))
    at(gate, MAY)

    assert [len(serials(said)) for said in documents(gate)] == [20, 0]
