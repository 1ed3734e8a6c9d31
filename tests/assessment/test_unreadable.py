"""A case that cannot be read keeps no other one with somebody who is away, and nobody from being away."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from services.assessment.store import Case, Entry, Telling
from shared.contracts.consent import Awaited, PersonAwaited
from shared.contracts.intake import CaseOpened
from shared.unit_of_work import UnitOfWork
from tests.assessment.builders import NOON, TEAM, Assessment, a_case_ended

Damage = Callable[[Assessment, CaseOpened], None]


def damage_entry(assessment: Assessment, opened: CaseOpened) -> None:
    """Have the disk change what stands written in a case."""

    def change(work: UnitOfWork) -> None:
        entries = work.session.exec(select(Entry).where(col(Entry.case_id) == opened.case_id)).all()
        assert entries
        for entry in entries:
            entry.content = b"x" * 40

    assessment.write(change)


def damage_key(assessment: Assessment, opened: CaseOpened) -> None:
    """Have the disk change the wrapped key of the person of a case."""
    keys = assessment.app.state.service.keys
    with keys._engine.begin() as connection:
        damaged = text("UPDATE person_key SET wrapped = :wrapped WHERE key_id = :key_id")
        assert connection.execute(damaged, {"wrapped": b"x" * 60, "key_id": opened.person_id}).rowcount == 1
    keys._cache.clear()  # as after a restart


def a_case_of_whoever_goes_away(assessment: Assessment) -> CaseOpened:
    """Return a case that assessor-7 has, and in which something stands written."""
    opened = assessment.open_case()
    taking = {"team_id": TEAM, "responsible_id": "assessor-7"}
    assert assessment.ask("POST", f"/cases/{opened.case_id}/taking", taking).status_code == 200
    attempt = {"channel": "phone", "outcome": "reached"}
    assert assessment.ask("POST", f"/cases/{opened.case_id}/contact-attempts", attempt).status_code == 201
    return opened


def go_away(assessment: Assessment, from_on: str = "2026-03-02") -> Any:
    """Write down that assessor-7 is away and assessor-8 stands in; return the answer."""
    away = {"from_on": from_on, "until_on": "2026-03-20", "deputy_id": "assessor-8"}
    return assessment.ask("PUT", "/members/assessor-7/absence", away, role="lead")


@pytest.mark.parametrize("damage", [damage_entry, damage_key], ids=["entry", "key"])
def test_every_case_of_somebody_who_is_away_goes_to_the_deputy_also_one_that_cannot_be_read(
    assessment: Assessment, damage: Damage
) -> None:
    readable, other = (a_case_of_whoever_goes_away(assessment) for _ in range(2))
    damage(assessment, other)

    answer = go_away(assessment)

    assert (answer.status_code, answer.json()["handed_over"]) == (200, 2)
    assert assessment.case(readable.case_id)["responsible_id"] == "assessor-8"
    for opened in (readable, other):
        assert assessment.planned(opened.case_id).responsible_id == "assessor-8"


@pytest.mark.parametrize("damage", [damage_entry, damage_key], ids=["entry", "key"])
def test_an_absence_to_come_begins_by_itself_for_every_case_also_for_one_that_cannot_be_read(
    assessment: Assessment, damage: Damage
) -> None:
    readable, other = (a_case_of_whoever_goes_away(assessment) for _ in range(2))
    assert go_away(assessment, from_on="2026-03-09").json()["handed_over"] == 0
    damage(assessment, other)
    assessment.clock.pass_days(7)

    assert asyncio.run(assessment.app.state.service.hand_over()) == 2
    for opened in (readable, other):
        assert assessment.planned(opened.case_id).responsible_id == "assessor-8"


def test_one_telling_that_cannot_be_read_keeps_no_case_open(assessment: Assessment) -> None:
    opened = assessment.open_case()
    assessment.hear(
        PersonAwaited(item_id="item-0001", person_id=opened.person_id, awaited=Awaited.WORD, due_at=NOON, at=NOON)
    )
    assessment.write(lambda work: setattr(work.session.get_one(Telling, "item-0001"), "about", b"x" * 40))

    assessment.hear(a_case_ended(opened))

    ended_at = assessment.write(lambda work: work.session.get_one(Case, opened.case_id).ended_at)
    assert ended_at is not None
