"""The figures of a quarter as they leave: fixed tables, small numbers left out, the rest rounded. About nobody.

Only the gate builds these. A row without `about` is fewer than the minimum; a table without `total` shows none.
"""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.envelope import Code
from shared.contracts.figures import QuarterName

About = Annotated[int, Field(ge=10, multiple_of=10)]
"""A rounded number of persons."""


class _Published(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class PublishedRow(_Published):
    """One row: about so many persons, or fewer than the minimum."""

    row: Code
    about: About | None = None


class PublishedTable(_Published):
    """One table with all its rows. The total is there only if every row is."""

    table: Code
    rows: tuple[PublishedRow, ...]
    total: About | None = None


class PublishedFigures(_Published):
    """A quarter, frozen: it is never counted, rounded or published again."""

    quarter: QuarterName
    published_on: date
    minimum: int
    rounded_to: int
    tables: tuple[PublishedTable, ...]
