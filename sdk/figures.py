"""Steering figures as they come: a quarter, its tables, and about how many persons belong into each row.

A row without `about` is fewer than `minimum` persons, zero included. A total is there only if every row is.
"""

from datetime import date

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class FigureRow(_Part):
    """One row: about so many persons, or fewer than the minimum."""

    row: str
    about: int | None = None


class FigureTable(_Part):
    """One table with all its rows."""

    table: str
    rows: tuple[FigureRow, ...]
    total: int | None = None


class Figures(_Part):
    """The figures of a quarter: published once, and never in another version."""

    quarter: str
    published_on: date
    minimum: int
    rounded_to: int
    tables: tuple[FigureTable, ...]
