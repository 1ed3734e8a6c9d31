"""packets of home visits, workers' keys, and what was noted without network"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the tables to this revision."""
    op.create_table(
        "worker_key",
        sa.Column("worker_id", sa.String(100), primary_key=True),
        sa.Column("jwk", sa.String(300), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
    )
    op.create_table(
        "visit_packet",
        sa.Column("packet_id", sa.String(64), primary_key=True),
        sa.Column("visit_id", sa.String(64), sa.ForeignKey("visit.visit_id"), nullable=False, index=True),
        sa.Column("worker_id", sa.String(100), nullable=False),
        sa.Column("plan_sha256", sa.String(64), nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
    )
    op.create_table(
        "visit_note",
        sa.Column("entry_id", sa.String(64), primary_key=True),
        sa.Column("visit_id", sa.String(64), sa.ForeignKey("visit.visit_id"), nullable=False, index=True),
        sa.Column("packet_id", sa.String(64), sa.ForeignKey("visit_packet.packet_id"), nullable=False),
        sa.Column("has_ended", sa.Boolean(), nullable=False),
        sa.Column("kept", sa.LargeBinary(), nullable=True),
    )


def downgrade() -> None:
    """Take this revision back."""
    for table in ("visit_note", "visit_packet", "worker_key"):
        op.drop_table(table)
