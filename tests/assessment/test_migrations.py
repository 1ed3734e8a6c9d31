"""The migrations make exactly the tables of the models; importing and refusing settings does no more than it says."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import ValidationError
from sqlalchemy import text

from services.assessment.settings import AssessmentSettings
from services.assessment.store import metadata
from services.assessment.subscribers import HANDLERS
from shared import migrations, topology
from shared.database import open_engine
from tests.assessment.builders import FOLDER, settings_in


def test_migrations_and_models_agree(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'migrated.sqlite3'}"

    migrations.upgrade(FOLDER, url)
    migrations.upgrade(FOLDER, url)

    engine = open_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_absences_survive_the_wider_key_and_the_way_back_keeps_the_newest(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'migrated.sqlite3'}"
    command.upgrade(migrations.configuration(FOLDER, url), "0006")
    engine = open_engine(url)

    def absences() -> list[tuple[str, str]]:
        with engine.connect() as connection:
            return [(row[0], row[1]) for row in connection.execute(text("SELECT member_id, from_on FROM absence"))]

    def write(from_on: str) -> None:
        with engine.begin() as connection:
            connection.execute(text(f"INSERT INTO absence VALUES ('a-1', '{from_on}', '2026-09-01', NULL)"))  # noqa: S608

    write("2026-03-02")
    migrations.upgrade(FOLDER, url)
    write("2026-08-03")
    assert len(absences()) == 2  # the one from before, and the new one

    command.downgrade(migrations.configuration(FOLDER, url), "0006")

    assert absences() == [("a-1", "2026-08-03")]
    engine.dispose()


def test_settings_that_cannot_be_right_are_refused_without_the_value(tmp_path: Path) -> None:
    known = settings_in(tmp_path).model_dump()

    with pytest.raises(ValidationError) as refused:
        AssessmentSettings(**{**known, "team_id": "nicht erlaubt"})

    assert "nicht erlaubt" not in str(refused.value)


def test_assessment_subscribes_to_what_the_broker_brings_it() -> None:
    heard = sorted(event.event_type for event in HANDLERS)

    assert heard == sorted(topology.SUBSCRIPTIONS["assessment"])
