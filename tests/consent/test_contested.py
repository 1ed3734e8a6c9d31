"""A person contests a finding: from that moment it leaves with that note only, whatever the team says (§ 84 SGB X)."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from services.consent import fact_store
from services.consent.opening import EMPTY
from services.consent.release import names_told
from services.consent.tables import FactRow
from shared.contracts.assessment import FactRecorded
from shared.contracts.categories import Category
from shared.contracts.consent import FactContested, FactContestWithdrawn
from shared.contracts.envelope import Disclosable
from shared.unit_of_work import UnitOfWork
from tests.consent.builders import (
    CLINIC,
    a_case_end,
    a_conclusion,
    a_contact,
    a_finding,
    a_recommendation,
    a_removal,
    a_statement,
    an_attendance,
    an_identity,
)
from tests.consent.gate import Gate

CONCLUSION, WORK = Category.CONCLUSION, Category.WORK
FACT = "fact-0001"
Build = Callable[..., Disclosable]


def work(person: str, **changes: Any) -> FactRecorded:
    """Return a finding about her work."""
    return a_finding(person, WORK, **{"fact_id": FACT, **changes})


def about_a_child(person: str, **changes: Any) -> FactRecorded:
    """Return a finding about somebody else."""
    return work(person, about_id="child-0001", **changes)


JOBCENTERS: dict[str, tuple[Category, Build]] = {
    "work": (WORK, work),
    "recommendations": (Category.RECOMMENDATION, a_recommendation),
    "conclusion": (CONCLUSION, a_conclusion),
    "attendance": (Category.ATTENDANCE, an_attendance),
}


def a_person_with(gate: Gate, *builds: Build, **changes: Any) -> str:
    """Return a person who released her work and her conclusion to the Jobcenter."""
    person = gate.a_person()
    gate.grant(person, WORK, CONCLUSION)
    gate.hear(*(build(person, fact_id=FACT, **changes) for build in builds))
    return person


def notes_in(answer: dict[str, Any]) -> int:
    """Count the notes that something is contested in what was released."""
    return str(answer["released"]).count("'contested': True")


def marks(facts: list[dict[str, Any]]) -> list[tuple[bool, bool]]:
    """Return of each fact whether it is contested, and whether by the person."""
    return [(fact["contested"], fact["contested_by_person"]) for fact in facts]


@pytest.mark.parametrize("field", JOBCENTERS)
def test_every_finding_of_a_professional_leaves_with_the_note_once_the_person_contests_it(
    gate: Gate, field: str
) -> None:
    category, build = JOBCENTERS[field]
    person = gate.a_person()
    gate.grant(person, category)
    gate.hear(build(person, fact_id=FACT))

    gate.contest(person, FACT)

    answer = gate.open(gate.notices()[-1])
    assert (names_told(answer["released"]), notes_in(answer)) == ([field], 1)


def test_what_was_told_without_the_note_is_retracted_at_once_and_offered_anew_with_it(gate: Gate) -> None:
    person = a_person_with(gate, work)
    jobcenter = gate.reading()
    *_, before = jobcenter.news()

    gate.contest(person, FACT)

    retracted, released = jobcenter.news()
    assert {**retracted, "notice": ""} == {"result": "retracted", "notice": "", "release_id": before["release_id"]}
    assert notes_in(released) == 1
    assert gate.open(before["notice"]) == EMPTY


def test_when_the_person_contests_it_no_longer_it_is_told_without_the_note_again(gate: Gate) -> None:
    person = a_person_with(gate, work)
    gate.contest(person, FACT)
    jobcenter = gate.reading()
    jobcenter.news()

    gate.contest_no_more(person, FACT)

    retracted, released = jobcenter.news()
    assert (retracted["result"], notes_in(released)) == ("retracted", 0)


def test_a_notice_that_waits_opens_with_the_note_that_was_set_after_it_came(gate: Gate) -> None:
    person = a_person_with(gate, work)
    notice = gate.notices()[-1]

    gate.contest(person, FACT)

    assert gate.notices()[-1] == notice
    assert notes_in(gate.open(notice)) == 1


def test_the_note_of_one_finding_is_on_no_other(gate: Gate) -> None:
    person = a_person_with(gate, work)
    gate.hear(a_finding(person, WORK, "other"), a_conclusion(person))

    gate.contest(person, FACT)

    released = gate.open(gate.notices()[-1])["released"]
    assert {item["code"]: item.get("contested") for item in released["work"]} == {"found": True, "other": None}
    assert "contested" not in released["conclusion"]


def test_no_later_earlier_or_repeated_version_takes_the_persons_note_away(gate: Gate) -> None:
    person = a_person_with(gate, work, version=2)
    gate.contest(person, FACT)

    gate.hear(work(person, version=3, code="later"), work(person, version=1), work(person, version=3, code="later"))

    answer = gate.open(gate.notices()[-1])
    assert (answer["released"]["work"][0]["code"], notes_in(answer)) == ("later", 1)


def test_the_note_outlasts_a_removal(gate: Gate) -> None:
    person = a_person_with(gate, work)
    gate.contest(person, FACT)

    gate.hear(a_removal(person, FACT), work(person, version=3))

    assert notes_in(gate.open(gate.notices()[-1])) == 1


def test_the_note_outlasts_that_the_gate_forgets_what_it_knew(gate: Gate) -> None:
    person = a_person_with(gate, work)
    gate.contest(person, FACT)
    gate.withdraw(person)

    gate.hear(a_case_end(person))

    assert [(row.content, row.contest is None) for row in gate.rows(FactRow)] == [(None, False)]


def test_neither_the_team_nor_the_person_takes_away_the_others_note(gate: Gate) -> None:
    person = a_person_with(gate, work, contested=True)
    gate.contest(person, FACT)

    gate.hear(work(person, version=2, contested=False))
    team_cleared_its_own = marks(gate.facts(person))
    gate.hear(work(person, version=3, contested=True))
    gate.contest_no_more(person, FACT)
    person_cleared_her_own = marks(gate.facts(person))
    gate.hear(work(person, version=4, contested=False))

    assert (team_cleared_its_own, person_cleared_her_own) == ([(True, True)], [(True, False)])
    assert marks(gate.facts(person)) == [(False, False)]


def test_the_note_is_the_same_in_whatever_order_versions_and_the_contest_come(gate: Gate) -> None:
    person = a_person_with(gate)
    found = set()

    for order in permutations([1, 2, 3, "contest"]):
        with gate.service.database.write() as session:
            unit = UnitOfWork(session, gate.service.keys, now=gate.clock.now)
            for act in [1, *order, *order]:  # a person contests what is there
                if isinstance(act, str):
                    fact_store.mark_contested(unit, FACT, contested=True)
                else:
                    event = work(person, version=act, contested=act == 2)
                    known = {"fact_id": FACT, "version": act, "recorded_at": event.recorded_at, "only_for": None}
                    fact_store.save_fact(unit, event, **known)  # type: ignore[arg-type]  # by name
            [fact] = fact_store.facts_of(unit, person)
            found.add((fact.version, fact.content["contested"], fact.contested_by_person))
            session.rollback()

    assert found == {(3, True, True)}


def test_the_team_is_told_by_ids_alone_and_each_change_once(gate: Gate) -> None:
    person = a_person_with(gate, work)

    gate.contest(person, FACT)
    gate.contest(person, FACT)
    gate.contest_no_more(person, FACT)
    gate.contest_no_more(person, FACT)
    gate.contest(person, FACT)

    contested, withdrawn = gate.announced(FactContested), gate.announced(FactContestWithdrawn)
    assert [(event.fact_id, event.number) for event in contested] == [(FACT, 1), (FACT, 3)]
    assert [(event.fact_id, event.number) for event in withdrawn] == [(FACT, 2)]
    assert set(FactContested.model_fields) == {"fact_id", "person_id", "number", "contested_at"}


def test_contesting_twice_tells_nobody_outside_twice(gate: Gate) -> None:
    person = a_person_with(gate, work)
    jobcenter = gate.reading()
    gate.contest(person, FACT)
    jobcenter.news()

    gate.contest(person, FACT)

    assert jobcenter.news() == []


def test_contesting_what_was_released_to_nobody_is_heard_by_nobody_outside(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(work(person))
    before = gate.notices(), gate.notices(CLINIC)

    gate.contest(person, FACT)

    assert (gate.notices(), gate.notices(CLINIC)) == before


@pytest.mark.parametrize("act", ["contest", "contest-withdrawal"])
def test_what_the_gate_does_not_know_of_this_person_cannot_be_contested(gate: Gate, act: str) -> None:
    person, other = gate.a_person(), gate.a_person()
    gate.hear(work(other), a_finding(person, WORK, fact_id="fact-gone"), a_removal(person, "fact-gone"))

    answers = [gate.ask("POST", f"/persons/{person}/facts/{fact}/{act}") for fact in (FACT, "fact-gone", "fact-none")]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "fact_not_found")}
    assert (gate.announced(FactContested), gate.announced(FactContestWithdrawn)) == ([], [])


@pytest.mark.parametrize("build", [a_statement, a_contact, an_identity, about_a_child])
def test_only_a_finding_about_the_person_can_be_contested(gate: Gate, build: Build) -> None:
    person = a_person_with(gate, build)

    answer = gate.ask("POST", f"/persons/{person}/facts/{FACT}/contest")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "fact_id")
    assert [fact["can_be_contested"] for fact in gate.facts(person)] == [False]


def test_the_person_sees_what_the_gate_knows_by_category_and_what_of_it_is_contested(gate: Gate) -> None:
    person = a_person_with(gate, work)
    gate.hear(a_conclusion(person, fact_id="fact-0002", contested=True))

    conclusion, finding = gate.facts(person)

    assert (conclusion["category"], conclusion["contested"], conclusion["contested_by_person"]) == (
        "conclusion",
        True,
        False,
    )
    assert finding == {
        "fact_id": FACT,
        "category": "work",
        "about": "the_person",
        "professional": True,
        "content": {"code": "found", "severity": 0, "recorded_on": "2026-03-02"},
        "contested": False,
        "contested_by_person": False,
        "can_be_contested": True,
    }


def test_of_a_fact_about_somebody_else_the_person_is_shown_that_it_is_kept_and_not_what_it_says(gate: Gate) -> None:
    person = a_person_with(gate, about_a_child)

    [shown] = gate.facts(person)

    assert (shown["about"], "content" in shown) == ("somebody_else", False)
    assert "child-0001" not in str(shown)


def test_a_note_that_cannot_be_read_keeps_the_finding_inside(gate: Gate) -> None:
    person = a_person_with(gate, work)
    gate.contest(person, FACT)
    gate.open(gate.notices()[-1])
    gate.write(lambda unit: setattr(unit.session.get_one(FactRow, FACT), "contest", b"damaged by somebody"))

    gate.hear(work(person, version=2))

    assert gate.open(gate.notices()[-1])["result"] == "retracted"
    assert gate.facts(person) == []


def test_a_contest_during_a_quiet_hold_takes_back_what_lacks_the_note_and_lets_nothing_leave(gate: Gate) -> None:
    person = a_person_with(gate, work)
    jobcenter = gate.reading()
    jobcenter.news()
    assert gate.ask("POST", f"/persons/{person}/hold", {}).status_code == 200
    assert jobcenter.news() == []

    gate.contest(person, FACT)

    assert [answer["result"] for answer in jobcenter.news()] == ["retracted"]
