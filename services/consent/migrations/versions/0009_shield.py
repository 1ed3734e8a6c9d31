"""which recipient is a shield, who is shielded, and when a commission was changed"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("recipient", schema=None) as batch_op:
        batch_op.add_column(sa.Column("shields", sa.String(length=40), nullable=True))
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("shielded_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("subject", schema=None) as batch_op:
        batch_op.add_column(sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("mirrors", sa.String(length=64), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("subject", schema=None) as batch_op:
        batch_op.drop_column("mirrors")
        batch_op.drop_column("changed_at")
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_column("shielded_at")
    with op.batch_alter_table("recipient", schema=None) as batch_op:
        batch_op.drop_column("shields")
