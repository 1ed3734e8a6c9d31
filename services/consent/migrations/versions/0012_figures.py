"""steering figures: what was counted, and what was published of each quarter"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "figure_count",
        sa.Column("quarter", sa.String(length=7), nullable=False),
        sa.Column("producer", sa.String(length=20), nullable=False),
        sa.Column("count_id", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cells", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("quarter", "producer"),
    )
    op.create_table(
        "figure_publication",
        sa.Column("quarter", sa.String(length=7), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("quarter"),
    )


def downgrade() -> None:
    op.drop_table("figure_publication")
    op.drop_table("figure_count")
