"""what the care circle was told last of a referral, and who took its case"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this revision."""
    op.add_column("referral", sa.Column("planned", sa.LargeBinary(), nullable=True))
    op.add_column("case", sa.Column("responsible_id", sa.String(100), nullable=True))
    op.add_column("case", sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take this revision back."""
    op.drop_column("case", "taken_at")
    op.drop_column("case", "responsible_id")
    op.drop_column("referral", "planned")
