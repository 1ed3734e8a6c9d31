"""several absences of one member, when a case was handed over last, and ended cases that owe nothing more"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.add_column(sa.Column("handed_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("telling", schema=None) as batch_op:
        batch_op.add_column(sa.Column("said_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(sa.text("UPDATE \"case\" SET next_step = 'none' WHERE ended_at IS NOT NULL"))
    _absence("member_id", "from_on")


def downgrade() -> None:
    newest = "SELECT max(later.from_on) FROM absence AS later WHERE later.member_id = absence.member_id"
    op.execute(sa.text(f"DELETE FROM absence WHERE from_on < ({newest})"))  # noqa: S608  # no value in it
    _absence("member_id")
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.drop_column("handed_at")
    with op.batch_alter_table("telling", schema=None) as batch_op:
        batch_op.drop_column("said_at")


def _absence(*key: str) -> None:
    """Give the table of absences another key; what stands in it stays."""
    op.rename_table("absence", "absence_before")
    op.create_table(
        "absence",
        sa.Column("member_id", sa.String(length=64), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("deputy_id", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint(*key),
    )
    columns = "member_id, from_on, until_on, deputy_id"
    op.execute(sa.text(f"INSERT INTO absence ({columns}) SELECT {columns} FROM absence_before"))  # noqa: S608
    op.drop_table("absence_before")
