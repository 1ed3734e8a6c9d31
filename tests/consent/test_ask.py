"""Ask me each time: a message waits for the person's word on the very text, and nothing else is sent."""

from typing import Any

import pytest

from services.consent.declaration import Evidence
from services.consent.domain import ANSWER_WITHIN, CONFIRM_WITHIN, Place, Word
from shared.contracts.categories import Category
from shared.contracts.consent import Awaited, PersonAwaited
from tests.consent.builders import DAY, SHA, a_conclusion, a_finding, a_removal, a_statement
from tests.consent.gate import Gate

CONCLUSION, STATEMENT, WORK = Category.CONCLUSION, Category.STATEMENT, Category.WORK
ASK = Word.ASK


def waiting(gate: Gate, person: str) -> list[dict[str, Any]]:
    """Return what waits for the person's word."""
    return list(gate.ask("GET", f"/persons/{person}/inquiries").json())


def say(gate: Gate, inquiry: dict[str, Any], word: str, sha256: str | None = None, place: str = "elsewhere") -> int:
    """Give the person's word on a message; return the status."""
    body = {"word": word, "sha256": sha256 or inquiry["sha256"], "place": place}
    status = gate.ask("POST", f"/inquiries/{inquiry['inquiry_id']}/word", body).status_code
    gate.clock.pass_()
    return status


def test_what_waits_for_a_word_is_told_to_nobody(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    before = gate.notices()

    gate.grant(person, CONCLUSION, word=ASK)

    assert gate.notices() == before
    assert [item["would_see"]["conclusion"]["code"] for item in waiting(gate, person)] == ["able_part_time"]


def test_what_was_shown_is_what_is_sent(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION, word=ASK)
    (inquiry,) = waiting(gate, person)
    reading = gate.reading()
    reading.news()

    assert say(gate, inquiry, "yes") == 200
    (told,) = reading.news()

    assert told["released"] == inquiry["would_see"]
    assert waiting(gate, person) == []


def test_a_word_names_the_very_text(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION, word=ASK)
    (inquiry,) = waiting(gate, person)

    assert say(gate, inquiry, "yes", sha256="b" * 64) == 409
    assert gate.open(gate.notices()[-1])["result"] == "status"


def test_what_changes_between_the_word_and_the_opening_is_not_sent(gate: Gate) -> None:
    person = gate.a_person()
    conclusion = a_conclusion(person)
    gate.hear(conclusion)
    gate.grant(person, CONCLUSION, word=ASK)
    say(gate, waiting(gate, person)[0], "yes")
    notice = gate.notices()[-1]

    gate.hear(a_conclusion(person, "not_able_now", fact_id=conclusion.fact_id, version=2))

    assert gate.open(notice) == {"result": "empty"}
    assert [item["would_see"]["conclusion"]["code"] for item in waiting(gate, person)] == ["not_able_now"]


def test_a_no_to_a_message_is_no_and_the_same_text_is_not_asked_again(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION, word=ASK)
    (inquiry,) = waiting(gate, person)
    before = gate.notices()

    assert say(gate, inquiry, "no") == 200
    gate.hear(a_finding(person, Category.DEBTS))

    assert gate.notices() == before
    assert waiting(gate, person) == []
    assert say(gate, inquiry, "yes") == 409


def test_no_word_means_no_and_leaves_no_trace_outside(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION, word=ASK)
    (inquiry,) = waiting(gate, person)
    before = gate.notices()

    gate.clock.pass_(ANSWER_WITHIN)

    assert waiting(gate, person) == []
    assert say(gate, inquiry, "yes") == 409
    assert gate.notices() == before


def test_somebody_inside_is_told_that_a_message_waits(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))

    gate.grant(person, CONCLUSION, word=ASK)

    (told,) = gate.announced(PersonAwaited)
    assert (told.person_id, told.awaited) == (person, Awaited.WORD)


def test_beside_a_yes_the_whole_message_waits_and_the_yes_goes_at_once(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person), a_statement(person))
    reading = gate.reading()
    reading.news()

    gate.grant(person, CONCLUSION)
    gate.grant(person, STATEMENT, word=ASK)
    (first,) = reading.news()
    (inquiry,) = waiting(gate, person)
    say(gate, inquiry, "yes")
    (second,) = reading.news()

    assert first["released"].keys() >= {"conclusion"}
    assert "statements" not in first["released"]
    assert second["released"] == inquiry["would_see"]
    assert second["released"].keys() >= {"conclusion", "statements"}


