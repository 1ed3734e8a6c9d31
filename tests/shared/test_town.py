"""What a town decides is read once, whole, and refused with field and reason if it cannot be worked by."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.town import ESSEN, Town
from shared.settings import ServiceSettings, from_environment
from shared.town import USUAL, TownInvalid, read_town

CHRISTMAS = date(2026, 12, 25)
NEW_YEAR = date(2027, 1, 1)
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))


def test_the_folder_of_essen_says_what_a_service_without_a_folder_works_by() -> None:
    said = read_town(USUAL)

    referral = said.deadlines.referral
    assert said.model_copy(update={"deadlines": said.deadlines.model_copy(update={"referral": {}})}) == ESSEN
    assert read_town(None) == ESSEN
    assert referral


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("nmae = 'Marker'", ("town.toml: nmae", "Extra inputs are not permitted")),
        (
            "timezone = 'Marker/Nowhere'",
            ("town.toml: timezone", "must be the name of a time zone, such as Europe/Berlin"),
        ),
        (
            "[deadlines.intake]\nreview_days = 0",
            ("town.toml: deadlines.intake.review_days", "Input should be greater than or equal to 1"),
        ),
        (
            "[ladder]\nacknowledge_minutes = 'soon'",
            ("town.toml: ladder.acknowledge_minutes", "Input should be a valid integer"),
        ),
        (
            "holidays = ['Marker']",
            ("town.toml: holidays.0", "Input should be a valid date or datetime, input is too short"),
        ),
    ],
)
def test_what_cannot_be_worked_by_is_refused_with_field_and_reason(
    tmp_path: Path, text: str, fault: tuple[str, str]
) -> None:
    (tmp_path / "town.toml").write_text(text)

    with pytest.raises(TownInvalid) as refused:
        read_town(tmp_path)

    assert refused.value.faults == (fault,)
    assert "Marker" not in str(refused.value)


@given(day=DAYS, count=st.integers(1, 60), holidays=st.lists(DAYS, max_size=20))
def test_so_many_working_days_lie_between_a_day_and_the_one_that_is_found(
    day: date, count: int, holidays: list[date]
) -> None:
    town = Town(holidays=tuple(holidays))

    later = town.after_working_days(day, count)

    between = [date.fromordinal(number) for number in range(day.toordinal() + 1, later.toordinal() + 1)]
    working = [one for one in between if one.isoweekday() <= 5 and one not in holidays]
    assert len(working) == count
    assert working[-1] == later


def test_a_holiday_is_no_working_day() -> None:
    town = Town(holidays=(CHRISTMAS, NEW_YEAR))

    assert town.after_working_days(date(2026, 12, 24), 1) == date(2026, 12, 28)


def test_a_day_is_the_towns_own() -> None:
    late_in_the_evening = datetime(2026, 7, 31, 22, 30, tzinfo=UTC)

    assert ESSEN.today(late_in_the_evening) == date(2026, 8, 1)
    assert Town(timezone="Europe/Lisbon").today(late_in_the_evening) == date(2026, 7, 31)


def test_a_service_with_an_unusable_folder_ends_with_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "KEY_STORE_URL", "JOURNAL_FOLDER", "MASTER_KEY_FILE", "ZONE_KEYS_FILE", "TOKENS_FILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("TOWN_FOLDER", str(tmp_path / "nowhere"))

    with pytest.raises(SystemExit, match=r"not started: TOWN_FOLDER: town.toml cannot be read: No such file"):
        from_environment(ServiceSettings)
