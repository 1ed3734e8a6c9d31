"""Alembic's entry for assessment: `python -m shared.migrations services/assessment`."""

from services.assessment.store import metadata
from shared import migrations

migrations.run(metadata)
