"""vouchers: what was funded, spent, billed and disputed, and of whom it is known by which commission they came"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "book",
        sa.Column("recipient_id", sa.String(length=40), nullable=False),
        sa.Column("budget_line", sa.String(length=20), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("recipient_id", "budget_line", "month"),
    )
    op.create_table(
        "voucher",
        sa.Column("serial", sa.String(length=22), nullable=False),
        sa.Column("recipient_id", sa.String(length=40), nullable=False),
        sa.Column("budget_line", sa.String(length=20), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("cents", sa.Integer(), nullable=False),
        sa.Column("signature", sa.String(length=86), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("serial"),
    )
    op.create_index("ix_voucher_recipient_id", "voucher", ["recipient_id"], unique=False)
    op.create_table(
        "work_done",
        sa.Column("work_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=True),
        sa.Column("owed_units", sa.Integer(), nullable=False),
        sa.Column("owed_by", sa.String(length=40), nullable=True),
        sa.Column("owed_line", sa.String(length=20), nullable=True),
        sa.Column("is_corrected", sa.Boolean(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("work_hash"),
    )
    op.create_index("ix_work_done_person_id", "work_done", ["person_id"], unique=False)
    op.create_index("ix_work_done_owed_by", "work_done", ["owed_by"], unique=False)
    op.create_table(
        "billing_statement",
        sa.Column("statement_id", sa.String(length=64), nullable=False),
        sa.Column("recipient_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("statement_id"),
        sa.UniqueConstraint("recipient_id", "number"),
    )
    op.create_table(
        "voucher_dispute",
        sa.Column("serial", sa.String(length=22), nullable=False),
        sa.Column("recipient_id", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("disputed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.String(length=64), nullable=True),
        sa.Column("told_in", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("serial"),
    )
    op.create_index("ix_voucher_dispute_recipient_id", "voucher_dispute", ["recipient_id"], unique=False)
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("has_case", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(sa.text("UPDATE person SET has_case = true"))  # of whoever is there it was heard long ago


def downgrade() -> None:
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_column("has_case")
    for table in ("voucher_dispute", "billing_statement", "work_done", "voucher", "book"):
        op.drop_table(table)
