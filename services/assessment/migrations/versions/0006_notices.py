"""whether the person was given the notices; whoever had a case before that counts as informed"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.add_column(sa.Column("notices_given_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(sa.text('UPDATE "case" SET notices_given_at = opened_at'))


def downgrade() -> None:
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.drop_column("notices_given_at")
