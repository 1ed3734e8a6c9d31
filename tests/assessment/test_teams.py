"""Who takes a case, and who stands in: proposals with reasons, and nobody who is away alone responsible."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.assessment.teams import Member, Reason, Teams
from shared.contracts.assessment import CaseTaken
from tests.assessment.builders import Assessment, running_assessment

FILE = Path("shared/towns/essen/teams.json")
NORD = {"team_id": "team-nord", "responsible_id": "assessor-07"}
AWAY = {"from_on": "2026-03-02", "until_on": "2026-03-20"}
MEMBERS = st.builds(
    Member,
    member_id=st.sampled_from(["a-1", "a-2", "a-3", "a-4"]),
    team_id=st.sampled_from(["team-1", "team-2"]),
    professions=st.frozensets(st.sampled_from(["psychologist", "social_pedagogue"])),
    languages=st.frozensets(st.sampled_from(["de", "ar", "tr"])),
    capacity=st.integers(0, 5),
)


@pytest.fixture
def staffed(tmp_path: Path) -> Iterator[Assessment]:
    """Return an assessment service that knows who works where."""
    with running_assessment(tmp_path, teams_file=FILE) as running:
        yield running


def take(assessment: Assessment, case_id: str, **changes: str) -> Any:
    """Take a case; return the answer."""
    return assessment.ask("POST", f"/cases/{case_id}/taking", {**NORD, **changes})


def go_away(assessment: Assessment, member_id: str = "assessor-07", **changes: str | None) -> Any:
    """Write an absence down; return the answer."""
    return assessment.ask("PUT", f"/members/{member_id}/absence", {**AWAY, **changes}, role="lead")


def propose(assessment: Assessment, case_id: str, **wanted: str) -> list[dict[str, Any]]:
    """Return who is proposed."""
    proposed: list[dict[str, Any]] = assessment.ask("POST", f"/cases/{case_id}/assignment-proposals", wanted).json()
    return proposed


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"team_id": "team-west"}, "team_id", "is no team"),
        ({"responsible_id": "assessor-99"}, "responsible_id", "is nobody's of a team"),
        ({"responsible_id": "assessor-21"}, "responsible_id", "belongs to another team"),
    ],
)
def test_only_somebody_of_the_team_takes_a_case(
    staffed: Assessment, changes: dict[str, str], field: str, reason: str
) -> None:
    refused = take(staffed, staffed.open_case().case_id, **changes)

    assert (refused.status_code, refused.json()["errors"]) == (422, [{"field": field, "reason": reason}])


def test_nobody_who_is_away_takes_a_case(staffed: Assessment) -> None:
    go_away(staffed)

    refused = take(staffed, staffed.open_case().case_id)

    assert refused.json()["errors"] == [{"field": "responsible_id", "reason": "is away"}]


def test_whoever_speaks_the_language_and_has_room_comes_first_with_reasons(staffed: Assessment) -> None:
    first, *others = propose(staffed, staffed.open_case().case_id, language="tr", profession="psychologist")

    assert (first["member_id"], first["reasons"]) == (
        "assessor-11",
        ["has_room", "speaks_language", "has_profession"],
    )
    assert all("does_not_speak_language" in one["reasons"] for one in others)


def test_a_proposal_takes_nothing(staffed: Assessment) -> None:
    propose(staffed, staffed.open_case().case_id)

    assert staffed.announced(CaseTaken) == []


def test_who_carries_more_has_less_room(staffed: Assessment) -> None:
    take(staffed, staffed.open_case().case_id)

    free = {one["member_id"]: one["free"] for one in propose(staffed, staffed.open_case().case_id)}

    assert (free["assessor-07"], free["assessor-21"]) == (24, 25)


def test_on_the_first_day_the_cases_go_to_the_deputy_and_that_is_announced(staffed: Assessment) -> None:
    opened = staffed.open_case()
    take(staffed, opened.case_id)

    answer = go_away(staffed, deputy_id="assessor-09")

    assert answer.json() == {"member_id": "assessor-07", "handed_over": 1}
    assert staffed.announced(CaseTaken)[-1].responsible_id == "assessor-09"
    assert staffed.planned(opened.case_id).responsible_id == "assessor-09"


def test_without_a_deputy_or_with_one_who_is_away_too_they_go_to_the_team(staffed: Assessment) -> None:
    opened = staffed.open_case()
    take(staffed, opened.case_id)
    go_away(staffed, "assessor-09")

    go_away(staffed, deputy_id="assessor-09")

    assert staffed.planned(opened.case_id).responsible_id == "team-nord"


def test_an_absence_to_come_begins_by_itself(staffed: Assessment) -> None:
    opened = staffed.open_case()
    take(staffed, opened.case_id)
    assert go_away(staffed, from_on="2026-03-09").json()["handed_over"] == 0
    staffed.clock.pass_days(7)

    assert asyncio.run(staffed.app.state.service.hand_over()) == 1
    assert staffed.planned(opened.case_id).responsible_id == "team-nord"


def test_who_works_where_and_is_away_is_listed_until_the_absence_is_over(staffed: Assessment) -> None:
    go_away(staffed, deputy_id="assessor-09")

    listed = {line["member_id"]: line for line in staffed.ask("GET", "/members").json()}

    assert listed["assessor-07"]["team_id"] == "team-nord"
    assert listed["assessor-07"]["absences"] == [{**AWAY, "deputy_id": "assessor-09"}]
    assert listed["assessor-09"]["absences"] == []
    staffed.clock.pass_days(30)
    assert all(not line["absences"] for line in staffed.ask("GET", "/members").json())


def test_an_absence_to_come_leaves_the_one_that_runs(staffed: Assessment) -> None:
    opened = staffed.open_case()
    go_away(staffed)

    go_away(staffed, from_on="2026-08-03", until_on="2026-08-20")

    refused = take(staffed, opened.case_id)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "responsible_id")


def test_an_absence_is_shortened_under_its_first_day_or_taken_back(staffed: Assessment) -> None:
    opened = staffed.open_case()
    go_away(staffed)

    go_away(staffed, until_on="2026-03-02")
    assert take(staffed, opened.case_id).status_code == 422  # still today
    for _ in range(2):
        taken_back = staffed.ask("DELETE", f"/members/assessor-07/absence/{AWAY['from_on']}", role="lead")
        assert (taken_back.status_code, taken_back.json()) == (200, {"member_id": "assessor-07"})

    assert take(staffed, opened.case_id).status_code == 200


@pytest.mark.parametrize(
    ("member_id", "changes", "field"),
    [
        ("assessor-99", {}, "member_id"),
        ("assessor-07", {"until_on": "2026-03-01"}, "until_on"),
        ("assessor-07", {"from_on": "9999-12-01", "until_on": "9999-12-31"}, "from_on"),
        ("assessor-07", {"from_on": "9999-12-31", "until_on": "9999-12-31"}, "from_on"),
        ("assessor-07", {"from_on": "0001-01-01", "until_on": "0001-01-02"}, "from_on"),
        ("assessor-07", {"until_on": "9999-12-31"}, "until_on"),
        ("assessor-07", {"deputy_id": "assessor-07"}, "deputy_id"),
        ("assessor-07", {"deputy_id": "assessor-99"}, "deputy_id"),
    ],
)
def test_an_absence_that_cannot_be_names_the_field(
    staffed: Assessment, member_id: str, changes: dict[str, str], field: str
) -> None:
    refused = go_away(staffed, member_id, **changes)

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)


@given(
    st.lists(MEMBERS, max_size=4, unique_by=lambda member: member.member_id),
    st.frozensets(st.sampled_from(["a-1", "a-2"])),
    st.sampled_from(["de", "ar", None]),
)
def test_whoever_is_away_is_never_proposed_and_everybody_else_is_once(
    members: list[Member], absent: frozenset[str], language: str | None
) -> None:
    teams = Teams({member.member_id: member for member in members})

    proposed = teams.propose(language=language, profession=None, carried={}, absent=absent)

    assert {one.member_id for one in proposed} == set(teams.members) - absent
    assert all((Reason.HAS_ROOM in one.reasons) is (one.free > 0) for one in proposed)
    fits = [Reason.IS_FULL not in one.reasons for one in proposed]
    assert fits == sorted(fits, reverse=True)
