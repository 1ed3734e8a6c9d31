"""what is announced of the next step, finished cases, and what the person has to be told"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.add_column(sa.Column("step_number", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("step_announced", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "telling",
        sa.Column("telling_id", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due", sa.LargeBinary(), nullable=False),
        sa.Column("about", sa.LargeBinary(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"]),
        sa.PrimaryKeyConstraint("telling_id"),
    )
    op.create_table(
        "absence",
        sa.Column("member_id", sa.String(length=64), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("deputy_id", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("member_id"),
    )
    op.create_index("ix_telling_case_id", "telling", ["case_id"], unique=False)


def downgrade() -> None:
    op.drop_table("absence")
    op.drop_table("telling")
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.drop_column("finished_at")
        batch_op.drop_column("step_announced")
        batch_op.drop_column("step_number")
