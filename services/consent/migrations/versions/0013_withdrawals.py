"""withdrawals are kept, whether or not anything stood"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "withdrawal",
        sa.Column("withdrawal_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("recipient_id", sa.String(length=40), nullable=True),
        sa.Column("purpose", sa.String(length=80), nullable=True),
        sa.Column("categories", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("withdrawal_id"),
    )
    with op.batch_alter_table("withdrawal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_withdrawal_person_id"), ["person_id"], unique=False)


def downgrade() -> None:
    op.drop_table("withdrawal")
