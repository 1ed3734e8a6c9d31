"""what stood in a request that may be sent again"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("answered_request", schema=None) as batch_op:
        batch_op.add_column(sa.Column("body_sha256", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("answered_request", schema=None) as batch_op:
        batch_op.drop_column("body_sha256")
