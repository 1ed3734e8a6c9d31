"""Work, funding, corrections and the calendar at once, on real threads: no voucher is spent or billed twice."""

import asyncio
from collections.abc import Awaitable, Iterator
from functools import partial
from pathlib import Path

import pytest

from services.consent import funding, spending, statement
from services.consent.billing_tables import StatementRow, VoucherRow, WorkRow
from services.consent.commissions import locks_for, take_command
from services.consent.voucher import VoucherState
from services.consent.voucher_store import lock_of
from shared.contracts.care import WorkCorrected, WorkDone
from shared.contracts.requests import read_command
from tests.consent.billed import APRIL, account, commissioned, documents, owed, serials, standing
from tests.consent.builders import JOBCENTER, a_funding, new_id, work_for, work_undone
from tests.consent.gate import Gate, a_gate_with_recipients, running_gate
from tests.consent.stores import PostgresStores, SqliteStores

UNITS = 60


@pytest.fixture(params=["one instance", "two instances"])
def instances(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Gate, Gate]]:
    """Return two instances of the gate on one PostgreSQL; on SQLite the same one twice, as there can be no other."""
    if request.param == "one instance":
        stores: SqliteStores = request.getfixturevalue("sqlite_stores")
        with stores.fresh(tmp_path) as store, a_gate_with_recipients(tmp_path, store) as one:
            yield one, one
        return
    databases: PostgresStores = request.getfixturevalue("two_databases")
    with (
        databases.fresh(tmp_path) as store,
        a_gate_with_recipients(tmp_path, store) as one,
        running_gate(tmp_path, store, one.clock) as other,
    ):
        yield one, other


def hears(gate: Gate, event: WorkDone | WorkCorrected) -> Awaitable[None]:
    """Hand an event to its handler, as the bus would."""
    lock = {f"person:{event.person_id}"}
    if isinstance(event, WorkDone):
        know = partial(spending.know_work, event=event, settings=gate.settings)
        return gate.service.writer.run(know, locks=lambda _: lock)
    correct = partial(spending.correct_work, event=event, settings=gate.settings)
    return gate.service.writer.run(correct, locks=lambda _: lock)


def funds(gate: Gate, units: int) -> Awaitable[list[dict[str, str]]]:
    """Have the Jobcenter fund units."""
    given = {"recipient_id": JOBCENTER, "command": read_command(a_funding(units)), "settings": gate.settings}
    return gate.service.writer.run(partial(take_command, **given), locks=partial(locks_for, **given))  # type: ignore[arg-type]  # as named


def states(gate: Gate) -> Awaitable[int]:
    """Have the statements made that are due."""
    issue = partial(statement.issue, recipient_id=JOBCENTER, settings=gate.settings)
    return gate.service.writer.run(issue, locks=lambda _: {lock_of(JOBCENTER)})


def all_at_once(*what: Awaitable[object]) -> None:
    """Have everything done at the same time."""

    async def together() -> None:
        await asyncio.gather(*what)

    asyncio.run(together())


def test_no_voucher_is_spent_twice(instances: tuple[Gate, Gate]) -> None:
    one, other = instances
    persons = commissioned(one)
    done = [work_for(persons[number % 10]) for number in range(UNITS)]

    all_at_once(
        *(hears(gate, event) for event in done for gate in instances),  # each of them hears everything
        *(funds(gate, 10) for gate in (one, other, one)),
    )
    one.write(partial(funding.look_after, recipient_id=JOBCENTER, settings=one.settings))

    links = [spending.serials_of(one.service.keys, row) for row in one.rows(WorkRow)]
    spent = [serial for link in links for serial in link]
    assert len(links) == UNITS
    assert len(spent) == len(set(spent)) == standing(one, VoucherState.SPENT) == 30
    assert owed(one) == 30


def test_no_voucher_is_billed_twice_and_no_month_stated_twice(instances: tuple[Gate, Gate]) -> None:
    one, other = instances
    persons = commissioned(one)
    one.command(a_funding(100))
    done = [work_for(persons[number % 10], new_id()) for number in range(UNITS)]
    one.hear(*done)
    one.clock.now = APRIL

    all_at_once(
        *(states(gate) for gate in (one, other) * 3),
        *(hears(gate, work_undone(event.person_id, event.work_id)) for event in done[:20] for gate in instances),
    )

    billed = [serial for said in documents(one) for serial in serials(said)]
    assert len(one.rows(StatementRow)) == 1
    assert len(billed) == len(set(billed))
    assert len(billed) % 10 == 0
    counts = account(one)
    assert (
        counts["funded"] == 100 == sum(counts[state] for state in ("unspent", "spent", "billed", "credited", "repaid"))
    )
    assert counts["spent"] + counts["billed"] == UNITS - 20
    assert len(one.rows(VoucherRow, VoucherRow.state == VoucherState.VOID.value)) + counts["credited"] == 20
