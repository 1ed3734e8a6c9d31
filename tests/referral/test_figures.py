"""Which help was asked for, taken up and given: counted by person, once a row, in the quarter of the happening."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.referral.directory import HelpGroup, read_directory
from services.referral.figures import HELPED
from services.referral.settings import DIRECTORY_FILE
from services.referral.tables import ReferralRow
from shared.contracts.consent import Outcome
from shared.contracts.figures import HELP_GROUPS, TABLES
from shared.contracts.referral import ReferralFiguresCounted
from shared.town import USUAL
from shared.unit_of_work import UnitOfWork
from tests.referral.builders import CASE, CLINIC, NOON, Desk, an_answer, cleared, opened

FIFTH_WORKING_DAY = datetime(2026, 4, 7, 9, tzinfo=UTC)
DEBT_ADVICE = {"case_id": CASE, "recipient_id": "schuldnerhilfe", "service": "debt_counselling"}


def counts(desk: Desk, *, at: datetime = FIFTH_WORKING_DAY) -> dict[str, int]:
    """Have the quarters counted that are due then; return what was announced of the newest, without the zeros."""
    desk.clock.now = at
    portal = desk.http.portal
    assert portal is not None
    portal.call(desk.app.state.service.counting.look)
    event = desk.announced(ReferralFiguresCounted)[-1]
    return {f"{cell.table}.{cell.row}": cell.count for cell in event.cells if cell.count}


def test_a_person_counts_once_for_a_kind_of_help_however_often_it_was_asked_for(desk: Desk) -> None:
    desk.asked()
    desk.ask("POST", "/referrals", {**CLINIC, "service": "clinic_place"})
    desk.ask("POST", "/referrals", DEBT_ADVICE)

    assert counts(desk) == {"asked_for.health": 1, "asked_for.debts": 1}


@pytest.mark.parametrize("answer", ["waiting_list", "declined"])
def test_what_is_not_accepted_is_not_taken_up(desk: Desk, answer: str) -> None:
    desk.answered(answer)

    assert counts(desk) == {"asked_for.health": 1}


def test_accepted_is_taken_up(desk: Desk) -> None:
    desk.answered("accepted")

    assert counts(desk) == {"asked_for.health": 1, "taken_up.health": 1}


def test_an_appointment_is_taken_up_when_the_person_takes_it(desk: Desk) -> None:
    referral = desk.answered("appointment_offered", appointment_at=NOON + timedelta(days=2))
    desk.clock.pass_time(hours=1)
    desk.ask("POST", f"/referrals/{referral}/appointment")

    assert counts(desk) == {"asked_for.health": 1, "taken_up.health": 1}


def test_a_treatment_begins_when_somebody_was_there(desk: Desk) -> None:
    desk.answered("attended")

    assert counts(desk) == {"asked_for.health": 1, "taken_up.health": 1, "outcomes.treatments_begun": 1}


@pytest.mark.parametrize(
    ("recipient_id", "service", "row"),
    [
        ("schuldnerhilfe", "debt_counselling", "debts_regulated"),
        ("mietschutz", "prevent_eviction", "flats_kept"),
        ("wohnhilfe", "flat_instead_of_shelter", "flats_found"),
        ("wohnhilfe", "shelter_place", "shelters_found"),
        ("lvr-klinik", "psychiatric_consultation", "treatments_helped"),
        ("suchtberatung", "addiction_counselling", "treatments_helped"),
        ("tafel", "food", "food_secured"),
        ("jobcoaching", "supported_work", "work_begun"),
    ],
)
def test_what_a_provider_ended_with_help_is_an_outcome_of_its_kind(
    desk: Desk, recipient_id: str, service: str, row: str
) -> None:
    referral = desk.asked(recipient_id=recipient_id, service=service)
    for news in (cleared(referral), opened(referral), an_answer(referral, "ended", outcome=Outcome.HELPED)):
        desk.hear(news)

    assert {name for name in counts(desk) if name.startswith("outcomes")} == {f"outcomes.{row}"}


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.HELPED])
def test_another_end_is_no_outcome(desk: Desk, outcome: Outcome) -> None:
    referral = desk.asked()
    for news in (cleared(referral), opened(referral), an_answer(referral, "ended", outcome=outcome)):
        desk.hear(news)

    assert counts(desk) == {"asked_for.health": 1}


def test_each_counts_in_the_quarter_in_which_it_happened(desk: Desk) -> None:
    referral = desk.asked()
    desk.hear(cleared(referral))
    desk.hear(opened(referral))
    assert counts(desk) == {"asked_for.health": 1}

    minutes = int(timedelta(days=60) / timedelta(minutes=1))
    desk.hear(an_answer(referral, "accepted", minute=minutes))

    assert counts(desk, at=datetime(2026, 7, 7, 9, tzinfo=UTC)) == {"taken_up.health": 1}


def test_nothing_is_counted_of_what_happened_after_the_end_of_the_quarter(desk: Desk) -> None:
    referral = desk.asked()
    desk.hear(cleared(referral))
    desk.hear(opened(referral))
    minutes = int(timedelta(days=31) / timedelta(minutes=1))  # the 2nd of April
    desk.hear(an_answer(referral, "attended", minute=minutes))

    assert counts(desk) == {"asked_for.health": 1}


def test_help_of_no_group_is_in_no_figure(desk: Desk) -> None:
    desk.asked(recipient_id="kleiderkammer", service="clothing")

    assert counts(desk) == {}


def test_what_cannot_be_read_is_left_out_and_said_and_stops_nobody_else(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    referral = desk.asked()
    desk.ask("POST", "/referrals", DEBT_ADVICE)

    def damage(work: UnitOfWork) -> None:
        row = work.session.get_one(ReferralRow, referral)
        row.asked = b"damaged"
        work.session.add(row)

    desk.write(damage)

    assert counts(desk) == {"asked_for.debts": 1}
    assert '"event": "figures_incomplete"' in capsys.readouterr().out


def test_what_was_counted_can_be_announced_again_by_an_operator_alone(desk: Desk) -> None:
    desk.asked()
    counts(desk)
    path = "/figures/2026-Q1/announcement"

    assert [desk.ask("POST", path, role=role).status_code for role in ("assessor", "operator")] == [403, 200]
    first, again = desk.announced(ReferralFiguresCounted)
    assert first == again


def test_every_kind_of_help_has_its_rows() -> None:
    outcomes = next(table for table in TABLES if table.name == "outcomes")

    assert tuple(group.value for group in HelpGroup) == HELP_GROUPS
    assert set(HELPED) == set(HelpGroup)
    assert {*HELPED.values(), "treatments_begun"} == set(outcomes.rows)


def test_a_service_that_is_counted_in_two_groups_does_not_start(tmp_path: Path) -> None:
    text = (
        (USUAL / DIRECTORY_FILE)
        .read_text(encoding="utf-8")
        .replace('"food", "group": "food"', '"food", "group": "work"', 1)
    )
    (tmp_path / "directory.json").write_text(text)

    with pytest.raises(ValidationError, match="two groups"):
        read_directory(tmp_path / "directory.json")
