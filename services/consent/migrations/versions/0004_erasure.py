"""how far the journal is, and who was erased"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "journal_position",
        sa.Column("journal_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("journal_id"),
    )
    op.create_table(
        "erased",
        sa.Column("erasure_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wiped_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("erasure_id"),
        sa.UniqueConstraint("person_id"),
    )
    op.create_table(
        "erasure",
        sa.Column("erasure_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.String(length=64), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("erasure_id"),
    )
    op.create_index("ix_erasure_person_id", "erasure", ["person_id"], unique=True)
    op.create_table(
        "erasure_confirmation",
        sa.Column("erasure_id", sa.String(length=64), nullable=False),
        sa.Column("service", sa.String(length=20), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("erasure_id", "service"),
    )
    with op.batch_alter_table("person") as person:
        person.add_column(sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("subject") as subject:
        subject.add_column(sa.Column("sealed_under", sa.String(length=64), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("subject") as subject:
        subject.drop_column("sealed_under")
    with op.batch_alter_table("person") as person:
        person.drop_column("erased_at")
    op.drop_table("erasure_confirmation")
    op.drop_table("erasure")
    op.drop_table("erased")
    op.drop_table("journal_position")
