"""Alembic's entry for consent: `python -m shared.migrations services/consent`."""

from services.consent.tables import metadata
from shared import migrations

migrations.run(metadata)
