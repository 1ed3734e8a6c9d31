"""A migration may replace a table on SQLite, and nothing that refers to it is lost."""

from pathlib import Path

import pytest
from sqlalchemy import text

from shared import migrations
from tests.shared.conftest import OpenEngine

ENV = """
from sqlalchemy import MetaData
from shared import migrations
migrations.run(MetaData())
"""
FIRST = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0001", None

def upgrade():
    op.create_table("person", sa.Column("person_id", sa.String(8), primary_key=True))
    whose = sa.Column("person_id", sa.String(8), sa.ForeignKey("person.person_id", ondelete="CASCADE"))
    op.create_table("visit", sa.Column("visit_id", sa.String(8), primary_key=True), whose)
    op.execute("INSERT INTO person VALUES ('p1')")
    op.execute("INSERT INTO visit VALUES ('v1', 'p1')")
"""
SECOND = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0002", "0001"

def upgrade():
    with op.batch_alter_table("person") as batch:
        batch.alter_column("person_id", existing_type=sa.String(8), type_=sa.String(16))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    versions = tmp_path / "town" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions.parent / "env.py").write_text(ENV)
    (versions.parent / "script.py.mako").write_text("")
    (versions / "0001_first.py").write_text(FIRST)
    (versions / "0002_second.py").write_text(SECOND)
    return tmp_path / "town"


def test_replacing_a_table_loses_nothing_that_refers_to_it(folder: Path, tmp_path: Path, engines: OpenEngine) -> None:
    url = f"sqlite:///{tmp_path}/town.db"

    migrations.upgrade(folder, url)

    with engines(url).connect() as connection:
        assert connection.execute(text("SELECT visit_id, person_id FROM visit")).all() == [("v1", "p1")]


def test_a_second_run_changes_nothing(folder: Path, tmp_path: Path, engines: OpenEngine) -> None:
    url = f"sqlite:///{tmp_path}/town.db"

    migrations.upgrade(folder, url)
    migrations.upgrade(folder, url)

    with engines(url).connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["0002"]
