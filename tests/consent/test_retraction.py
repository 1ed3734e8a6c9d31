"""What was opened and may no longer be known is taken back, the same for every reason; the rest is told anew."""

from services.consent.opening import EMPTY
from services.consent.release import names_told
from services.consent.tables import ReleaseRow
from shared.contracts.categories import Category
from tests.consent.builders import DAY, a_conclusion, a_finding, a_removal, a_statement
from tests.consent.gate import Gate

CONCLUSION, WORK, STATEMENT = Category.CONCLUSION, Category.WORK, Category.STATEMENT


def test_what_was_opened_and_is_withdrawn_is_retracted_and_nothing_else(gate: Gate) -> None:
    person = gate.a_person()
    jobcenter = gate.reading()
    gate.grant(person, CONCLUSION)
    gate.hear(a_conclusion(person))
    *_, content = jobcenter.news()

    gate.withdraw(person)

    [retraction] = jobcenter.news()
    assert {**retraction, "notice": ""} == {"result": "retracted", "notice": "", "release_id": content["release_id"]}
    assert gate.open(content["notice"]) == EMPTY


def test_a_retraction_opened_again_says_the_same(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION)
    gate.hear(a_conclusion(person))
    gate.open(gate.notices()[-1])
    gate.withdraw(person)
    notice = gate.notices()[-1]

    assert gate.open(notice) == gate.open(notice)


def test_a_partial_withdrawal_retracts_the_whole_and_releases_the_rest(gate: Gate) -> None:
    person = gate.a_person()
    jobcenter = gate.reading()
    gate.grant(person, CONCLUSION, STATEMENT)
    gate.hear(a_conclusion(person), a_statement(person))
    jobcenter.news()

    gate.withdraw(person, STATEMENT)

    retracted, released = jobcenter.news()
    assert retracted["result"] == "retracted"
    assert names_told(released["released"]) == ["conclusion"]
    assert jobcenter.news() == []


def test_the_rest_is_released_again_even_if_it_had_been_released_alone_before(gate: Gate) -> None:
    person = gate.a_person()
    jobcenter = gate.reading()
    gate.grant(person, CONCLUSION, STATEMENT)
    gate.hear(a_conclusion(person))
    jobcenter.news()
    gate.hear(a_statement(person))
    jobcenter.news()  # replaces, at the recipient, what came before

    gate.withdraw(person, STATEMENT)

    assert [answer["result"] for answer in jobcenter.news()] == ["retracted", "released"]


def test_what_is_added_comes_as_a_whole_and_retracts_nothing(gate: Gate) -> None:
    person = gate.a_person()
    jobcenter = gate.reading()
    gate.grant(person, CONCLUSION, STATEMENT)
    gate.hear(a_conclusion(person))
    jobcenter.news()

    gate.hear(a_statement(person))

    [released] = jobcenter.news()
    assert names_told(released["released"]) == ["conclusion", "statements"]


def test_after_a_correction_the_old_value_is_retracted_and_only_the_new_one_leaves(gate: Gate) -> None:
    person = gate.a_person()
    jobcenter = gate.reading()
    gate.grant(person, CONCLUSION)
    gate.hear(a_conclusion(person, "wrong", fact_id="fact-0001"))
    *_, old = jobcenter.news()

    gate.hear(a_conclusion(person, "right", fact_id="fact-0001", version=2))

    retracted, released = jobcenter.news()
    assert retracted["release_id"] == old["release_id"]
    assert released["released"]["conclusion"]["code"] == "right"
    assert gate.open(old["notice"]) == EMPTY


def test_after_a_removal_the_old_value_is_retracted(gate: Gate) -> None:
    person = gate.a_person()
    jobcenter = gate.reading()
    gate.grant(person, WORK)
    gate.hear(a_finding(person, WORK, fact_id="fact-0001"))
    jobcenter.news()

    gate.hear(a_removal(person, "fact-0001"))

    assert [answer["result"] for answer in jobcenter.news()] == ["retracted"]


def test_what_was_opened_is_retracted_when_an_opening_finds_its_time_over(gate: Gate) -> None:
    person = gate.a_person()
    jobcenter = gate.reading()
    gate.grant(person, CONCLUSION, valid_for=DAY)
    gate.hear(a_conclusion(person))
    *_, content = jobcenter.news()

    gate.clock.pass_(DAY)

    assert gate.open(content["notice"]) == EMPTY
    assert [answer["result"] for answer in jobcenter.news()] == ["retracted"]


def test_what_was_told_and_cannot_be_read_any_more_is_retracted(gate: Gate) -> None:
    person = gate.a_person()
    gate.grant(person, CONCLUSION)
    gate.hear(a_conclusion(person))
    notice = gate.notices()[-1]
    gate.open(notice)
    gate.write(lambda work: setattr(work.session.get_one(ReleaseRow, notice), "told", b"damaged by somebody"))

    gate.withdraw(person)

    assert gate.open(gate.notices()[-1]) == {"result": "retracted", "notice": gate.notices()[-1], "release_id": notice}
