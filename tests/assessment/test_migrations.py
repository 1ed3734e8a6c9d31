"""The migrations make exactly the tables of the models; importing and refusing settings does no more than it says."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import ValidationError

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


def test_settings_that_cannot_be_right_are_refused_without_the_value(tmp_path: Path) -> None:
    known = settings_in(tmp_path).model_dump()

    with pytest.raises(ValidationError) as refused:
        AssessmentSettings(**{**known, "team_id": "nicht erlaubt"})

    assert "nicht erlaubt" not in str(refused.value)


def test_assessment_subscribes_to_what_the_broker_brings_it() -> None:
    heard = sorted(event.event_type for event in HANDLERS)

    assert heard == sorted(topology.SUBSCRIPTIONS["assessment"])
