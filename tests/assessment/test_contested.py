"""What is contested bears the mark of whoever set it, keeps it in later versions, and its day (§ 84 (2) SGB X)."""

from itertools import permutations
from typing import Any

import pytest
from sqlmodel import select

from services.assessment.store import Contest
from shared.contracts.assessment import AttendanceRecorded, ConclusionDrawn, FactRecorded, RecommendationMade
from shared.contracts.consent import FactContested, FactContestWithdrawn
from shared.contracts.envelope import CareEvent, Disclosable
from shared.contracts.intake import CaseOpened
from shared.inbox import TooEarly
from tests.assessment.builders import NOON, Assessment, a_case_ended, a_fact

KINDS: dict[str, tuple[str, dict[str, Any], type[Disclosable], str]] = {
    "fact": ("facts", a_fact(), FactRecorded, "facts"),
    "recommendation": (
        "recommendations",
        {"code": "begin_debt_counselling"},
        RecommendationMade,
        "recommendations",
    ),
    "conclusion": ("conclusion", {"code": "training_possible_now"}, ConclusionDrawn, "conclusion"),
    "attendance": ("attendance", {"kind": "talk", "attended_on": "2026-03-01"}, AttendanceRecorded, "attendance"),
}


def written(assessment: Assessment, kind: str) -> tuple[CaseOpened, str]:
    """Return a case with one thing that the team found, and its id."""
    opened = assessment.open_case()
    path, body, *_ = KINDS[kind]
    answer = assessment.ask("POST", f"/cases/{opened.case_id}/{path}", body)
    return opened, str(answer.json()["fact_id"])


def mark(assessment: Assessment, case_id: str, fact_id: str, contested: bool = True) -> dict[str, Any]:
    """Have the team set its mark."""
    answer = assessment.ask("PUT", f"/cases/{case_id}/facts/{fact_id}/contested", {"contested": contested})
    assert answer.status_code == 200
    marked: dict[str, Any] = answer.json()
    return marked


def shown(assessment: Assessment, case_id: str, kind: str = "fact") -> dict[str, Any]:
    """Return how the one thing is shown to the team."""
    found = assessment.case(case_id)[KINDS[kind][3]]
    one: dict[str, Any] = found[0] if isinstance(found, list) else found
    return one


def contested(opened: CaseOpened, fact_id: str, number: int = 1, **changes: Any) -> FactContested:
    """Return that the person contests a finding."""
    ids = {"fact_id": fact_id, "person_id": opened.person_id, "number": number, "contested_at": NOON}
    return FactContested(**{**ids, **changes})


def withdrawn(opened: CaseOpened, fact_id: str, number: int = 2) -> FactContestWithdrawn:
    """Return that the person contests it no longer."""
    return FactContestWithdrawn(fact_id=fact_id, person_id=opened.person_id, number=number, withdrawn_at=NOON)


@pytest.mark.parametrize("kind", KINDS)
def test_the_team_marks_whatever_it_found_and_the_next_version_says_so_and_keeps_its_day(
    assessment: Assessment, kind: str
) -> None:
    opened, fact_id = written(assessment, kind)
    assessment.clock.pass_days(3)

    answer = mark(assessment, opened.case_id, fact_id)

    first, second = assessment.announced(KINDS[kind][2])
    assert answer == {"fact_id": fact_id, "version": 2}
    assert second.content() == {**first.content(), "contested": True}
    assert shown(assessment, opened.case_id, kind)["contested"] is True


@pytest.mark.parametrize("kind", KINDS)
def test_a_mark_that_is_set_twice_is_one_version_and_can_be_taken_away(assessment: Assessment, kind: str) -> None:
    opened, fact_id = written(assessment, kind)

    versions = [mark(assessment, opened.case_id, fact_id, wanted)["version"] for wanted in (True, True, False, False)]

    first, _, last = assessment.announced(KINDS[kind][2])
    assert versions == [2, 2, 3, 3]
    assert last.content() == first.content()


def test_a_mark_changes_neither_the_next_step_nor_its_day(assessment: Assessment) -> None:
    opened, fact_id = written(assessment, "conclusion")
    assessment.ask("POST", f"/cases/{opened.case_id}/taking", {"team_id": "team-nord", "responsible_id": "assessor-1"})
    before = assessment.lines()
    assessment.clock.pass_days(9)

    mark(assessment, opened.case_id, fact_id)
    assessment.ask("POST", f"/cases/{opened.case_id}/taking", {"team_id": "team-sued", "responsible_id": "assessor-2"})

    assert [line["due_on"] for line in assessment.lines()] == [line["due_on"] for line in before]


