"""What a person narrowed under another id, before an older paper, or with a word that nobody can read, is not lost."""

import pytest
from sqlalchemy import text

from services.consent.domain import Word
from services.consent.tables import AnswerRow, EmergencyRow, HoldRow, PersonRow, SubjectRow
from shared.contracts.categories import Category
from shared.contracts.consent import ReferralCleared, ReferralNotCleared
from shared.contracts.intake import CaseShielded
from tests.consent.builders import CLINIC, DAY, JOBCENTER, NOON, a_case, a_conclusion, an_identity, new_id
from tests.consent.emergencies import JUSTIFIED, act, an_emergency
from tests.consent.gate import Gate
from tests.consent.test_damaged_key import damage_key
from tests.consent.test_erased_emergency import forget_whom_it_is_about
from tests.consent.test_joining import told_by_joining, two_ids_of_one_human
from tests.consent.test_older_paper import fields, hand_in_paper
from tests.consent.test_refused_grants import a_form
from tests.consent.test_representation import a_representation, answer_for
from tests.consent.test_representation_conflicts import stop
from tests.consent.test_shield import register_shield
from tests.consent.test_unreadable import damage

CONCLUSION = Category.CONCLUSION


def an_earlier_id(gate: Gate) -> str:
    """Return somebody who came by themselves, of whom the gate knows a conclusion, and who has said nothing yet."""
    earlier = f"person-{new_id()}"
    gate.hear(a_case(earlier), a_conclusion(earlier))
    return earlier


def damage_answers(gate: Gate, person: str) -> None:
    """Have the disk change everything that a person said."""
    for row in gate.rows(AnswerRow, AnswerRow.person_id == person):
        damage(gate, AnswerRow, row.answer_id, "said")


