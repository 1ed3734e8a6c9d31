"""whether somebody is asked to close a case; a strand is open or not, whatever has become of its case"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ENDED = '(SELECT case_id FROM "case" WHERE ended_at IS NOT NULL)'


def upgrade() -> None:
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.add_column(sa.Column("closing_asked", sa.Boolean(), nullable=False, server_default=sa.false()))
    unseen = "finished_at IS NOT NULL AND (reviewed_at IS NULL OR reviewed_at < finished_at)"
    op.execute(sa.text(f'UPDATE "case" SET closing_asked = true WHERE {unseen}'))  # noqa: S608  # no value in it
    op.execute(sa.text(f"UPDATE strand SET is_open = false, plan = NULL WHERE case_id IN {_ENDED}"))  # noqa: S608
    unsettled = f"settled_at IS NULL AND case_id IN {_ENDED}"
    op.execute(sa.text(f"UPDATE alarm SET settled_at = raised_at WHERE {unsettled}"))  # noqa: S608


def downgrade() -> None:
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.drop_column("closing_asked")
