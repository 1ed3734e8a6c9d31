"""A key that cannot be read for a moment makes the watch mute for no longer than that moment."""

import sqlite3
from datetime import timedelta

from tests.intake.builders import Intake


def test_an_acute_need_whose_key_comes_back_climbs_again(intake: Intake) -> None:
    case = intake.open_case()
    intake.report_need(case["case_id"])
    wrapped = exchange_key(intake, case["person_id"], b"x" * 60)
    intake.look()
    assert {alarm["rung"] for alarm in intake.alarms()} == {"lead"}

    exchange_key(intake, case["person_id"], wrapped)
    intake.clock.now += timedelta(hours=5)
    intake.look()

    assert "on_call" in {alarm["rung"] for alarm in intake.alarms()}


def exchange_key(intake: Intake, person_id: str, wrapped: bytes) -> bytes:
    """Put a wrapped key in the place of a person's; return the one that was there."""
    with sqlite3.connect(intake.folder / "keys.sqlite3") as store:
        [(before,)] = store.execute("select wrapped from person_key where key_id = ?", (person_id,)).fetchall()
        store.execute("update person_key set wrapped = ? where key_id = ?", (wrapped, person_id))
    store.close()
    intake.app.state.service.keys._cache.clear()
    return bytes(before)
