"""Runs a service's Alembic migrations: `python -m shared.migrations services/<name>` with DATABASE_URL set."""

import os
import sys
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import MetaData, event

from shared.database import open_engine


def configuration(service_folder: Path, url: str) -> Config:
    """Return Alembic's configuration for one service and one database."""
    config = Config()
    config.set_main_option("script_location", str(service_folder / "migrations"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["url"] = url
    return config


def upgrade(service_folder: Path, url: str) -> None:
    """Bring a service's database to the newest state; a second run changes nothing."""
    command.upgrade(configuration(service_folder, url), "head")


def run(metadata: MetaData) -> None:
    """Run migrations from a service's `env.py`."""
    engine = open_engine(context.config.attributes["url"])
    if engine.dialect.name == "sqlite":
        # A batch migration replaces the table, and dropping the old one would take along the rows that refer to it.
        event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA foreign_keys=OFF"))
    with engine.begin() as connection:
        context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


if __name__ == "__main__":
    if len(sys.argv) != 2 or "DATABASE_URL" not in os.environ:  # noqa: PLR2004  # the program's own name, and one more
        sys.exit("not migrated: name the folder of one service, and its database in DATABASE_URL")
    upgrade(Path(sys.argv[1]), os.environ["DATABASE_URL"])