def test_a_paper_older_than_a_no_under_the_former_id_is_refused_after_the_joining(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    earlier = an_earlier_id(gate)
    gate.clock.pass_(2 * DAY)
    former = gate.a_person()
    gate.grant(former, CONCLUSION, word=Word.NO)
    told_by_joining(gate, earlier, former)

    assert fields(hand_in_paper(gate, earlier)) == {"evidence.declared_on"}


@pytest.mark.parametrize("narrows", ["no", "objection"])
def test_a_representative_opens_nothing_against_a_word_under_the_former_id(sqlite_gate: Gate, narrows: str) -> None:
    gate = sqlite_gate
    earlier, former = an_earlier_id(gate), gate.a_person()
    if narrows == "no":
        gate.grant(former, CONCLUSION, word=Word.NO)
    else:
        stop(gate, a_representation(gate, former), "objection")
    told_by_joining(gate, earlier, former)
    jobcenter = gate.reading()
    jobcenter.news()

    answer = answer_for(gate, earlier, a_representation(gate, earlier))

    assert (answer.status_code, answer.json()["code"]) == (409, "objection_stands")
    assert jobcenter.news() == []


def test_a_yes_on_a_paper_that_is_older_than_the_no_ends_at_the_joining(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    earlier, former = an_earlier_id(gate), gate.a_person()
    gate.clock.pass_(2 * DAY)
    gate.grant(former, CONCLUSION, word=Word.NO)
    gate.clock.pass_(DAY)
    assert hand_in_paper(gate, earlier).status_code == 201

    assert "released" not in told_by_joining(gate, earlier, former)


def test_the_withdrawal_of_a_word_that_nobody_can_read_goes_along(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    former = gate.a_person()
    gate.grant(former, CONCLUSION)
    gate.clock.pass_(DAY)
    earlier = an_earlier_id(gate)
    gate.grant(earlier, CONCLUSION)
    gate.clock.pass_(DAY)
    damage_answers(gate, former)
    gate.withdraw(former)

    assert "released" not in told_by_joining(gate, earlier, former)


def test_a_paper_older_than_the_withdrawal_of_a_word_that_nobody_can_read_is_refused(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    person = gate.a_person()
    gate.grant(person, CONCLUSION)
    damage_answers(gate, person)
    gate.clock.pass_(2 * DAY)
    gate.withdraw(person)
    gate.clock.pass_(DAY)

    assert fields(hand_in_paper(gate, person)) == {"evidence.declared_on"}


def test_to_somebody_who_was_erased_a_joining_takes_nothing_along(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    earlier, former = two_ids_of_one_human(gate)
    gate.ask("POST", f"/persons/{former}/hold", {})
    gate.clock.pass_()
    assert gate.ask("POST", f"/persons/{earlier}/erasure").status_code == 202
    gate.clock.pass_()

    told_by_joining(gate, earlier, former)

    assert gate.rows(HoldRow, HoldRow.person_id == earlier) == []


def test_an_own_yes_from_before_an_objection_lifts_nothing_of_it(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    person = gate.a_person()
    assert gate.ask("POST", "/grants", a_form(person, valid_days=1)).status_code == 201
    gate.clock.pass_(3 * DAY)
    gate.expire(person)
    stop(gate, a_representation(gate, person), "objection")

    assert answer_for(gate, person, a_representation(gate, person)).status_code == 409


def test_an_own_yes_after_the_objection_lifts_it(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    person = gate.a_person()
    stop(gate, a_representation(gate, person), "objection")
    gate.clock.pass_(DAY)
    assert gate.ask("POST", "/grants", a_form(person)).status_code == 201
    gate.clock.pass_(DAY)

    assert answer_for(gate, person, a_representation(gate, person)).status_code == 201


def test_an_objection_weighs_more_than_a_conflict_that_was_found_before(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    person = gate.a_person()
    first = a_representation(gate, person)
    stop(gate, first, "conflict_of_interest")
    stop(gate, first, "objection")
    stop(gate, first, "revoked")

    assert answer_for(gate, person, a_representation(gate, person)).status_code == 409


def test_the_team_hears_when_a_referral_is_cleared_no_more_because_its_answers_cannot_be_read(
    sqlite_gate: Gate,
) -> None:
    gate = sqlite_gate
    person = gate.a_person()
    gate.hear(an_identity(person))
    referral = gate.a_referral_of(person, Category.IDENTITY)
    gate.agree(person, referral, Category.IDENTITY)
    assert [event.referral_id for event in gate.announced(ReferralCleared)] == [referral]
    gate.reading(CLINIC).news()
    damage_answers(gate, person)

    gate.hear(an_identity(person, fact_id="identity-2"))

    assert [event.referral_id for event in gate.announced(ReferralNotCleared)] == [referral]


def test_a_retraction_under_a_damaged_key_is_whole_in_the_ledger_once_the_key_is_back(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    person, jobcenter = gate.a_person(), gate.reading()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION)
    jobcenter.news()
    keys = gate.service.keys
    with keys._engine.begin() as connection:
        known = {"key_id": person}
        found = text("SELECT wrapped FROM person_key WHERE key_id = :key_id")
        wrapped = connection.execute(found, known).scalar_one()
    damage_key(gate, person)
    assert gate.ask("POST", "/withdrawals", {"person_id": person}).status_code == 200
    gate.clock.pass_()
    assert [news["result"] for news in jobcenter.news()] == ["retracted"]

    with keys._engine.begin() as connection:
        back = text("UPDATE person_key SET wrapped = :wrapped WHERE key_id = :key_id")
        connection.execute(back, {**known, "wrapped": wrapped})
    keys._cache.clear()

    assert gate.ask("GET", f"/ledger/{JOBCENTER}/verification", role="operator").json()["whole"] is True
    assert "told to delete" in gate.ask("GET", f"/persons/{person}/ledger/in-plain-words").text


def test_a_damaged_reference_keeps_nobody_from_being_shielded(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    register_shield(gate)
    person = gate.a_person()
    [commission] = gate.rows(SubjectRow, SubjectRow.person_id == person)
    damage(gate, SubjectRow, commission.subject_id, "reference")

    gate.hear(CaseShielded(case_id="case-0001", person_id=person, shielded_at=NOON))

    [row] = gate.rows(PersonRow, PersonRow.person_id == person)
    assert row.shielded_at is not None


def test_an_emergency_that_was_kept_to_be_reviewed_goes_with_its_review(sqlite_gate: Gate) -> None:
    gate = sqlite_gate
    emergency_id = an_emergency(gate)
    forget_whom_it_is_about(gate)

    assert act(gate, emergency_id, "review", JUSTIFIED, role="lead")[0] == 200

    assert gate.rows(EmergencyRow) == []
