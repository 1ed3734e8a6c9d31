"""The tables of steering figures. About nobody: numbers of persons, and which quarter was published."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, LargeBinary
from sqlmodel import Field

from services.consent.table_base import Base
from shared.database import Instant


class FigureCountRow(Base, table=True):
    """What one service counted of a quarter. Sealed under a key that is destroyed when the quarter is published."""

    __tablename__ = "figure_count"

    quarter: str = Field(primary_key=True, max_length=7)
    producer: str = Field(primary_key=True, max_length=20)
    count_id: str = Field(max_length=64)
    received_at: datetime = Field(sa_type=Instant)
    cells: bytes = Field(sa_column=Column(LargeBinary, nullable=False), repr=False)


class FigurePublicationRow(Base, table=True):
    """The figures of a quarter as everybody is told them: protected, and frozen."""

    __tablename__ = "figure_publication"

    quarter: str = Field(primary_key=True, max_length=7)
    published_at: datetime = Field(sa_type=Instant)
    figures: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))  # Any: JSON values
