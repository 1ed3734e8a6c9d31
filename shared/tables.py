"""The tables that every service has beside its own: outbox, inbox, parked messages, row locks."""

from sqlalchemy import MetaData

from shared.database import row_lock_table
from shared.inbox import inbox_tables
from shared.outbox import outbox_table


def add_kit_tables(metadata: MetaData) -> None:
    """Define them on a service's own metadata."""
    row_lock_table(metadata)
    outbox_table(metadata)
    inbox_tables(metadata)
