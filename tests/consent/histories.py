"""Draws histories of a town, and plays them through the real handlers: what does one observer see of each?

A history is a list of steps. What is released to the observer, and what the observer does, is drawn once; everything
else is drawn anew for each of a pair. What the observer sees must then be the same, random ids renamed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any
from unittest.mock import patch

from services.consent import commissions, release_store
from services.consent.domain import RecipientRole
from services.consent.subscribers import subscriptions
from shared.contracts.categories import Category
from shared.contracts.envelope import CareEvent
from shared.unit_of_work import UnitOfWork
from tests.consent.builders import (
    CLINIC,
    CLINICS_SIX,
    DEBT_HELP,
    JOBCENTER,
    JOBCENTERS_SIX,
    NOON,
)
from tests.consent.gate import Gate
from tests.consent.surroundings import register

Answer = dict[str, Any]
Seen = list[Any]
MARK = "0123456789abcdef"
OFFERED = {JOBCENTER: JOBCENTERS_SIX, CLINIC: CLINICS_SIX, DEBT_HELP: (Category.IDENTITY, Category.DEBTS)}
ROLES = {JOBCENTER: RecipientRole.JOBCENTER, CLINIC: RecipientRole.PROVIDER, DEBT_HELP: RecipientRole.PROVIDER}


@dataclass(slots=True)
class World:
    """One play of one history: persons, recipients and referrals of its own, inside one transaction."""

    gate: Gate
    work: UnitOfWork
    observer: str
    mark: str = MARK
    seen: Seen = field(default_factory=list)
    _sent: int = 0

    def person(self, name: str) -> str:
        """Return the id of a person in this play."""
        return f"{name}-{self.mark}"

    def recipient(self, name: str) -> str:
        """Return the id of a recipient in this play."""
        return f"{name[:8]}-{self.mark}".lower().replace("_", "-")[:38] + "x"

    def hear(self, event: CareEvent) -> None:
        """Have the gate hear of something."""
        with self.work.attempt():
            subscriptions(self.gate.settings)[type(event)](self.work, event)

    def look(self) -> None:
        """Let the observer see which notices have come."""
        mine = [item.message_id for item in self.work.outgoing if item.destination == self.recipient(self.observer)]
        self.seen += [("notice", notice) for notice in mine[self._sent :]]
        self._sent = len(mine)

    def notices(self) -> list[str]:
        """Return all notices of the observer so far."""
        self.look()
        return [item[1] for item in self.seen if item[0] == "notice"]


Step = Callable[[World], None]


def play(gate: Gate, observer: str, history: Sequence[tuple[datetime, Step]], *, mark: str = MARK) -> Seen:
    """Play a history in a transaction of its own and return what the observer saw, random ids renamed.

    Keys that a history destroys stay destroyed: such a one needs a `mark` of its own. The ids by whose order the gate
    lets go what leaves together are random; here they ascend, so that two plays of one history do not differ by chance.
    """
    service = gate.service
    with (
        patch.object(commissions, "token_urlsafe", ascending_id),
        patch.object(release_store, "random_id", ascending_id),
        service.database.write() as session,
    ):
        world = World(gate, UnitOfWork(session, service.keys, now=NOON), observer, mark)
        for name, role in ROLES.items():
            register(world.work, world.recipient(name), role, *OFFERED[name])
        for at, step in sorted(history, key=lambda timed: timed[0]):
            world.work.now = at
            step(world)
            world.look()
        session.rollback()
    return renamed(world.seen)


_NUMBERS = count()


def ascending_id(_size: int = 0) -> str:
    """Return an id that comes after all before it, in every play: keys that were destroyed are never named again."""
    return f"{next(_NUMBERS):022}"


def renamed(seen: Seen) -> Seen:
    """Return what was seen with random ids numbered in the order of their appearance."""
    names: dict[str, str] = {}

    def rename(value: Any, key: str = "") -> Any:  # Any: JSON values
        if isinstance(value, dict):
            return {name: rename(item, name) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [
                rename(item, "notice" if value[0] == "notice" and place else "") for place, item in enumerate(value)
            ]
        if key in {"notice", "release_id", "reference", "command_id"}:
            return names.setdefault(str(value), f"id-{len(names)}")
        return value

    return [rename(item) for item in seen]
