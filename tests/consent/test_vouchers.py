"""Vouchers: funded in books, spent once for each unit of work, never for lack of one refusing anybody anything."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from services.consent.billing_tables import BookRow, VoucherRow, WorkRow
from services.consent.domain import RecipientRole
from services.consent.tables import SubjectRow
from services.consent.voucher import VoucherState
from shared.contracts.billing import voucher_text
from shared.contracts.envelope import CareEvent
from tests.consent.billed import APRIL, account, at, commissioned, documents, owed, standing
from tests.consent.builders import (
    CLINIC,
    JOBCENTER,
    NOON,
    a_cancellation,
    a_case,
    a_case_end,
    a_commission,
    a_funding,
    an_attendance,
    new_id,
    visit_to,
    work_for,
    work_undone,
)
from tests.consent.bus import Bus
from tests.consent.gate import Gate, running_gate
from tests.consent.surroundings import Store
from tests.consent.test_damaged_key import damage_key
from tests.consent.test_erasure import erase
from tests.consent.test_joining import joined
from tests.consent.test_shield import SHIELD, register_shield, shielded
from tests.consent.wire import Wire

UNSPENT, SPENT, VOID, BILLED, CREDITED, REPAID = VoucherState
CONTINGENT = "CONTINGENT"


def test_a_book_holds_a_signed_voucher_for_each_unit(gate: Gate) -> None:
    assert Wire(gate).send(a_funding(12))["result"] == "received"

    vouchers = gate.rows(VoucherRow)
    keys = gate.service.issuer.key.public
    texts = [voucher_text(recipient_id=JOBCENTER, serial=one.serial, cents=9000) for one in vouchers]
    assert len({one.serial for one in vouchers}) == 12
    assert all(keys.has_signed(text, one.signature) for text, one in zip(texts, vouchers, strict=True))


def test_a_further_command_adds_to_the_book_and_a_repeated_one_does_not(gate: Gate) -> None:
    first = a_funding(5)

    for command in (first, first, a_funding(2)):
        gate.command(command)

    assert [book.units for book in gate.rows(BookRow)] == [7]
    assert standing(gate, UNSPENT) == 7


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"units": 0}, "units", "is too small"),
        ({"units": 5001}, "units", "is too large"),
        ({"units": "10"}, "units", "must be a whole number"),
        ({"month": "2026-13"}, "month", "must be a month like 2026-11"),
        ({"month": "2026-02"}, "month", "must be this month or one of the next twelve"),
        ({"month": "2027-04"}, "month", "must be this month or one of the next twelve"),
        ({"budget_line": "a"}, "budget_line", "has characters or a length that are not accepted"),
        ({"person": "x"}, "person", "is not accepted"),
    ],
)
def test_a_funding_that_cannot_be_is_refused_by_field_and_reason(
    sqlite_gate: Gate, changes: dict[str, Any], field: str, reason: str
) -> None:
    answer = Wire(sqlite_gate).send(a_funding(**changes))

    assert (answer["result"], answer["errors"]) == ("refused", [{"field": field, "reason": reason}])
    assert standing(sqlite_gate, UNSPENT) == 0


def test_a_provider_funds_nothing(sqlite_gate: Gate) -> None:
    assert Wire(sqlite_gate).send(a_funding(), CLINIC)["errors"][0]["field"] == "command"


@pytest.mark.parametrize("command", ["commission", "change_commission"])
def test_no_commission_is_on_the_contingent(sqlite_gate: Gate, command: str) -> None:
    given = a_commission() if command == "commission" else {"command_id": new_id(), "reference": "BG-1"}

    answer = Wire(sqlite_gate).send({**given, "command": command, "budget_line": CONTINGENT})

    assert answer["errors"] == [
        {"field": "budget_line", "reason": "is reserved for people who came without a commission"}
    ]


def test_work_spends_a_voucher_of_the_persons_line_for_each_unit(gate: Gate) -> None:
    gate.command(a_funding(5))
    gate.command(a_funding(5, "B-2"))
    [person] = commissioned(gate, 1, "B-2")

    gate.hear(work_for(person, units=3))

    assert account(gate, "B-2")["spent"] == 3
    assert account(gate)["spent"] == 0


@pytest.mark.parametrize("work", [work_for, visit_to])
def test_work_that_is_told_again_spends_nothing(gate: Gate, work: Callable[[str], CareEvent]) -> None:
    gate.command(a_funding(5))
    [person] = commissioned(gate, 1)
    done, bus = work(person), Bus(gate)

    bus.bring(done)  # delivered again, or announced again after a restored backup: another message, the same work
    bus.bring(done)
    gate.hear(done)

    assert (standing(gate, SPENT), owed(gate)) == (1, 0)


def test_a_visit_and_a_talk_are_paid_alike(gate: Gate) -> None:
    gate.command(a_funding(5))
    [person] = commissioned(gate, 1)

    gate.hear(work_for(person), visit_to(person))

    assert account(gate)["spent"] == 2
    assert [(row.owed_units, row.owed_by, row.is_corrected) for row in gate.rows(WorkRow)] == [(0, None, False)] * 2


def test_without_a_voucher_work_is_owed_and_paid_first_when_funds_come(gate: Gate) -> None:
    [person] = commissioned(gate, 1)
    gate.hear(work_for(person, units=3))
    assert (owed(gate), account(gate)["owed"]) == (3, 3)

    gate.command(a_funding(2))
    assert (owed(gate), standing(gate, SPENT)) == (1, 2)

    gate.command(a_funding(2))
    assert (owed(gate), standing(gate, SPENT), standing(gate, UNSPENT)) == (0, 3, 1)


def test_a_book_is_spent_from_its_month_on(gate: Gate) -> None:
    [person] = commissioned(gate, 1)
    gate.command(a_funding(3, month="2026-04"))
    gate.hear(work_for(person))
    assert owed(gate) == 1

    at(gate, APRIL)

    assert (owed(gate), standing(gate, SPENT)) == (0, 1)


def test_a_person_without_a_commission_is_paid_out_of_the_contingent(gate: Gate) -> None:
    gate.command(a_funding(5, CONTINGENT))
    gate.hear(a_case("person-by-herself"), work_for("person-by-herself"))

    assert account(gate, CONTINGENT)["spent"] == 1


@pytest.mark.parametrize("over", ["cancelled", "finished"])
def test_after_a_commission_the_contingent_pays(gate: Gate, over: str) -> None:
    gate.command(a_funding(5, CONTINGENT))
    person = gate.a_person("BG-1")
    if over == "cancelled":
        gate.command(a_cancellation("BG-1"))
    else:
        gate.clock.now = NOON.replace(month=6, day=30)

    gate.hear(work_for(person))

    assert account(gate, CONTINGENT)["spent"] == 1


def test_work_waits_until_it_is_known_by_which_commission_the_person_came(gate: Gate) -> None:
    bus = Bus(gate)
    gate.command(a_funding(5))
    gate.command(a_commission())
    commission_id = commission_of(gate)
    gate.hear(an_attendance("person-0001"))

    bus.bring(work_for("person-0001"))
    assert standing(gate, SPENT) == 0

    bus.bring(a_case("person-0001", commission_id))
    assert standing(gate, SPENT) == 1


def commission_of(gate: Gate) -> str:
    """Return the only commission."""
    [row] = gate.rows(SubjectRow, SubjectRow.kind == "commission")
    return row.subject_id


def test_work_under_a_former_id_is_paid_by_the_commission_that_moved(gate: Gate) -> None:
    gate.command(a_funding(5))
    former = gate.a_person("BG-1")
    gate.hear(a_case("person-earlier"))
    gate.hear(joined(commission_of(gate), earlier="person-earlier", former=former))

    gate.hear(work_for(former), work_for("person-earlier"))

    assert (standing(gate, SPENT), owed(gate)) == (2, 0)


def test_whether_somebody_is_shielded_changes_nothing_in_what_is_billed(gate: Gate) -> None:
    register_shield(gate)
    gate.command(a_funding(5))
    gate.command(a_funding(5), SHIELD)
    person = gate.a_person("BG-1")
    gate.hear(shielded(person))

    gate.hear(work_for(person))

    assert [one.recipient_id for one in gate.rows(VoucherRow, VoucherRow.state == SPENT.value)] == [JOBCENTER]


def test_a_shield_has_no_contingent(gate: Gate) -> None:
    register_shield(gate)

    assert gate.command(a_funding(5, CONTINGENT), SHIELD) == [
        {"field": "budget_line", "reason": "is funded by the Jobcenter itself"}
    ]


def test_the_contingent_of_a_jobcenter_that_comes_later_pays_what_was_done_before(store: Store, tmp_path: Path) -> None:
    with running_gate(tmp_path, store) as gate:
        gate.hear(a_case("person-by-herself"), work_for("person-by-herself"))
        gate.register(JOBCENTER, RecipientRole.JOBCENTER)

        gate.command(a_funding(1, CONTINGENT))

        assert (owed(gate), standing(gate, SPENT)) == (0, 1)


def test_a_correction_puts_back_a_fresh_voucher(gate: Gate) -> None:
    gate.command(a_funding(1))
    [person] = commissioned(gate, 1)
    [before] = [one.serial for one in gate.rows(VoucherRow)]
    gate.hear(work_for(person, "work-0001"))

    gate.hear(work_undone(person, "work-0001"), work_undone(person, "work-0001"))

    fresh = gate.rows(VoucherRow, VoucherRow.state == UNSPENT.value)
    assert (standing(gate, SPENT), standing(gate, VOID), len(fresh)) == (0, 1, 1)
    assert fresh[0].serial != before


def test_what_is_put_back_pays_what_is_owed(gate: Gate) -> None:
    gate.command(a_funding(1))
    ada, bela = commissioned(gate, 2)
    gate.hear(work_for(ada, "work-0001"), work_for(bela))

    gate.hear(work_undone(ada, "work-0001"))

    assert (owed(gate), standing(gate, SPENT)) == (0, 1)


def test_a_correction_of_what_is_owed_owes_nothing(gate: Gate) -> None:
    [person] = commissioned(gate, 1)
    gate.hear(work_for(person, "work-0001"), work_undone(person, "work-0001"))

    assert owed(gate) == 0


def test_a_correction_that_overtakes_its_work_leaves_nothing_to_pay(gate: Gate) -> None:
    gate.command(a_funding(1))
    [person] = commissioned(gate, 1)

    gate.hear(work_undone(person, "work-0001"), work_for(person, "work-0001"))

    assert standing(gate, SPENT) == 0


def test_an_erased_persons_vouchers_stay_counted_and_lead_to_nobody(gate: Gate) -> None:
    gate.command(a_funding(2))
    [person] = commissioned(gate, 1)
    gate.hear(work_for(person, units=3))

    erase(gate, person)

    assert (standing(gate, SPENT), owed(gate)) == (2, 1)
    assert [(row.person_id, row.link) for row in gate.rows(WorkRow)] == [(None, None)]


def test_what_was_owed_for_an_erased_person_is_paid_all_the_same(gate: Gate) -> None:
    [person] = commissioned(gate, 1)
    gate.hear(work_for(person))
    erase(gate, person)

    gate.command(a_funding(1))

    assert (owed(gate), standing(gate, SPENT)) == (0, 1)


def test_a_damaged_key_stops_nobody_elses_work(gate: Gate) -> None:
    ada, bela = commissioned(gate, 2)
    gate.hear(an_attendance(ada), work_for(ada), work_for(bela))
    damage_key(gate, ada)

    gate.command(a_funding(5))

    assert (owed(gate), standing(gate, SPENT)) == (1, 1)


def test_the_end_of_a_case_changes_nothing_in_what_is_spent(gate: Gate) -> None:
    gate.command(a_funding(2))
    [person] = commissioned(gate, 1)

    gate.hear(work_for(person), a_case_end(person))

    assert standing(gate, SPENT) == 1


def test_a_row_that_nobody_signed_is_never_billed(gate: Gate) -> None:
    gate.command(a_funding(20))
    [person, *_] = commissioned(gate)
    for _ in range(10):
        gate.hear(work_for(person))

    def forge(work: Any) -> None:
        voucher = work.session.exec(select(VoucherRow).where(VoucherRow.state == SPENT.value)).first()
        voucher.cents = 1

    gate.write(forge)
    at(gate, APRIL)

    assert [group for said in documents(gate) for group in said.groups] == []


def test_the_store_shows_no_order_and_no_time_of_spending(gate: Gate) -> None:
    names = {*VoucherRow.model_fields, *WorkRow.model_fields}

    assert not {name for name in names if name.endswith(("_at", "_on"))}
    assert "person_id" not in VoucherRow.model_fields
    assert "serial" not in WorkRow.model_fields
