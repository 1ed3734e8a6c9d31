"""Recipients end, lapse, narrow their offer, come back: nothing leaves meanwhile, and nothing is forgotten."""

import asyncio
from datetime import timedelta

import pytest

from services.consent import reconsideration
from services.consent.domain import RecipientRole, Word
from services.consent.notices import reconsider
from services.consent.recipient_tables import ReconsiderationRow
from services.consent.tables import AnswerRow, GrantRow, InquiryRow, ReleaseRow
from shared.contracts.categories import Category
from shared.contracts.consent import ReferralNotCleared
from shared.contracts.intake import CaseEnded
from shared.unit_of_work import UnitOfWork
from tests.consent.builders import (
    CLINIC,
    DAY,
    JOBCENTER,
    JOBCENTERS_SIX,
    NOON,
    a_commission,
    a_conclusion,
    a_finding,
    a_statement,
)
from tests.consent.gate import Gate
from tests.consent.registry import a_key, a_registration, change_key, end, listed, put, reinstate
from tests.consent.surroundings import a_commitment, register
from tests.consent.wire import Wire

CONCLUSION, STATEMENT = Category.CONCLUSION, Category.STATEMENT
EMPTY = {"result": "empty"}
LAST_DAY = (NOON + 9 * DAY).date()


def told_a_conclusion(gate: Gate) -> str:
    """Have the Jobcenter open a person's conclusion; return the person."""
    person = gate.a_person()
    gate.grant(person, CONCLUSION, STATEMENT)
    gate.hear(a_conclusion(person))
    opened = [gate.open(notice)["result"] for notice in gate.notices()[-1:]]
    assert opened == ["released"]
    return person


def lapse_jobcenter(gate: Gate) -> None:
    """Let the Jobcenter's commitment run out."""
    gate.register(JOBCENTER, valid_until=LAST_DAY)
    gate.work_off_queue()
    gate.clock.now = NOON + 10 * DAY
    assert listed(gate, JOBCENTER)["state"] == "lapsed"


def renew_jobcenter(gate: Gate) -> None:
    """Renew it."""
    gate.register(JOBCENTER, signed_on=gate.clock.now.date())
    gate.work_off_queue()
    assert listed(gate, JOBCENTER)["state"] == "active"


def results(gate: Gate, notices: list[str], recipient_id: str = JOBCENTER) -> list[str]:
    """Open notices and return what kind of answer each brought."""
    return [gate.open(notice, recipient_id)["result"] for notice in notices]


def test_a_lapsed_recipient_opens_nothing_and_is_sent_nothing(gate: Gate) -> None:
    person = told_a_conclusion(gate)
    lapse_jobcenter(gate)
    before = gate.notices()

    gate.hear(a_statement(person))
    gate.withdraw(person, CONCLUSION)
    asyncio.run(gate.service.timers.run_calendar())
    gate.clock.pass_(timedelta(hours=7))
    asyncio.run(gate.service.timers.run_calendar())

    assert gate.notices() == before
    assert [gate.open(notice) for notice in before] == [EMPTY] * len(before)


def test_a_lapse_alone_retracts_nothing(gate: Gate) -> None:
    told_a_conclusion(gate)
    lapse_jobcenter(gate)

    renew_jobcenter(gate)

    assert gate.rows(ReleaseRow, ReleaseRow.kind == "retraction") == []
    assert results(gate, gate.notices()[-1:]) == ["released"]


def test_what_was_withdrawn_during_a_lapse_is_retracted_when_it_is_renewed(gate: Gate) -> None:
    person = told_a_conclusion(gate)
    lapse_jobcenter(gate)
    gate.withdraw(person)
    before = gate.notices()

    renew_jobcenter(gate)

    fresh = [notice for notice in gate.notices() if notice not in before]
    assert "retracted" in results(gate, fresh)
    assert "released" not in results(gate, gate.notices())


def test_what_became_known_during_a_lapse_is_noticed_when_it_is_renewed(gate: Gate) -> None:
    person = told_a_conclusion(gate)
    lapse_jobcenter(gate)
    gate.hear(a_statement(person, "I look for a flat."))
    before = gate.notices()

    renew_jobcenter(gate)

    [told] = [gate.open(notice) for notice in gate.notices() if notice not in before]
    assert told["released"]["statements"][0]["text"] == "I look for a flat."


