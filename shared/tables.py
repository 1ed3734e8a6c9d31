"""The tables that every service has beside its own: outbox, inbox, parked messages, row locks, journal, erasures."""

from sqlalchemy import MetaData

from shared.database import row_lock_table
from shared.erasure import erased_table
from shared.inbox import inbox_tables
from shared.journal import journal_table
from shared.outbox import outbox_table


def add_kit_tables(metadata: MetaData) -> None:
    """Define them on a service's own metadata."""
    row_lock_table(metadata)
    outbox_table(metadata)
    inbox_tables(metadata)
    journal_table(metadata)
    erased_table(metadata)
