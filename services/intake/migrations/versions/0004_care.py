"""what every case needs next, who was told what, and acute need"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.add_column(sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "strand",
        sa.Column("strand_key", sa.String(length=80), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("plan", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"]),
        sa.PrimaryKeyConstraint("strand_key"),
    )
    op.create_index("ix_strand_case_id", "strand", ["case_id"], unique=False)
    op.create_index("ix_strand_is_open", "strand", ["is_open"], unique=False)
    op.create_table(
        "alarm",
        sa.Column("alarm_id", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("strand_key", sa.String(length=80), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("rung", sa.String(length=20), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_by", sa.String(length=64), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"]),
        sa.ForeignKeyConstraint(["strand_key"], ["strand.strand_key"]),
        sa.PrimaryKeyConstraint("alarm_id"),
    )
    op.create_index("ix_alarm_case_id", "alarm", ["case_id"], unique=False)
    op.create_index("ix_alarm_settled_at", "alarm", ["settled_at"], unique=False)
    op.create_index("ix_alarm_strand_key", "alarm", ["strand_key"], unique=False)
    op.create_table(
        "acute_need",
        sa.Column("need_id", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_by", sa.String(length=64), nullable=False),
        sa.Column("acknowledge_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=64), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"]),
        sa.PrimaryKeyConstraint("need_id"),
    )
    op.create_index("ix_acute_need_case_id", "acute_need", ["case_id"], unique=False)
    op.create_index("ix_acute_need_settled_at", "acute_need", ["settled_at"], unique=False)


def downgrade() -> None:
    op.drop_table("acute_need")
    op.drop_table("alarm")
    op.drop_table("strand")
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.drop_column("finished_at")
