"""an answered request names its case

What was answered before says nowhere whose it is, so it could neither be told nor be found: it goes. It had no use but
to answer a request that is repeated within moments.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM answered_request")
    with op.batch_alter_table("answered_request") as table:
        table.add_column(sa.Column("case_id", sa.String(length=64), nullable=False))
        table.create_foreign_key("answered_request_case_id_fkey", "case", ["case_id"], ["case_id"])
        table.create_index("ix_answered_request_case_id", ["case_id"], unique=False)
