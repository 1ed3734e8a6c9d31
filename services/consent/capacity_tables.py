"""The table of the capacity query. It names providers and weeks, nobody else."""

from datetime import date, datetime

from sqlmodel import Field

from services.consent.table_base import Base
from shared.database import Instant


class CapacityQueryRow(Base, table=True):
    """What a provider was asked in a week (`subject` of the release), and when it said how many places it keeps."""

    __tablename__ = "capacity_query"

    recipient_id: str = Field(primary_key=True, max_length=40)
    week: str = Field(primary_key=True, max_length=8)
    subject_id: str = Field(unique=True, max_length=64)
    answer_by: date
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
