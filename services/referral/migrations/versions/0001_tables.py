"""The tables of the referral service and those that every service has."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the tables to this revision."""
    _create_kit()
    op.create_table(
        "case",
        sa.Column("case_id", sa.String(64), primary_key=True),
        sa.Column("person_id", sa.String(64), nullable=False, index=True),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
    )
    op.create_table(
        "referral",
        sa.Column("referral_id", sa.String(64), primary_key=True),
        sa.Column("case_id", sa.String(64), sa.ForeignKey("case.case_id"), nullable=False, index=True),
        sa.Column("person_id", sa.String(64), nullable=False, index=True),
        sa.Column("responsible_id", sa.String(100), nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False, index=True),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "happening",
        sa.Column("referral_id", sa.String(64), sa.ForeignKey("referral.referral_id"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("news", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    """Take this revision back."""
    for table in ("happening", "referral", "case", "parked", "inbox", "outbox", "row_lock"):
        op.drop_table(table)


def _create_kit() -> None:
    op.create_table("row_lock", sa.Column("name", sa.String(100), primary_key=True))
    op.create_table(
        "outbox",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("message_id", sa.String(64), nullable=False, unique=True),
        sa.Column("destination", sa.String(100), nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("correlation_id", sa.String(64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("key_id", sa.String(64), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("claimed_until", INSTANT, nullable=True),
        sa.Column("sent_at", INSTANT, nullable=True),
    )
    unsent = sa.text("sent_at IS NULL")
    op.create_index("outbox_unsent", "outbox", ["seq"], sqlite_where=unsent, postgresql_where=unsent)
    op.create_table(
        "inbox",
        sa.Column("message_id", sa.String(64), primary_key=True),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("waiting_key", sa.String(64), nullable=True, index=True),
        sa.Column("waiting_body", sa.LargeBinary(), nullable=True),
    )
    op.create_table(
        "parked",
        sa.Column("parked_id", sa.String(64), primary_key=True),
        sa.Column("message_id", sa.String(64), nullable=True),
        sa.Column("type", sa.String(100), nullable=True),
        sa.Column("reason", sa.String(60), nullable=False),
        sa.Column("parked_at", INSTANT, nullable=False),
        sa.Column("key_id", sa.String(64), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("resolved_at", INSTANT, nullable=True),
        sa.Column("resolution", sa.String(200), nullable=True),
    )