def test_a_correction_that_says_nothing_of_the_mark_keeps_it(assessment: Assessment) -> None:
    opened, fact_id = written(assessment, "fact")
    mark(assessment, opened.case_id, fact_id)
    path = f"/cases/{opened.case_id}/facts/{fact_id}"

    assessment.ask("PUT", path, a_fact(severity=1))
    assessment.ask("PUT", path, a_fact(severity=1, contested=False))

    assert [event.contested for event in assessment.announced(FactRecorded)] == [False, True, True, False]


def test_another_conclusion_keeps_the_mark(assessment: Assessment) -> None:
    opened, fact_id = written(assessment, "conclusion")
    mark(assessment, opened.case_id, fact_id)

    assessment.ask("POST", f"/cases/{opened.case_id}/conclusion", {"code": "no_result_possible_yet"})

    assert [event.contested for event in assessment.announced(ConclusionDrawn)] == [False, True, True]


def test_a_statement_and_a_note_bear_no_mark(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    draft = assessment.ask("POST", f"/cases/{case_id}/statements", {"text": "Ein Satz."}).json()["statement_id"]
    note = assessment.ask("POST", f"/cases/{case_id}/notes", {"text": "Eine Notiz."}).json()["note_id"]

    answers = [
        assessment.ask("PUT", f"/cases/{case_id}/facts/{entry}/contested", {"contested": True})
        for entry in (draft, note)
    ]

    assert [answer.status_code for answer in answers] == [404, 404]


def test_what_is_gone_cannot_be_marked(assessment: Assessment) -> None:
    opened, fact_id = written(assessment, "fact")
    assessment.ask("DELETE", f"/cases/{opened.case_id}/facts/{fact_id}")

    answer = assessment.ask("PUT", f"/cases/{opened.case_id}/facts/{fact_id}/contested", {"contested": True})

    assert answer.status_code == 404


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_person_contests_at_the_consent_desk_is_shown_to_the_team(assessment: Assessment, kind: str) -> None:
    opened, fact_id = written(assessment, kind)
    before = shown(assessment, opened.case_id, kind)

    assessment.hear(contested(opened, fact_id))

    after = shown(assessment, opened.case_id, kind)
    assert (before["contested_by_person"], after["contested_by_person"]) == (False, True)
    assert after == {**before, "contested_by_person": True}


def test_a_later_version_still_shows_that_the_person_contests_it(assessment: Assessment) -> None:
    opened, fact_id = written(assessment, "fact")
    assessment.hear(contested(opened, fact_id))

    assessment.ask("PUT", f"/cases/{opened.case_id}/facts/{fact_id}", a_fact(severity=1, contested=False))

    assert shown(assessment, opened.case_id)["contested_by_person"] is True


def test_the_persons_mark_is_not_announced_as_the_teams_own(assessment: Assessment) -> None:
    opened, fact_id = written(assessment, "fact")
    assessment.hear(contested(opened, fact_id))

    assessment.ask("PUT", f"/cases/{opened.case_id}/facts/{fact_id}", a_fact(severity=1))

    assert [event.contested for event in assessment.announced(FactRecorded)] == [False, False]


def test_of_all_that_is_heard_the_highest_number_counts_in_whatever_order_and_however_often(
    assessment: Assessment,
) -> None:
    found = []
    for order in permutations([1, 2, 3]):
        opened, fact_id = written(assessment, "fact")
        said: dict[int, CareEvent] = {number: contested(opened, fact_id, number) for number in (1, 3)}
        said[2] = withdrawn(opened, fact_id)
        for number in (*order, *order):
            assessment.hear(said[number])
        last_taken_back = shown(assessment, opened.case_id)["contested_by_person"]
        assessment.hear(withdrawn(opened, fact_id, 4))
        found.append((last_taken_back, shown(assessment, opened.case_id)["contested_by_person"]))

    assert found == [(True, False)] * 6


def test_what_is_heard_of_another_person_changes_nothing(assessment: Assessment) -> None:
    opened, fact_id = written(assessment, "fact")

    assessment.hear(contested(opened, fact_id, person_id="somebody-else"))

    assert shown(assessment, opened.case_id)["contested_by_person"] is False


def test_what_is_heard_before_the_entry_waits(assessment: Assessment) -> None:
    opened = assessment.open_case()

    with pytest.raises(TooEarly):
        assessment.hear(contested(opened, "fact-not-yet-here"))


def test_what_is_heard_after_the_end_of_the_case_is_kept(assessment: Assessment) -> None:
    opened, fact_id = written(assessment, "fact")
    assessment.hear(a_case_ended(opened))

    assessment.hear(contested(opened, fact_id))

    assert shown(assessment, opened.case_id)["contested_by_person"] is True


def test_the_persons_mark_lies_sealed(assessment: Assessment) -> None:
    opened, fact_id = written(assessment, "fact")

    assessment.hear(contested(opened, fact_id))

    rows = assessment.write(lambda work: list(work.session.exec(select(Contest))))
    assert [len(row.mark) > 16 for row in rows] == [True]
    assert "mark=" not in repr(rows)