def test_what_waited_unopened_over_a_lapse_is_noticed_afresh(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION)
    gate.hear(a_conclusion(person))
    waited = gate.notices()[-1]
    lapse_jobcenter(gate)

    renew_jobcenter(gate)

    assert gate.open(waited) == EMPTY
    assert "released" in results(gate, gate.notices())


def test_a_no_is_taken_during_a_lapse_and_a_yes_is_not(gate: Gate) -> None:
    person = told_a_conclusion(gate)
    lapse_jobcenter(gate)

    gate.grant(person, CONCLUSION, word=Word.NO)
    with pytest.raises(Exception, match="no recipient"):
        gate.grant(person, STATEMENT)
    renew_jobcenter(gate)

    assert "retracted" in results(gate, gate.notices())


def test_a_status_that_changed_during_a_lapse_is_told_when_it_is_renewed(gate: Gate) -> None:
    gate.command(a_commission("BG-1"))
    lapse_jobcenter(gate)
    asyncio.run(gate.service.timers.run_calendar())
    before = gate.notices()

    renew_jobcenter(gate)
    asyncio.run(gate.service.timers.run_calendar())

    fresh = [gate.open(notice) for notice in gate.notices() if notice not in before]
    assert {answer["status"] for answer in fresh} == {"running"}


def test_no_line_is_held_to_a_lapsed_or_ended_recipient(gate: Gate) -> None:
    lapse_jobcenter(gate)
    lapsed = [row.recipient_id for row in gate.service.timers._registered()]

    renew_jobcenter(gate)
    end(gate, CLINIC)

    assert lapsed == [CLINIC]
    assert [row.recipient_id for row in gate.service.timers._registered()] == [JOBCENTER]


def test_an_ended_recipient_is_brought_back_by_no_registration_and_no_key(gate: Gate) -> None:
    put(gate)
    end(gate, "schuldnerhilfe")

    answers = [put(gate), change_key(gate, "schuldnerhilfe", a_key())]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(409, "recipient_ended")}
    assert listed(gate, "schuldnerhilfe")["state"] == "ended"


def test_ending_a_recipient_ends_every_yes_and_ask_and_leaves_a_no(gate: Gate) -> None:
    person, other = gate.a_person(), gate.a_person()
    gate.grant(person, CONCLUSION)
    gate.grant(person, STATEMENT, word=Word.ASK)
    gate.grant(person, Category.WORK, word=Word.NO)
    gate.grant(other, CONCLUSION)

    end(gate, JOBCENTER)
    gate.work_off_queue()

    answers = gate.ask("GET", f"/persons/{person}/answers").json()
    assert {(answer["word"], answer["stands"]) for answer in answers} == {("yes", False), ("ask", False), ("no", True)}
    assert not any(answer["stands"] for answer in gate.ask("GET", f"/persons/{other}/answers").json())


def test_ending_a_recipient_leaves_what_was_said_to_others(gate: Gate) -> None:
    person = gate.a_person()
    referral = gate.a_referral_of(person)
    gate.agree(person, referral, Category.IDENTITY)
    gate.grant(person, CONCLUSION)

    end(gate, JOBCENTER)
    gate.work_off_queue()

    answers = gate.ask("GET", f"/persons/{person}/answers").json()
    assert {answer["recipient_id"] for answer in answers if answer["stands"]} == {CLINIC}


def test_a_reinstated_recipient_opens_nothing_of_old_and_is_told_to_drop_what_it_had(gate: Gate) -> None:
    person = told_a_conclusion(gate)
    end(gate, JOBCENTER)
    gate.work_off_queue()
    before = gate.notices()

    assert reinstate(gate, JOBCENTER).status_code == 200
    gate.work_off_queue()
    gate.hear(a_statement(person))

    fresh = [notice for notice in gate.notices() if notice not in before]
    assert "retracted" in results(gate, fresh)
    assert "released" not in results(gate, gate.notices())


def test_a_withdrawal_while_it_was_ended_is_not_lost(gate: Gate) -> None:
    person = told_a_conclusion(gate)
    end(gate, JOBCENTER)
    gate.withdraw(person)
    gate.work_off_queue()

    reinstate(gate, JOBCENTER)
    gate.work_off_queue()

    assert results(gate, gate.notices()).count("retracted") == 1


