"""Migrations make the very tables that the service works with, on both databases, and can be run again."""

from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlmodel import Session, select

from services.consent.domain import RecipientRole
from services.consent.recipient_tables import RecipientRow
from services.consent.tables import metadata
from shared import migrations
from shared.database import open_engine
from tests.consent.stores import FOLDER
from tests.consent.surroundings import Store


def test_migrations_make_the_tables_of_the_models(store: Store) -> None:
    engine = open_engine(store.database_url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()

    assert differences == []


def test_a_second_run_changes_nothing(store: Store) -> None:
    migrations.upgrade(FOLDER, store.database_url)

    engine = open_engine(store.database_url)
    names = set(inspect(engine).get_table_names())
    engine.dispose()

    assert names == {*metadata.tables, "alembic_version"}


REGISTERED_BEFORE = """
INSERT INTO recipient (recipient_id, role, display_name, offered, public_key, commitment_signed_on, commitment_sha256)
VALUES ('wohnhilfe', 'provider', 'Wohnhilfe', '["contact"]', '{}', '2026-01-15', 'a')
"""


def test_who_was_registered_before_there_were_two_papers_is_lapsed_until_they_come(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.sqlite3'}"
    configuration = migrations.configuration(FOLDER, url)
    engine = open_engine(url)
    command.upgrade(configuration, "0002")
    with engine.begin() as connection:
        connection.execute(text(REGISTERED_BEFORE))

    command.upgrade(configuration, "head")

    with Session(engine) as session:
        [row] = session.exec(select(RecipientRow)).all()
    assert (row.role, row.organisation) == (RecipientRole.PROVIDER, "")
    assert row.commitment_ends_at < datetime(2000, 1, 1, tzinfo=UTC)
    engine.dispose()
