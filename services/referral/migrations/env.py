"""Runs this service's migrations; called by Alembic."""

from services.referral.tables import metadata
from shared import migrations

migrations.run(metadata)
