"""refusals, and places without identity"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the tables to this revision."""
    op.create_table(
        "refusal",
        sa.Column("refusal_id", sa.String(64), primary_key=True),
        sa.Column("referral_id", sa.String(64), sa.ForeignKey("referral.referral_id"), nullable=True, index=True),
        sa.Column("refused_id", sa.String(100), nullable=False),
        sa.Column("role", sa.String(30), nullable=False),
        sa.Column("deed", sa.String(40), nullable=False),
        sa.Column("refused_at", INSTANT, nullable=False),
    )
    op.create_table(
        "contingent",
        sa.Column("recipient_id", sa.String(40), primary_key=True),
        sa.Column("service", sa.String(48), primary_key=True),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("valid_until", INSTANT, nullable=False),
        sa.Column("offered_at", INSTANT, nullable=False),
    )
    op.create_table(
        "hold",
        sa.Column("hold_id", sa.String(64), primary_key=True),
        sa.Column("recipient_id", sa.String(40), nullable=False, index=True),
        sa.Column("service", sa.String(48), nullable=False),
        sa.Column("held_until", INSTANT, nullable=False),
    )
    op.create_table(
        "waiting",
        sa.Column("waiting_id", sa.String(64), primary_key=True),
        sa.Column("recipient_id", sa.String(40), nullable=False, index=True),
        sa.Column("service", sa.String(48), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
    )
    op.create_table(
        "out_of_order",
        sa.Column("entry_id", sa.String(64), primary_key=True),
        sa.Column("recipient_id", sa.String(40), nullable=False),
        sa.Column("service", sa.String(48), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("held_by", sa.String(100), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
    )


def downgrade() -> None:
    """Take this revision back."""
    for table in ("out_of_order", "waiting", "hold", "contingent", "refusal"):
        op.drop_table(table)
