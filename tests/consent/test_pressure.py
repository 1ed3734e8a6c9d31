"""What was said under pressure waits for the person; a quiet signal holds everything, and nobody outside can see it."""

from typing import Any

import pytest

from services.consent.declaration import Evidence
from services.consent.domain import CONFIRM_WITHIN, Place, Word
from shared.contracts.categories import Category
from shared.contracts.consent import Awaited, PersonAwaited, ReferralCleared, ReferralNotCleared
from tests.consent.builders import CLINIC, DAY, JOBCENTER, SHA, a_conclusion, a_removal, a_statement
from tests.consent.gate import Gate

CONCLUSION, STATEMENT = Category.CONCLUSION, Category.STATEMENT
AT_THE_JOBCENTER = Evidence("paper", "de", "v1", SHA, None, "person_desk-1", place=Place.JOBCENTER_PREMISES)
ELSEWHERE = {"place": "elsewhere"}


def a_person_with_a_conclusion(gate: Gate) -> str:
    """Return somebody of whom something is known."""
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    return person


def confirm(gate: Gate, grants: list[str], place: str = "elsewhere") -> set[int]:
    """Confirm grants; return the statuses."""
    found = {gate.ask("POST", f"/grants/{item}/confirmation", {"place": place}).status_code for item in grants}
    gate.clock.pass_()
    return found


def hold(gate: Gate, person: str, role: str = "person_desk", **named: str) -> None:
    """Give the quiet signal."""
    assert gate.ask("POST", f"/persons/{person}/hold", named, role=role).status_code == 200
    gate.clock.pass_()


def lift(gate: Gate, person: str, place: str = "elsewhere") -> int:
    """Lift the holds; return the status."""
    status = gate.ask("POST", f"/persons/{person}/hold-lifting", {"place": place}).status_code
    gate.clock.pass_()
    return status


def states(gate: Gate, person: str) -> set[str]:
    """Return the states of a person's answers."""
    return {answer["state"] for answer in gate.ask("GET", f"/persons/{person}/answers").json()}


@pytest.mark.parametrize("place", [Place.JOBCENTER_PREMISES, Place.JOBCENTER_DEVICE])
def test_a_yes_at_the_jobcenter_opens_nothing_until_it_is_confirmed_elsewhere(gate: Gate, place: Place) -> None:
    person = a_person_with_a_conclusion(gate)
    before = gate.notices()

    evidence = Evidence("portal", "de", "v1", SHA, None, "person_desk-1", place=place)
    grants = gate.grant(person, CONCLUSION, evidence=evidence)
    pending = (gate.notices(), states(gate, person))
    refused = confirm(gate, grants, place.value)
    confirmed = confirm(gate, grants)

    assert pending == (before, {"pending_confirmation"})
    assert (refused, confirmed) == ({422}, {200})
    assert gate.open(gate.notices()[-1])["result"] == "released"


def test_a_no_at_the_jobcenter_counts_at_once(gate: Gate) -> None:
    person = a_person_with_a_conclusion(gate)
    gate.grant(person, CONCLUSION)
    reading = gate.reading()
    reading.news()

    gate.grant(person, CONCLUSION, word=Word.NO, evidence=AT_THE_JOBCENTER)

    assert [answer["result"] for answer in reading.news()] == ["retracted"]


def test_a_pending_yes_leaves_the_no_before_it_until_it_is_confirmed(gate: Gate) -> None:
    person = a_person_with_a_conclusion(gate)
    gate.grant(person, CONCLUSION, word=Word.NO)

    grants = gate.grant(person, CONCLUSION, evidence=AT_THE_JOBCENTER)

    assert states(gate, person) == {"refused", "pending_confirmation"}
    confirm(gate, grants)
    assert states(gate, person) == {"superseded", "granted"}


def test_an_ask_at_the_jobcenter_ends_no_no_and_asks_nothing_until_it_is_confirmed(gate: Gate) -> None:
    person = a_person_with_a_conclusion(gate)
    gate.grant(person, CONCLUSION, word=Word.NO)

    grants = gate.grant(person, CONCLUSION, word=Word.ASK, evidence=AT_THE_JOBCENTER)
    pending = (states(gate, person), gate.ask("GET", f"/persons/{person}/inquiries").json())
    confirm(gate, grants)

    assert pending == ({"refused", "pending_confirmation"}, [])
    assert states(gate, person) == {"superseded", "asked"}
    assert len(gate.ask("GET", f"/persons/{person}/inquiries").json()) == 1


def test_an_ask_at_the_jobcenter_narrows_a_yes_at_once(gate: Gate) -> None:
    person = a_person_with_a_conclusion(gate)
    gate.grant(person, CONCLUSION)
    reading = gate.reading()
    reading.news()

    gate.grant(person, CONCLUSION, word=Word.ASK, evidence=AT_THE_JOBCENTER)

    assert [answer["result"] for answer in reading.news()] == ["retracted"]
    assert states(gate, person) == {"superseded", "pending_confirmation"}


