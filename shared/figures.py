"""Counts a service's figures: each quarter once, some days after its end, and never again.

What was counted is a row, sealed and in the journal, so that neither another question nor a restored backup counts the
same quarter twice. What each row means is the service's own (`figures.py` there); how it is protected is the gate's.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse
from sqlalchemy import Column, LargeBinary, MetaData, String, Table, insert, select
from sqlmodel import Session

from shared.contracts.figures import TABLES, FigureCell, FiguresCounted, Quarter, QuarterName, due_quarters
from shared.contracts.town import Town
from shared.database import Database, Instant
from shared.keys import PersonKeys
from shared.outbox import random_id
from shared.timer import Repeated
from shared.unit_of_work import UnitOfWork
from shared.web import Caller, Role, allow, problem
from shared.writer import Writer

log = structlog.get_logger()

LOOK_SECONDS = 60.0
LOCK = frozenset({"figures"})

Counts = Mapping[str, Mapping[str, int]]
"""How many persons, by table and row. A row that is not named is nobody."""


def figures_table(metadata: MetaData) -> Table:
    """Define what was counted on a service's own metadata."""
    return Table(
        "figures_counted",
        metadata,
        Column("quarter", String(7), primary_key=True),
        Column("count_id", String(64), nullable=False),
        Column("counted_at", Instant, nullable=False),
        Column("cells", LargeBinary, nullable=False),
    )


@dataclass(frozen=True, slots=True)
class Span:
    """What is counted lies in here: from its first moment on, before its end."""

    begins_at: datetime
    ends_at: datetime
    town: Town

    def holds(self, moment: datetime | None) -> bool:
        """Say whether a moment lies in it."""
        return moment is not None and self.begins_at <= moment < self.ends_at


@dataclass(frozen=True, slots=True)
class Counted:
    """What one service counts: since when there was anybody, and how many persons belong into each row."""

    kind: type[FiguresCounted]
    metadata: MetaData
    first_at: Callable[[Session], datetime | None]
    count: Callable[[Session, PersonKeys, Span], Counts]


class Counting(Repeated):
    """Looks now and then whether a quarter is to be counted."""

    def __init__(
        self,
        counted: Counted,
        database: Database,
        keys: PersonKeys,
        writer: Writer,
        *,
        town: Town,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(every_seconds=LOOK_SECONDS)
        self._counted = counted
        self._table = counted.metadata.tables["figures_counted"]
        self._database = database
        self._keys = keys
        self._writer = writer
        self._town = town
        self._clock = clock

    async def look(self) -> list[str]:
        """Count what is due and was never counted, the oldest first; return the quarters."""
        due = await asyncio.to_thread(self._due)
        for quarter in due:
            counts = await asyncio.to_thread(self._count, quarter)  # many rows are read: not where everybody waits
            await self._writer.run(lambda work, q=quarter, c=counts: self._keep(work, q, c), locks=lambda _: set(LOCK))  # type: ignore[misc]  # defaults bind
        return [str(quarter) for quarter in due]

    async def announce_again(self, quarter: Quarter) -> bool:
        """Announce once more what was counted, word for word; return False if that quarter was not counted."""
        return await self._writer.run(lambda work: self._announce(work, quarter), locks=lambda _: set(LOCK))

    def _due(self) -> list[Quarter]:
        with self._database.read() as session:
            first_at = self._counted.first_at(session)
            if first_at is None:
                return []
            known = set(session.execute(select(self._table.c.quarter)).scalars())
        due = due_quarters(Quarter.of(first_at, self._town), self._clock(), self._town)
        return [quarter for quarter in due if str(quarter) not in known]

    def _count(self, quarter: Quarter) -> list[dict[str, Any]]:  # Any: JSON values
        span = Span(quarter.begins_at(self._town), quarter.ends_at(self._town), self._town)
        with self._database.read() as session:
            counts = self._counted.count(session, self._keys, span)
        producer = self._counted.kind.event_type.partition(".")[0]
        return [
            {"table": table.name, "row": row, "count": counts.get(table.name, {}).get(row, 0)}
            for table in TABLES
            if table.producer == producer
            for row in table.rows
        ]

    def _keep(self, work: UnitOfWork, quarter: Quarter, cells: list[dict[str, Any]]) -> None:  # Any: JSON values
        if self._row(work, quarter) is not None:
            return  # another instance was faster: what it counted stands
        count_id = random_id()
        values = {
            "quarter": str(quarter),
            "count_id": count_id,
            "counted_at": work.now,
            "cells": work.seal(count_id, _place(quarter), cells),
        }
        work.session.execute(insert(self._table).values(**values))
        work.narrows_values(self._table.name, values)  # a restored backup must not count it anew
        self._announce(work, quarter)
        log.info("figures_counted", quarter=str(quarter), count_id=count_id)

    def _announce(self, work: UnitOfWork, quarter: Quarter) -> bool:
        row = self._row(work, quarter)
        if row is None:
            return False
        cells = work.unseal(row["count_id"], _place(quarter), row["cells"])
        event = self._counted.kind(
            count_id=row["count_id"],
            quarter=str(quarter),
            counted_at=row["counted_at"],
            cells=tuple(FigureCell(**cell) for cell in cells),
        )
        work.announce(event)
        return True

    def _row(self, work: UnitOfWork, quarter: Quarter) -> dict[str, Any] | None:  # Any: column values
        found = work.session.execute(select(self._table).where(self._table.c.quarter == str(quarter))).mappings()
        row = found.first()
        return None if row is None else dict(row)


def figure_routes(counting: Counting) -> APIRouter:
    """Return what an operator can do if the gate misses what was counted."""
    router = APIRouter()

    @router.post("/figures/{quarter}/announcement", tags=["operation"], response_model=None)
    async def announce_again(
        quarter: Annotated[QuarterName, Path()], caller: Annotated[Caller, Depends(allow(Role.OPERATOR))]
    ) -> JSONResponse:
        """Announce once more what was counted of a quarter, word for word: nothing is counted again."""
        if not await counting.announce_again(Quarter.read(quarter)):
            return problem(404, "quarter_not_counted", "that quarter was not counted here, or not yet")
        log.info("figures_announced_again", quarter=quarter, by=caller.caller_id)
        return JSONResponse({"quarter": quarter})

    return router


def _place(quarter: Quarter) -> str:
    return f"figures_counted.cells.{quarter}"
