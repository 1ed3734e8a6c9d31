"""Alembic's entry for intake: `python -m shared.migrations services/intake`."""

from services.intake.store import metadata
from shared import migrations

migrations.run(metadata)
