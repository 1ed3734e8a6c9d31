"""Migrations make the very tables that the service works with, on both databases, and can be run again."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

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