def test_a_hold_towards_nobody_that_is_known_is_no_hold(gate: Gate) -> None:
    person = a_person_with_a_conclusion(gate)

    answer = gate.ask("POST", f"/persons/{person}/hold", {"recipient_id": "jobcenter-esen"})

    assert (answer.status_code, answer.json()["code"]) == (404, "recipient_not_found")


@pytest.mark.parametrize(("place", "is_shown"), [("elsewhere", False), ("jobcenter_device", True)])
def test_a_preview_under_a_hold_is_true_and_gives_it_away_to_nobody_at_the_jobcenter(
    gate: Gate, place: str, is_shown: bool
) -> None:
    person = a_person_with_a_conclusion(gate)
    hold(gate, person)
    asked = {"person_id": person, "recipient_id": JOBCENTER, "purpose": "benefit", "words": {"conclusion": "yes"}}

    preview = gate.ask("POST", "/previews", {**asked, "reaches_back": True, "place": place}).json()

    assert (preview["would_see"] is not None, preview["waits_for_confirmation"]) == (is_shown, is_shown)


def test_a_no_said_later_elsewhere_ends_a_pending_yes_for_ever(gate: Gate) -> None:
    person = a_person_with_a_conclusion(gate)
    grants = gate.grant(person, CONCLUSION, evidence=AT_THE_JOBCENTER)

    gate.grant(person, CONCLUSION, word=Word.NO)

    assert confirm(gate, grants) == {409}
    assert states(gate, person) == {"superseded", "refused"}


def test_what_is_not_confirmed_in_time_is_over(gate: Gate) -> None:
    person = a_person_with_a_conclusion(gate)
    grants = gate.grant(person, CONCLUSION, evidence=AT_THE_JOBCENTER)

    gate.clock.pass_(CONFIRM_WITHIN)

    assert confirm(gate, grants) == {409}
    gate.expire(person)
    assert states(gate, person) == {"expired"}


def test_a_confirmed_yes_from_now_on_reaches_what_came_after_the_confirmation(gate: Gate) -> None:
    person = gate.a_person()
    grants = gate.grant(person, CONCLUSION, reaches_back=False, evidence=AT_THE_JOBCENTER)
    gate.hear(a_conclusion(person, at=gate.clock.now))
    before = gate.notices()

    confirm(gate, grants)

    assert gate.notices() == before


def test_somebody_inside_is_told_that_a_confirmation_is_awaited(gate: Gate) -> None:
    person = a_person_with_a_conclusion(gate)

    gate.grant(person, CONCLUSION, evidence=AT_THE_JOBCENTER)

    assert {told.awaited for told in gate.announced(PersonAwaited)} == {Awaited.CONFIRMATION}


@pytest.mark.parametrize("role", ["person_desk", "assessor"])
def test_under_a_hold_nothing_more_leaves(gate: Gate, role: str) -> None:
    person = a_person_with_a_conclusion(gate)
    gate.grant(person, CONCLUSION, STATEMENT)
    notice = gate.notices()[-1]

    hold(gate, person, role)
    gate.hear(a_statement(person))

    assert gate.open(notice) == {"result": "empty"}
    assert gate.open(gate.notices()[-1])["result"] == "empty"
    assert states(gate, person) == {"paused"}


def what_the_jobcenter_sees(gate: Gate, *, held: bool) -> list[Any]:
    """Play the same history with and without a hold; return all that reaches the Jobcenter, ids renamed."""
    reading = gate.reading()
    reading.news()
    person = a_person_with_a_conclusion(gate)
    gate.grant(person, CONCLUSION)
    seen = [reading.news()]
    notice = gate.notices()[-1]
    if held:
        hold(gate, person)
    else:
        gate.clock.pass_()
    seen += [reading.news(), [gate.open(notice)], [gate.open(notice)]]
    gate.withdraw(person)
    seen += [reading.news(), [gate.open(notice)]]
    return [[without_ids(answer) for answer in answers] for answers in seen]


