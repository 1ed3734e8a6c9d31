"""An older backup is put back: nothing is billed again, nothing corrected comes back, no statement says otherwise."""

from pathlib import Path

import pytest

from services.consent.billing_tables import StatementRow
from services.consent.voucher import VoucherState
from tests.consent.billed import APRIL, JUNE, MAY, account, at, commissioned, documents, serials, standing, tokens
from tests.consent.builders import JOBCENTER, a_funding, new_id, work_for, work_undone
from tests.consent.surroundings import Store, register_all
from tests.consent.test_restore import Restorable
from tests.consent.test_statements import a_dispute, settle

UNSPENT, SPENT, VOID, BILLED, CREDITED, REPAID = VoucherState


@pytest.fixture
def town(store: Store, tmp_path: Path) -> Restorable:
    """Return a gate that knows a Jobcenter and a clinic, and is stopped."""
    town = Restorable(store, tmp_path)
    with town.running() as gate:
        gate.write(register_all)
    return town


def test_what_was_billed_is_not_billed_again_and_the_chain_goes_on(town: Restorable) -> None:
    with town.running() as gate:
        gate.command(a_funding(40))
        gate.hear(*(work_for(person, units=2) for person in commissioned(gate)))
    restore = town.back_up()
    with town.running() as gate:
        at(gate, APRIL)
        before = tokens(gate)

    restore()

    with town.running() as gate:
        at(gate, APRIL)
        at(gate, MAY)
        assert tokens(gate)[:1] == before
        billed = [serial for said in documents(gate) for serial in serials(said)]
        assert len(billed) == len(set(billed)) == 20
        assert [(row.number, row.month) for row in sorted(gate.rows(StatementRow), key=lambda one: one.number)] == [
            (1, "2026-03"),
            (2, "2026-04"),
        ]


def test_a_book_that_the_backup_does_not_know_is_filled_again(town: Restorable) -> None:
    restore = town.back_up()
    with town.running() as gate:
        gate.command(a_funding(30))
        gate.hear(*(work_for(person) for person in commissioned(gate)))
        at(gate, APRIL)
        [said] = documents(gate)

    restore()

    with town.running() as gate:
        at(gate, MAY)
        counts = account(gate)
        assert (counts["funded"], counts["unspent"], counts["billed"]) == (30, 20, 10)
        assert serials(documents(gate)[0]) == serials(said)


@pytest.mark.parametrize("is_billed", [True, False])
def test_what_was_corrected_stays_so(town: Restorable, *, is_billed: bool) -> None:
    with town.running() as gate:
        gate.command(a_funding(40))
        done = [work_for(person, new_id()) for person in commissioned(gate)]
        gate.hear(*done)
        if is_billed:
            at(gate, APRIL)
    restore = town.back_up()
    with town.running() as gate:
        gate.hear(*(work_undone(one.person_id, one.work_id) for one in done))

    restore()

    with town.running() as gate:
        gate.hear(*done)
        gate.hear(*(work_undone(one.person_id, one.work_id) for one in done))
        expected = (0, 0, 10, 40) if is_billed else (0, 10, 0, 40)
        counts = account(gate)
        assert (standing(gate, SPENT), standing(gate, VOID), counts["credited"], counts["funded"]) == expected


def test_what_was_paid_back_is_not_paid_back_again(town: Restorable) -> None:
    with town.running() as gate:
        gate.command(a_funding(40))
        done = [work_for(person, new_id()) for person in commissioned(gate)]
        gate.hear(*done)
        at(gate, APRIL)
        gate.hear(*(work_undone(one.person_id, one.work_id) for one in done))
    restore = town.back_up()
    with town.running() as gate:
        at(gate, MAY)

    restore()

    with town.running() as gate:
        at(gate, MAY)
        at(gate, JUNE)
        assert [len(said.corrections) for said in documents(gate)] == [0, 1, 0]


def test_a_dispute_and_its_end_are_not_forgotten(town: Restorable) -> None:
    with town.running() as gate:
        gate.command(a_funding(40))
        gate.hear(*(work_for(person) for person in commissioned(gate)))
        at(gate, APRIL)
        serial = serials(documents(gate)[0])[0]
    restore = town.back_up()
    with town.running() as gate:
        gate.command(a_dispute(serial), JOBCENTER)
        settle(gate, serial, "credited")

    restore()

    with town.running() as gate:
        assert settle(gate, serial, "stands") == 409
        assert standing(gate, CREDITED) == 1
