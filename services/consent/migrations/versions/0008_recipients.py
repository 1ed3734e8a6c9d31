"""recipients: commitments, keys, and who has to be reconsidered

Who was registered before is lapsed until the two papers are handed in: nobody receives anything without them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

LONG_AGO = "1970-01-01 00:00:00"


def upgrade() -> None:
    op.create_table(
        "commitment",
        sa.Column("commitment_id", sa.String(length=64), nullable=False),
        sa.Column("recipient_id", sa.String(length=40), nullable=False),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.Column("staff_told_on", sa.Date(), nullable=False),
        sa.Column("staff_document_sha256", sa.String(length=64), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("commitment_id"),
    )
    with op.batch_alter_table("commitment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_commitment_recipient_id"), ["recipient_id"], unique=False)

    op.create_table(
        "recipient_key",
        sa.Column("recipient_id", sa.String(length=40), nullable=False),
        sa.Column("thumbprint", sa.String(length=64), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("recipient_id", "thumbprint"),
    )
    op.create_table(
        "reconsideration",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("recipient_id", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    with op.batch_alter_table("reconsideration", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reconsideration_recipient_id"), ["recipient_id"], unique=False)

    with op.batch_alter_table("grant_record", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_grant_record_recipient_id"), ["recipient_id"], unique=False)

    with op.batch_alter_table("recipient", schema=None) as batch_op:
        batch_op.add_column(sa.Column("organisation", sa.String(length=120), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("commitment_id", sa.String(length=64), nullable=True))
        batch_op.add_column(
            sa.Column("commitment_ends_at", sa.DateTime(timezone=True), nullable=False, server_default=LONG_AGO)
        )
        batch_op.add_column(sa.Column("warned_days", sa.Integer(), nullable=True))
        batch_op.drop_column("commitment_signed_on")
        batch_op.drop_column("commitment_sha256")


def downgrade() -> None:
    with op.batch_alter_table("recipient", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("commitment_sha256", sa.String(length=64), nullable=False, server_default="0" * 64)
        )
        batch_op.add_column(sa.Column("commitment_signed_on", sa.Date(), nullable=False, server_default="1970-01-01"))
        batch_op.drop_column("warned_days")
        batch_op.drop_column("commitment_ends_at")
        batch_op.drop_column("commitment_id")
        batch_op.drop_column("organisation")

    with op.batch_alter_table("grant_record", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_grant_record_recipient_id"))

    op.drop_table("reconsideration")
    op.drop_table("recipient_key")
    op.drop_table("commitment")
