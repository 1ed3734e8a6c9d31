"""by which another contact under a known reference is noticed, and under which id a human goes on"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("subject", schema=None) as batch_op:
        batch_op.add_column(sa.Column("contact_index", sa.String(length=64), nullable=True))
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("joined_into", sa.String(length=64), nullable=True))
        batch_op.create_index("ix_person_joined_into", ["joined_into"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_index("ix_person_joined_into")
        batch_op.drop_column("joined_into")
    with op.batch_alter_table("subject", schema=None) as batch_op:
        batch_op.drop_column("contact_index")
