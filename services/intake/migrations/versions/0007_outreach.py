"""outreach: threads, their contacts, and who was told that one is overdue"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "thread",
        sa.Column("thread_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("responsible_id", sa.String(length=64), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_contact_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_met_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("look_again_on", sa.Date(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("joined_thread_id", sa.String(length=64), nullable=True),
        sa.Column("person_id", sa.String(length=64), nullable=True),
        sa.Column("called", sa.LargeBinary(), nullable=True),
        sa.Column("wish", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("thread_id"),
    )
    op.create_index("ix_thread_state", "thread", ["state"], unique=False)
    op.create_index("ix_thread_joined_thread_id", "thread", ["joined_thread_id"], unique=False)
    op.create_index("ix_thread_person_id", "thread", ["person_id"], unique=False)
    op.create_table(
        "thread_contact",
        sa.Column("contact_id", sa.String(length=64), nullable=False),
        sa.Column("thread_id", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["thread_id"], ["thread.thread_id"]),
        sa.PrimaryKeyConstraint("contact_id"),
    )
    op.create_index("ix_thread_contact_thread_id", "thread_contact", ["thread_id"], unique=False)
    op.create_table(
        "thread_alarm",
        sa.Column("alarm_id", sa.String(length=64), nullable=False),
        sa.Column("thread_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("rung", sa.String(length=20), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_by", sa.String(length=64), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["thread_id"], ["thread.thread_id"]),
        sa.PrimaryKeyConstraint("alarm_id"),
    )
    op.create_index("ix_thread_alarm_thread_id", "thread_alarm", ["thread_id"], unique=False)
    op.create_index("ix_thread_alarm_settled_at", "thread_alarm", ["settled_at"], unique=False)


def downgrade() -> None:
    op.drop_table("thread_alarm")
    op.drop_table("thread_contact")
    op.drop_table("thread")