def test_after_a_reinstatement_the_person_may_agree_anew(gate: Gate) -> None:
    person = told_a_conclusion(gate)
    end(gate, JOBCENTER)
    gate.work_off_queue()
    reinstate(gate, JOBCENTER)
    gate.work_off_queue()

    gate.grant(person, CONCLUSION)

    assert results(gate, gate.notices()[-1:]) == ["released"]


def test_nobody_is_reinstated_while_answers_are_still_being_ended(gate: Gate) -> None:
    told_a_conclusion(gate)
    end(gate, JOBCENTER)
    assert listed(gate, JOBCENTER)["persons_to_reconsider"] == 1

    too_early = reinstate(gate, JOBCENTER)
    gate.work_off_queue()

    assert (too_early.status_code, too_early.json()["code"]) == (409, "ending_not_done")
    assert reinstate(gate, JOBCENTER).status_code == 200


def test_a_recipient_that_was_not_ended_is_not_reinstated(gate: Gate) -> None:
    answer = reinstate(gate, JOBCENTER)

    assert (answer.status_code, answer.json()["code"]) == (409, "recipient_not_ended")


def test_a_reinstatement_needs_a_commitment_signed_since_the_ending(gate: Gate) -> None:
    gate.clock.pass_(2 * DAY)
    end(gate, CLINIC)
    old = a_registration()["purpose_commitment"]

    answer = reinstate(gate, CLINIC)
    body = {"organisation": f"register of {CLINIC}", "purpose_commitment": old}
    body |= {"staff_secrecy_notice": a_registration()["staff_secrecy_notice"]}
    end(gate, CLINIC)
    refused = gate.ask("POST", f"/recipients/{CLINIC}/reinstatement", body, role="operator")

    assert answer.status_code == 200
    assert refused.json()["errors"][0]["field"] == "purpose_commitment.signed_on"


def test_a_narrower_offer_retracts_what_was_told_beyond_it(gate: Gate) -> None:
    told_a_conclusion(gate)
    before = gate.notices()

    gate.register(JOBCENTER, RecipientRole.JOBCENTER, STATEMENT)
    gate.work_off_queue()

    fresh = [notice for notice in gate.notices() if notice not in before]
    assert results(gate, fresh) == ["retracted"]


def test_a_name_or_commitment_alone_reconsiders_nobody(gate: Gate) -> None:
    told_a_conclusion(gate)

    gate.register(JOBCENTER, RecipientRole.JOBCENTER, *JOBCENTERS_SIX, valid_until=LAST_DAY)

    assert gate.rows(ReconsiderationRow) == []


def test_the_team_hears_that_no_help_will_come_from_an_ended_provider(gate: Gate) -> None:
    person = gate.a_person()
    cleared, waiting, closed = (gate.a_referral_of(person) for _ in range(3))
    gate.agree(person, cleared, Category.MENTAL_HEALTH)
    gate.hear(a_finding(person, Category.MENTAL_HEALTH))
    told = len(gate.announced(ReferralNotCleared))

    end(gate, CLINIC)
    gate.work_off_queue()
    gate.work_off_queue()

    said = gate.announced(ReferralNotCleared)[told:]
    assert sorted(event.referral_id for event in said) == sorted([cleared, waiting, closed])


def test_the_person_is_asked_nothing_more_for_an_ended_recipient(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION, word=Word.ASK)
    gate.hear(a_conclusion(person))
    assert len(gate.ask("GET", f"/persons/{person}/inquiries").json()) == 1

    end(gate, JOBCENTER)
    gate.work_off_queue()

    assert gate.ask("GET", f"/persons/{person}/inquiries").json() == []
    assert {row.state for row in gate.rows(InquiryRow)} == {"void"}


def test_notices_that_had_not_left_for_an_ended_recipient_never_leave(gate: Gate) -> None:
    told_a_conclusion(gate)
    assert gate.http.get("/ready").json()["counts"]["unsent"] > 0

    end(gate, JOBCENTER)

    table = GrantRow.metadata.tables["outbox"]
    with gate.service.database.read() as session:
        left = session.execute(table.select().where(table.c.sent_at.is_(None))).all()
    assert {row.destination for row in left} == {"care"}


