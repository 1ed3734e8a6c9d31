"""What the gate does by the clock: answers end, unopened notices are sent afresh, one instance alone does it."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import text

from services.consent.opening import EMPTY
from services.consent.tables import AnswerRow, LeaseRow, ReleaseRow
from services.consent.timers import hold_lease, renew, unopened
from shared.contracts.categories import Category
from shared.unit_of_work import UnitOfWork
from tests.consent.builders import DAY, JOBCENTER, SECOND, a_conclusion
from tests.consent.gate import Gate
from tests.consent.registry import reinstate

CONCLUSION = Category.CONCLUSION
SIX_HOURS = timedelta(hours=6)


def run_calendar(gate: Gate) -> None:
    """Have the gate do what is due."""
    asyncio.run(gate.service.timers.run_calendar())


def a_person_with_content(gate: Gate) -> str:
    """Return a person about whom a notice waits."""
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION, valid_for=9 * DAY)
    return person


def test_what_was_not_opened_for_hours_is_sent_afresh_and_the_old_notice_is_empty(gate: Gate) -> None:
    a_person_with_content(gate)
    *_, old = gate.notices()

    gate.clock.pass_(SIX_HOURS)
    run_calendar(gate)
    *_, new = gate.notices()

    assert new != old
    assert gate.open(old) == EMPTY
    assert gate.open(new)["result"] == "released"


def test_what_was_opened_is_not_sent_afresh(gate: Gate) -> None:
    a_person_with_content(gate)
    gate.reading().news()
    before = gate.notices()

    gate.clock.pass_(SIX_HOURS)
    run_calendar(gate)

    assert gate.notices() == before


def test_a_renewed_retraction_takes_back_the_same_release(gate: Gate) -> None:
    person = a_person_with_content(gate)
    *_, content = gate.notices()
    gate.reading().news()
    gate.withdraw(person)

    gate.clock.pass_(SIX_HOURS)
    run_calendar(gate)

    answers = [gate.open(notice) for notice in gate.notices()[-2:]]
    assert [answer["release_id"] for answer in answers] == [content, content]


def test_a_notice_is_renewed_again_and_again_and_the_newest_alone_opens(gate: Gate) -> None:
    a_person_with_content(gate)

    for _ in range(3):
        gate.clock.pass_(SIX_HOURS + SECOND)
        run_calendar(gate)

    results = [answer["result"] for answer in gate.reading().news()]
    assert results.count("released") == 1
    assert results.count("empty") == 3


def test_what_was_opened_meanwhile_is_not_renewed(gate: Gate) -> None:
    a_person_with_content(gate)
    *_, notice = gate.notices()
    gate.open(notice)
    before = gate.notices()

    gate.write(partial(renew, release_id=notice))

    assert gate.notices() == before
    assert gate.open(notice)["result"] == "released"


def test_what_may_no_longer_be_known_is_not_renewed(gate: Gate) -> None:
    person = a_person_with_content(gate)
    gate.withdraw(person)

    gate.clock.pass_(SIX_HOURS)

    waiting = gate.rows(ReleaseRow, ReleaseRow.state == "waiting")
    due = gate.write(partial(unopened, older_than=SIX_HOURS))
    assert {release_id for release_id, _ in due} == {row.release_id for row in waiting if row.kind == "status"}


def test_an_ended_recipient_is_sent_nothing_afresh(gate: Gate) -> None:
    a_person_with_content(gate)
    gate.ask("POST", f"/recipients/{JOBCENTER}/ending", role="operator")
    before = gate.notices()

    gate.clock.pass_(SIX_HOURS)
    run_calendar(gate)

    assert gate.notices() == before


def test_the_calendar_ends_answers_and_retracts_what_rested_on_them(gate: Gate) -> None:
    a_person_with_content(gate)
    jobcenter = gate.reading()
    jobcenter.news()

    gate.clock.pass_(9 * DAY)
    run_calendar(gate)

    assert "retracted" in [answer["result"] for answer in jobcenter.news()]
    assert {row.ended_by for row in gate.rows(AnswerRow)} == {"expired"}


def test_a_person_whose_answers_cannot_be_read_stops_nobody_elses_calendar(gate: Gate) -> None:
    damaged, other = a_person_with_content(gate), a_person_with_content(gate)
    [answer, *_] = gate.rows(AnswerRow, AnswerRow.person_id == damaged)
    gate.write(lambda work: setattr(work.session.get_one(AnswerRow, answer.answer_id), "said", b"damaged"))

    gate.clock.pass_(9 * DAY)
    run_calendar(gate)

    assert {row.ended_by for row in gate.rows(AnswerRow, AnswerRow.person_id == other)} == {"expired"}


def test_one_holder_has_a_lease_until_it_runs_out(gate: Gate) -> None:
    hold = partial(hold_lease, name="calendar", length=9 * SECOND)

    first = gate.write(partial(hold, holder="one"))
    second = gate.write(partial(hold, holder="other"))
    again = gate.write(partial(hold, holder="one"))
    gate.clock.pass_(9 * SECOND)
    later = gate.write(partial(hold, holder="other"))

    assert [first, second, again, later] == [True, False, True, True]
    assert [row.holder for row in gate.rows(LeaseRow)] == ["other"]


def test_a_lease_that_a_wrong_clock_took_is_no_lease(gate: Gate) -> None:
    hold = partial(hold_lease, name="calendar", length=9 * SECOND)
    gate.clock.pass_(DAY)
    gate.write(partial(hold, holder="one"))

    gate.clock.pass_(-DAY)

    assert gate.write(partial(hold, holder="other"))
    assert not gate.write(partial(hold, holder="one"))


@pytest.mark.parametrize("table", ["inquiry", "subject", "answer"])
def test_one_step_that_fails_stops_no_other(gate: Gate, table: str) -> None:
    person = a_person_with_content(gate)
    gate.clock.pass_(SIX_HOURS)
    before = gate.notices()
    gate.write(lambda work: work.session.execute(text(f"ALTER TABLE {table} RENAME TO away")))

    run_calendar(gate)
    gate.write(lambda work: work.session.execute(text(f"ALTER TABLE away RENAME TO {table}")))
    run_calendar(gate)

    assert len(gate.notices()) > len(before)
    assert gate.open(gate.notices()[-1])["result"] in {"released", "status"}
    assert person


def test_a_failing_status_keeps_nobodys_notice_from_being_renewed(gate: Gate) -> None:
    a_person_with_content(gate)
    before = len(gate.notices())
    gate.write(lambda work: work.session.execute(text("UPDATE subject SET received_on = '9999-12-31'")))

    gate.clock.pass_(SIX_HOURS)
    run_calendar(gate)

    assert len(gate.notices()) == before + 2


def test_an_ended_recipient_is_told_no_status_and_hears_it_if_it_returns(gate: Gate) -> None:
    gate.a_person()
    gate.ask("POST", f"/recipients/{JOBCENTER}/ending", role="operator")
    before = gate.notices()

    gate.clock.pass_(2 * DAY)
    run_calendar(gate)
    while_ended = gate.notices()
    gate.work_off_queue()
    reinstate(gate, JOBCENTER)
    run_calendar(gate)

    assert while_ended == before
    assert gate.open(gate.notices()[-1])["status"] == "running"


def test_what_waits_for_an_ended_recipient_is_given_up_and_renewed_if_it_returns(gate: Gate) -> None:
    a_person_with_content(gate)

    def unsent(work: UnitOfWork) -> int:
        waiting = text("SELECT count(*) FROM outbox WHERE sent_at IS NULL AND destination = :recipient_id")
        return int(work.session.execute(waiting, {"recipient_id": JOBCENTER}).scalar_one())

    before = gate.write(unsent)
    gate.ask("POST", f"/recipients/{JOBCENTER}/ending", role="operator")
    gate.clock.pass_(timedelta(minutes=5))
    run_calendar(gate)

    assert (before > 0, gate.write(unsent)) == (True, 0)


def test_an_instance_without_the_lease_leaves_the_calendar_alone(gate: Gate) -> None:
    a_person_with_content(gate)
    before = gate.notices()

    gate.clock.pass_(SIX_HOURS)
    gate.write(partial(hold_lease, name="calendar", holder="another instance", length=9 * SECOND))
    run_calendar(gate)

    assert gate.notices() == before