def without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without what is random."""
    random = {"notice", "release_id", "sequence", "reference"}
    released = {name: value for name, value in answer.get("released", {}).items() if name != "reference"}
    return {name: value for name, value in answer.items() if name not in random} | {"released": released}


def test_a_hold_retracts_nothing_and_cannot_be_seen_by_opening_again(gate: Gate) -> None:
    assert what_the_jobcenter_sees(gate, held=True) == what_the_jobcenter_sees(gate, held=False)


def test_a_hold_towards_one_recipient_leaves_the_others(gate: Gate) -> None:
    person = a_person_with_a_conclusion(gate)
    referral = gate.a_referral_of(person, STATEMENT)
    gate.hear(a_statement(person))

    hold(gate, person, recipient_id=JOBCENTER)
    gate.grant(person, CONCLUSION)
    gate.agree(person, referral, STATEMENT)

    assert gate.reading().news()[-1]["result"] == "status"
    assert gate.open(gate.notices(CLINIC)[-1], CLINIC)["result"] == "released"


def test_a_hold_does_not_take_a_clearance_back(gate: Gate) -> None:
    person = a_person_with_a_conclusion(gate)
    referral = gate.a_referral_of(person, STATEMENT)
    gate.hear(a_statement(person))
    gate.agree(person, referral, STATEMENT)

    hold(gate, person)
    gate.hear(a_statement(person, "Another sentence."))

    assert len(gate.announced(ReferralCleared)) == 1
    assert gate.announced(ReferralNotCleared) == []


def test_only_the_person_lifts_a_hold_and_not_where_the_pressure_is(gate: Gate) -> None:
    person = a_person_with_a_conclusion(gate)
    gate.grant(person, CONCLUSION)
    hold(gate, person)

    by_the_team = gate.ask("POST", f"/persons/{person}/hold-lifting", ELSEWHERE, role="assessor").status_code
    there = lift(gate, person, "jobcenter_device")
    still = states(gate, person)
    elsewhere = lift(gate, person)

    assert (by_the_team, there, still, elsewhere) == (403, 422, {"paused"}, 200)
    assert gate.open(gate.notices()[-1])["result"] == "released"


def test_under_a_hold_nothing_waits_for_a_word_and_no_word_given_before_sends_anything(gate: Gate) -> None:
    person = a_person_with_a_conclusion(gate)
    gate.grant(person, CONCLUSION, word=Word.ASK)
    (inquiry,) = gate.ask("GET", f"/persons/{person}/inquiries").json()
    gate.ask(
        "POST", f"/inquiries/{inquiry['inquiry_id']}/word", {"word": "yes", "sha256": inquiry["sha256"], **ELSEWHERE}
    )
    gate.clock.pass_()
    notice = gate.notices()[-1]

    hold(gate, person)

    assert gate.open(notice) == {"result": "empty"}
    assert gate.ask("GET", f"/persons/{person}/inquiries").json() == []


def test_a_correction_under_a_hold_is_retracted_like_any_other(gate: Gate) -> None:
    person = gate.a_person()
    conclusion = a_conclusion(person)
    gate.hear(conclusion)
    gate.grant(person, CONCLUSION)
    reading = gate.reading()
    reading.news()
    hold(gate, person)

    gate.hear(a_removal(person, conclusion.fact_id))

    assert [answer["result"] for answer in reading.news()] == ["retracted"]


def test_a_second_signal_changes_nothing_and_one_lifting_lifts_all(gate: Gate) -> None:
    person = a_person_with_a_conclusion(gate)
    gate.grant(person, CONCLUSION)

    hold(gate, person)
    hold(gate, person)
    hold(gate, person, recipient_id=JOBCENTER)
    lift(gate, person)
    gate.clock.pass_(DAY)

    assert states(gate, person) == {"granted"}


def test_a_hold_cannot_be_seen_by_opening_an_older_notice(gate: Gate) -> None:
    seen = []
    for is_held in (True, False):
        reading = gate.reading()
        reading.news()
        person = a_person_with_a_conclusion(gate)
        gate.grant(person, CONCLUSION)
        reading.news()
        older = gate.notices()[-1]
        gate.hear(a_statement(person))
        gate.grant(person, STATEMENT)
        reading.news()
        if is_held:
            hold(gate, person)
        again = without_ids(gate.open(older))
        if is_held:
            lift(gate, person)
        seen.append((again, [without_ids(answer) for answer in reading.news()]))

    assert seen[0] == seen[1]


def test_what_waits_for_a_confirmation_and_is_disputed_never_counts(gate: Gate) -> None:
    person = a_person_with_a_conclusion(gate)
    gate.grant(person, CONCLUSION, word=Word.NO)
    grants = gate.grant(person, CONCLUSION, evidence=AT_THE_JOBCENTER)
    for grant in grants:
        gate.ask("POST", f"/grants/{grant}/dispute")
        gate.clock.pass_()

    assert confirm(gate, grants) == {409}
    assert states(gate, person) == {"refused", "invalid"}


def test_what_was_said_to_a_recipient_that_ended_is_not_confirmed(gate: Gate) -> None:
    person = a_person_with_a_conclusion(gate)
    grants = gate.grant(person, CONCLUSION, evidence=AT_THE_JOBCENTER)
    gate.ask("POST", f"/recipients/{JOBCENTER}/ending", role="operator")

    assert confirm(gate, grants) == {404}