def test_the_queue_survives_a_restart_and_working_it_off_twice_changes_nothing(gate: Gate) -> None:
    people = [told_a_conclusion(gate) for _ in range(3)]
    end(gate, JOBCENTER)
    numbers = [row.number for row in gate.rows(ReconsiderationRow)]
    gate.write(lambda work: reconsideration.settle(work, number=numbers[0] or 0))

    gate.write(lambda work: reconsideration.settle(work, number=numbers[0] or 0))
    gate.work_off_queue()

    assert gate.rows(ReconsiderationRow) == []
    assert {row.person_id for row in gate.rows(AnswerRow, AnswerRow.ended_by == "expired")} == set(people)


def test_one_whose_answers_cannot_be_read_stops_nobody_and_ends_all_the_same(gate: Gate) -> None:
    damaged, erased, _ = (told_a_conclusion(gate) for _ in range(3))
    [answer, *_] = gate.rows(AnswerRow, AnswerRow.person_id == damaged)
    gate.write(lambda work: setattr(work.session.get_one(AnswerRow, answer.answer_id), "said", b"damaged"))
    gate.service.keys.destroy(erased)

    end(gate, JOBCENTER)
    gate.work_off_queue()

    assert gate.rows(AnswerRow, AnswerRow.ended_at == None) == []  # noqa: E711  SQL
    assert gate.rows(ReconsiderationRow) == []


def test_one_who_cannot_be_reconsidered_stays_queued_and_stops_nobody(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged, _ = told_a_conclusion(gate), told_a_conclusion(gate)

    def fails_for_one(work: UnitOfWork, person_id: str) -> None:
        if person_id == damaged:
            raise ValueError("cannot be reconsidered")
        reconsider(work, person_id)

    monkeypatch.setattr(reconsideration, "reconsider", fails_for_one)

    gate.register(JOBCENTER, RecipientRole.JOBCENTER, STATEMENT)
    gate.work_off_queue()

    assert [(row.person_id, row.attempts) for row in gate.rows(ReconsiderationRow)] == [(damaged, 1)]
    assert len(gate.rows(ReleaseRow, ReleaseRow.kind == "retraction")) == 1


def test_a_grant_after_the_ending_was_queued_is_not_ended_by_it(gate: Gate) -> None:
    person = told_a_conclusion(gate)
    end(gate, JOBCENTER)
    gate.work_off_queue()
    reinstate(gate, JOBCENTER)
    gate.grant(person, CONCLUSION)

    gate.work_off_queue()

    assert [row.ended_by for row in gate.rows(AnswerRow, AnswerRow.person_id == person)].count(None) == 2


def test_the_facts_of_an_ended_case_go_with_the_last_answer(gate: Gate) -> None:
    person = told_a_conclusion(gate)
    gate.hear(CaseEnded(case_id="case-0001", person_id=person, ended_at=NOON))

    end(gate, JOBCENTER)
    gate.work_off_queue()
    reinstate(gate, JOBCENTER)
    gate.work_off_queue()
    gate.grant(person, CONCLUSION)

    assert "released" not in results(gate, gate.notices()[-1:])


def test_a_lapsed_recipient_gives_no_commands(gate: Gate) -> None:
    lapse_jobcenter(gate)

    answer = Wire(gate).send(a_commission())

    assert answer["errors"][0]["field"] == "command"


def test_everybody_who_ever_said_a_word_is_queued_once(gate: Gate) -> None:
    person = told_a_conclusion(gate)
    gate.grant(person, CONCLUSION)
    gate.command(a_commission("BG-nobody-yet"))

    gate.write(lambda work: reconsideration.queue(work, JOBCENTER, cause=reconsideration.CHANGED))

    assert [row.person_id for row in gate.rows(ReconsiderationRow)] == [person]


def test_the_builders_commitment_is_one_that_is_accepted(gate: Gate) -> None:
    gate.write(lambda work: register(work, "a-provider", RecipientRole.PROVIDER))

    assert listed(gate, "a-provider")["commitment_ends_on"] == str(a_commitment(RecipientRole.PROVIDER).valid_until)
