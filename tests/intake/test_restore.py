"""An older backup is put back: what people had forgotten, on their wish or by time, does not come back with it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi.testclient import TestClient

from services.intake.app import create_app
from services.intake.settings import IntakeSettings
from tests.intake.builders import Clock, Intake, migrated_database, settings_in
from tests.intake.street import a_thread, forget, kept, meet, shown, want_case


def started(folder: Path) -> IntakeSettings:
    """Return the settings of a service that can be stopped and started again."""
    (folder / "intake.sqlite3").write_bytes(migrated_database())
    return settings_in(folder, watch_seconds=60)


@contextmanager
def running(settings: IntakeSettings, folder: Path) -> Iterator[Intake]:
    """Run the service on whatever lies there."""
    clock = Clock()
    app = create_app(settings, clock=clock)
    with TestClient(app) as http:
        yield Intake(app, http, folder, clock)


def test_a_restored_backup_brings_no_thread_back_that_was_forgotten(tmp_path: Path) -> None:
    settings = started(tmp_path)
    with running(settings, tmp_path) as intake:
        thread_id = a_thread(intake, called="Kalle (synthetic)", note="Sleeps under the bridge.")
    shutil.copy(tmp_path / "intake.sqlite3", tmp_path / "backup.sqlite3")
    with running(settings, tmp_path) as intake:
        forget(intake, thread_id)
    shutil.copy(tmp_path / "backup.sqlite3", tmp_path / "intake.sqlite3")

    with running(settings, tmp_path) as intake:
        intake.look()

        assert meet(intake, thread_id).json()["code"] == "thread_has_ended"
        assert [row["content"] for row in kept(intake)["ThreadContact"]] == [None]
        assert [row["called"] for row in kept(intake)["Thread"]] == [None]


def test_a_thread_whose_case_a_backup_does_not_know_is_looked_after_again_and_becomes_a_case_once_more(
    tmp_path: Path,
) -> None:
    settings = started(tmp_path)
    with running(settings, tmp_path) as intake:
        thread_id = a_thread(intake, note="Sleeps under the bridge.")
    shutil.copy(tmp_path / "intake.sqlite3", tmp_path / "backup.sqlite3")
    with running(settings, tmp_path) as intake:
        want_case(intake, thread_id)
    shutil.copy(tmp_path / "backup.sqlite3", tmp_path / "intake.sqlite3")

    with running(settings, tmp_path) as intake:
        view = shown(intake, thread_id)

        assert (view["state"], view["unreadable"]) == ("open", 1)
        assert want_case(intake, thread_id).status_code == 201
