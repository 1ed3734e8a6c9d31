"""which cases are shielded or were joined to another, and when a commission was changed"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.add_column(sa.Column("shielded_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("joined_case_id", sa.String(length=64), nullable=True))
    with op.batch_alter_table("commission", schema=None) as batch_op:
        batch_op.add_column(sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("commission", schema=None) as batch_op:
        batch_op.drop_column("changed_at")
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.drop_column("joined_case_id")
        batch_op.drop_column("shielded_at")
