"""A service's newest migrations lose no row on the way up or down, whatever stands in it."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from shared import migrations
from tests.shared.conftest import OpenEngine

BEFORE = [("consent", "0009"), ("intake", "0005"), ("assessment", "0006")]
VALUES: tuple[tuple[type, object], ...] = (
    (sa.DateTime, "2026-03-02 12:00:00.000000"),
    (sa.Date, "2026-03-02"),
    (sa.Boolean, 1),
    (sa.LargeBinary, b"x" * 20),
    (sa.JSON, "[]"),
)


def tables_of(engine: sa.Engine) -> list[sa.Table]:
    """Return the tables of a service as the database knows them, those first to which others refer."""
    known = sa.MetaData()
    known.reflect(engine)
    return [table for table in known.sorted_tables if table.name != "alembic_version"]


def value_for(column: sa.Column[object], number: int) -> object:
    """Return something that may stand in a column of the row of that number."""
    if isinstance(column.type, sa.Integer):
        return number
    return next((value for kind, value in VALUES if isinstance(column.type, kind)), f"v{number}")


def fill(engine: sa.Engine) -> None:
    """Write two rows into every table, with something in every column."""
    tables = tables_of(engine)
    with engine.begin() as connection:
        for table in tables:
            raw = sa.table(table.name, *(sa.column(one.name) for one in table.columns))
            for number in (1, 2):
                row = {column.name: value_for(column, number) for column in table.columns}
                connection.execute(sa.insert(raw).values(row))


def counts(engine: sa.Engine) -> dict[str, int]:
    """Return how many rows each table has."""
    tables, count = tables_of(engine), sa.select(sa.func.count())
    with engine.connect() as connection:
        return {table.name: connection.execute(count.select_from(table)).scalar_one() for table in tables}


@pytest.mark.parametrize(("service", "before"), BEFORE)
def test_rows_from_before_are_there_after_going_up_and_down_and_up_again(
    tmp_path: Path, engines: OpenEngine, service: str, before: str
) -> None:
    folder, url = Path("services") / service, f"sqlite:///{tmp_path / 'town.sqlite3'}"
    configuration = migrations.configuration(folder, url)
    command.upgrade(configuration, before)
    engine = engines(url)
    fill(engine)
    filled = counts(engine)

    migrations.upgrade(folder, url)
    up = counts(engine)
    command.downgrade(configuration, before)
    down = counts(engine)
    migrations.upgrade(folder, url)

    again = counts(engine)
    assert set(filled.values()) == {2}
    assert down == filled
    assert [{name: found[name] for name in filled} for found in (up, again)] == [filled] * 2
    with engine.connect() as connection:
        assert connection.execute(sa.text("PRAGMA foreign_key_check")).all() == []


@pytest.mark.parametrize(("service", "before"), BEFORE)
def test_rows_that_the_newest_columns_fill_are_there_after_going_down_and_up_again(
    tmp_path: Path, engines: OpenEngine, service: str, before: str
) -> None:
    folder, url = Path("services") / service, f"sqlite:///{tmp_path / 'town.sqlite3'}"
    migrations.upgrade(folder, url)
    engine = engines(url)
    fill(engine)
    filled = counts(engine)

    command.downgrade(migrations.configuration(folder, url), before)
    down = counts(engine)
    migrations.upgrade(folder, url)

    again = counts(engine)
    assert {name: again[name] for name in down} == down == {name: filled[name] for name in down}
