"""what no version takes from a fact: what it rests on, whom it is about, that the person contests it"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("fact", schema=None) as batch_op:
        batch_op.add_column(sa.Column("derived_from", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("about", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("contest", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("fact", schema=None) as batch_op:
        batch_op.drop_column("contest")
        batch_op.drop_column("about")
        batch_op.drop_column("derived_from")