def test_what_was_told_by_a_word_stays_when_something_new_waits(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION, STATEMENT, word=ASK)
    say(gate, waiting(gate, person)[0], "yes")
    reading = gate.reading()
    reading.news()

    gate.hear(a_statement(person))

    assert reading.news() == []
    assert len(waiting(gate, person)) == 1


def test_what_was_told_by_a_word_is_opened_again_as_it_was(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION, STATEMENT, word=ASK)
    say(gate, waiting(gate, person)[0], "yes")
    notice = gate.notices()[-1]
    first = gate.open(notice)

    gate.hear(a_statement(person))

    assert gate.open(notice)["released"] == first["released"]


@pytest.mark.parametrize("ending", ["withdrawal", "no", "expiry", "removal"])
def test_what_was_told_by_a_word_is_retracted_when_the_ask_ends(gate: Gate, ending: str) -> None:
    person = gate.a_person()
    conclusion = a_conclusion(person)
    gate.hear(conclusion)
    gate.grant(person, CONCLUSION, word=ASK)
    say(gate, waiting(gate, person)[0], "yes")
    reading = gate.reading()
    reading.news()

    end(gate, person, conclusion.fact_id, ending)

    assert [answer["result"] for answer in reading.news()] == ["retracted"]


def end(gate: Gate, person: str, fact_id: str, ending: str) -> None:
    """End an ask in one of the ways there are."""
    if ending == "withdrawal":
        gate.withdraw(person)
    elif ending == "no":
        gate.grant(person, CONCLUSION, word=Word.NO)
    elif ending == "removal":
        gate.hear(a_removal(person, fact_id))
    else:
        gate.clock.pass_(184 * DAY)
        gate.expire(person)


def test_a_word_rests_on_the_ask_and_does_not_outlive_it(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION, word=ASK)
    say(gate, waiting(gate, person)[0], "yes")
    reading = gate.reading()
    reading.news()

    gate.withdraw(person)
    gate.grant(person, CONCLUSION, word=ASK)

    assert [answer["result"] for answer in reading.news()] == ["retracted"]
    assert len(waiting(gate, person)) == 1


def test_nobody_elses_message_can_be_answered(gate: Gate) -> None:
    answer = gate.ask(
        "POST", "/inquiries/inquiry-nobody/word", {"word": "yes", "sha256": "a" * 64, "place": "elsewhere"}
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "inquiry_not_found")


@pytest.mark.parametrize("place", ["jobcenter_premises", "jobcenter_device"])
def test_a_yes_to_a_message_is_not_taken_at_the_jobcenter_and_a_no_is(gate: Gate, place: str) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION, word=ASK)
    (inquiry,) = waiting(gate, person)
    before = gate.notices()

    yes = say(gate, inquiry, "yes", place=place)
    no = say(gate, inquiry, "no", place=place)

    assert (yes, no) == (422, 200)
    assert gate.notices() == before


def test_what_was_told_by_a_word_is_not_forgotten_by_opening_again(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_finding(person, WORK), a_statement(person))
    gate.grant(person, WORK)
    gate.grant(person, STATEMENT, word=ASK)
    say(gate, waiting(gate, person)[0], "yes")
    reading = gate.reading()
    notice = gate.notices()[-1]
    reading.news()
    gate.hear(a_finding(person, WORK, "found_more"))

    gate.open(notice)
    gate.withdraw(person, STATEMENT)

    assert "retracted" in [answer["result"] for answer in reading.news()]


def test_a_pending_yes_is_no_ground_of_a_word(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person))
    gate.grant(person, CONCLUSION, word=ASK)
    there = Evidence("portal", "de", "v1", SHA, None, "person_desk-1", place=Place.JOBCENTER_DEVICE)
    gate.grant(person, CONCLUSION, evidence=there)
    reading = gate.reading()
    reading.news()

    say(gate, waiting(gate, person)[0], "yes")
    told = reading.news()
    gate.clock.pass_(CONFIRM_WITHIN)
    gate.expire(person)

    assert [answer["result"] for answer in told] == ["released"]
    assert reading.news() == []
