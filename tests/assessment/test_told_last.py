"""Of all that is said about one thing that waits for the person, the newest counts, in whichever order it comes."""

from datetime import datetime, timedelta
from typing import Any

from shared.contracts.consent import Awaited, PersonAwaited
from tests.assessment.builders import NOON, Assessment

LATER = NOON + timedelta(days=76)


def confirmation(person_id: str, *, at: datetime = NOON) -> PersonAwaited:
    """Return that a declaration of the person waits for being confirmed, within two weeks."""
    due_at = at + timedelta(days=14)
    return PersonAwaited(item_id="grant-0001", person_id=person_id, awaited=Awaited.CONFIRMATION, due_at=due_at, at=at)


def renewal(person_id: str, *, at: datetime = LATER) -> PersonAwaited:
    """Return that the same declaration is about to end, two weeks later."""
    due_at = at + timedelta(days=14)
    return PersonAwaited(item_id="grant-0001", person_id=person_id, awaited=Awaited.RENEWAL, due_at=due_at, at=at)


def tellings(assessment: Assessment, case_id: str) -> list[tuple[str, str]]:
    """Return about what the person has to be told, and by when."""
    shown: list[dict[str, Any]] = assessment.case(case_id)["tellings"]
    return [(telling["about"], telling["due_at"]) for telling in shown]


def test_what_comes_up_later_is_owed_although_the_person_was_told_before(assessment: Assessment) -> None:
    case = assessment.open_case()
    assessment.hear(confirmation(case.person_id))
    assessment.ask("POST", f"/cases/{case.case_id}/tellings/grant-0001")
    told = tellings(assessment, case.case_id)

    assessment.hear(renewal(case.person_id))

    assert told == []
    assert tellings(assessment, case.case_id) == [("renewal", "2026-05-31T12:00:00Z")]


def test_what_was_said_at_the_same_time_and_heard_last_counts(assessment: Assessment) -> None:
    case = assessment.open_case()

    assessment.hear(confirmation(case.person_id))
    assessment.hear(renewal(case.person_id, at=NOON))

    assert [about for about, _ in tellings(assessment, case.case_id)] == ["renewal"]


def test_an_older_word_that_is_heard_late_takes_nothing_from_the_newer_one(assessment: Assessment) -> None:
    case = assessment.open_case()
    assessment.hear(renewal(case.person_id))

    assessment.hear(confirmation(case.person_id))

    assert tellings(assessment, case.case_id) == [("renewal", "2026-05-31T12:00:00Z")]
