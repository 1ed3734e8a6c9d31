"""home visits"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the tables to this revision."""
    op.create_table(
        "visit",
        sa.Column("visit_id", sa.String(64), primary_key=True),
        sa.Column("case_id", sa.String(64), nullable=False, index=True),
        sa.Column("person_id", sa.String(64), nullable=False, index=True),
        sa.Column("proposed_by", sa.String(100), nullable=False),
        sa.Column("is_over", sa.Boolean(), nullable=False, index=True),
        sa.Column("kept", sa.LargeBinary(), nullable=True),
    )
    op.create_table(
        "visit_audit",
        sa.Column("entry_id", sa.String(64), primary_key=True),
        sa.Column("visit_id", sa.String(64), sa.ForeignKey("visit.visit_id"), nullable=True, index=True),
        sa.Column("by_id", sa.String(100), nullable=False),
        sa.Column("role", sa.String(30), nullable=False),
        sa.Column("deed", sa.String(40), nullable=False),
        sa.Column("was_refused", sa.Boolean(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
    )


def downgrade() -> None:
    """Take this revision back."""
    for table in ("visit_audit", "visit"):
        op.drop_table(table)
