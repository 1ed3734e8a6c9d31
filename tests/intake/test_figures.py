"""Figures of a quarter: counted once, some days after its end, announced for ever the same, and about nobody."""

import asyncio
from datetime import UTC, datetime

from services.intake.store import Case, metadata
from shared.contracts.consent import PersonErased
from shared.contracts.figures import Quarter
from shared.contracts.intake import IntakeFiguresCounted
from shared.keys import UnreadableValue
from shared.unit_of_work import UnitOfWork
from tests.intake.builders import NOON, Intake, a_commission

FIFTH_WORKING_DAY = datetime(2026, 4, 7, 9, tzinfo=UTC)


def look(intake: Intake) -> list[str]:
    """Have the service look whether a quarter is to be counted; return which it counted."""
    counted: list[str] = asyncio.run(intake.app.state.service.counting.look())
    return counted


def cells(intake: Intake, number: int = -1) -> dict[str, int]:
    """Return what was announced of a quarter, by row."""
    return {cell.row: cell.count for cell in intake.announced(IntakeFiguresCounted)[number].cells}


def test_a_quarter_is_counted_once_on_the_fifth_working_day_after_its_end(intake: Intake) -> None:
    intake.open_case()
    intake.clock.now = datetime(2026, 4, 6, 21, 59, tzinfo=UTC)  # 23:59 in Essen
    assert look(intake) == []

    intake.clock.now = datetime(2026, 4, 6, 22, 0, tzinfo=UTC)

    assert (look(intake), look(intake)) == (["2026-Q1"], [])
    assert [event.quarter for event in intake.announced(IntakeFiguresCounted)] == ["2026-Q1"]


def test_before_anybody_came_nothing_is_counted(intake: Intake) -> None:
    intake.clock.now = FIFTH_WORKING_DAY

    assert look(intake) == []


def test_every_quarter_since_the_first_case_is_counted_even_after_a_long_pause(intake: Intake) -> None:
    intake.open_case()
    intake.clock.now = datetime(2027, 1, 20, tzinfo=UTC)

    assert look(intake) == ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"]


def test_persons_are_counted_by_the_way_they_came(intake: Intake) -> None:
    intake.open_case(origin="self")
    intake.open_case(origin="self")
    intake.open_case(origin="street")
    intake.hear(a_commission())
    intake.clock.now = FIFTH_WORKING_DAY
    look(intake)

    assert cells(intake) == {"commissioned": 1, "self": 2, "street": 1}


def test_each_person_is_counted_in_the_quarter_in_which_they_came_in_the_towns_own_time(intake: Intake) -> None:
    intake.clock.now = datetime(2026, 3, 31, 21, 59, tzinfo=UTC)
    intake.open_case(origin="self")
    intake.clock.now = datetime(2026, 3, 31, 22, 0, tzinfo=UTC)  # midnight in Essen
    intake.open_case(origin="street")
    intake.clock.now = datetime(2026, 7, 7, tzinfo=UTC)
    look(intake)

    assert [cells(intake, number) for number in (0, 1)] == [
        {"commissioned": 0, "self": 1, "street": 0},
        {"commissioned": 0, "self": 0, "street": 1},
    ]


def test_whose_commission_moved_to_an_earlier_case_did_not_come_anew(intake: Intake) -> None:
    earlier = intake.open_case(origin="self")
    intake.hear(a_commission())
    [commissioned] = [line["case_id"] for line in intake.lines() if line["case_id"] != earlier["case_id"]]

    def join(work: UnitOfWork) -> None:
        case = work.session.get_one(Case, commissioned)
        case.joined_case_id = earlier["case_id"]
        work.session.add(case)

    intake.write(join)
    intake.clock.now = FIFTH_WORKING_DAY
    look(intake)

    assert cells(intake) == {"commissioned": 0, "self": 1, "street": 0}


def test_who_was_erased_before_the_count_is_not_counted_and_after_it_nothing_changes(intake: Intake) -> None:
    gone, stays = intake.open_case(), intake.open_case()

    def erase(person: dict[str, str], erasure_id: str) -> None:
        intake.hear(PersonErased(erasure_id=erasure_id, person_id=person["person_id"], erased_at=NOON))

    erase(gone, "erasure-0001")
    intake.clock.now = FIFTH_WORKING_DAY
    look(intake)
    assert cells(intake)["self"] == 1
    erase(stays, "erasure-0002")

    assert look(intake) == []
    assert cells(intake)["self"] == 1


def test_what_was_counted_is_announced_again_word_for_word_and_never_counted_anew(intake: Intake) -> None:
    intake.open_case()
    intake.clock.now = FIFTH_WORKING_DAY
    look(intake)
    intake.open_case()

    answer = intake.ask("POST", "/figures/2026-Q1/announcement", role="operator")

    first, again = intake.announced(IntakeFiguresCounted)
    assert (answer.status_code, first) == (200, again)


def test_a_quarter_that_was_not_counted_cannot_be_announced(intake: Intake) -> None:
    answers = [
        intake.ask("POST", f"/figures/{quarter}/announcement", role="operator").status_code
        for quarter in ("2026-Q1", "2026-Q5", "last")
    ]

    assert answers == [404, 422, 422]


def test_what_two_instances_count_at_once_is_kept_and_announced_once(intake: Intake) -> None:
    intake.open_case()
    intake.clock.now = FIFTH_WORKING_DAY
    counting = intake.app.state.service.counting

    async def both() -> None:
        await asyncio.gather(counting.look(), counting.look())

    asyncio.run(both())

    assert len(intake.announced(IntakeFiguresCounted)) == 1


def test_the_event_is_about_nobody_and_the_counts_lie_sealed(intake: Intake) -> None:
    opened = intake.open_case()
    intake.clock.now = FIFTH_WORKING_DAY
    look(intake)
    [event] = intake.announced(IntakeFiguresCounted)
    table = metadata.tables["figures_counted"]
    with intake.app.state.service.database.read() as session:
        [row] = session.execute(table.select()).mappings()

    assert event.key_id == event.count_id == row["count_id"]
    assert not any(value.encode() in event.body() for value in opened.values())
    assert b"street" not in row["cells"]
    assert isinstance(_read(intake, row["cells"]), UnreadableValue)


def _read(intake: Intake, sealed: bytes) -> Exception | None:
    """Try what the counts are sealed for, one quarter further."""
    [event] = intake.announced(IntakeFiguresCounted)
    try:
        intake.app.state.service.keys.unseal(event.count_id, "figures_counted.cells.2026-Q2", sealed)
    except UnreadableValue as error:
        return error
    return None


def test_quarters_follow_each_other_without_gap_or_overlap() -> None:
    assert str(Quarter(2026, 4).next()) == "2027-Q1"
    assert str(Quarter.read("2026-Q3").next()) == "2026-Q4"
