"""What a message does to a service, inside one transaction: once, after its predecessors, or again out of the parking.

The sender is known and the event is read; receiving, retrying and acknowledging is left to `shared.receiver`.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from shared.contracts.catalogue import EVENTS
from shared.contracts.envelope import CareEvent
from shared.database import is_out_of_reach
from shared.inbox import Inbox, Parked, Parking, TooEarly
from shared.keys import UNREADABLE, UnreadableValue
from shared.outbox import random_id
from shared.reader import Malformed, Reader, Received
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

Handler = Callable[[UnitOfWork, Any], None]  # Any: each handler takes its own class of event


@dataclass(frozen=True, slots=True)
class OfMany:
    """A handler that takes events about several persons in one call, and reads what it needs once for all of them."""

    handle: Callable[[Sequence[tuple[UnitOfWork, Any]]], None]  # Any: see above

    def __call__(self, work: UnitOfWork, event: CareEvent) -> None:
        """Handle a single one."""
        self.handle([(work, event)])


Handlers = Mapping[type[CareEvent], Handler]


HANDLED, KNOWN, WAITS, ERASED = "handled", "known", "waits", "erased"


class Effects:
    """Gives each message its effect."""

    def __init__(self, handlers: Handlers, *, inbox: Inbox, parking: Parking, reader: Reader) -> None:
        self._handlers = {event.event_type: handler for event, handler in handlers.items()}
        self._inbox = inbox
        self._parking = parking
        self._reader = reader

    def takes_many(self, received: Received) -> bool:
        """Whether a message may be handled in one call with others.

        Others come alone, as an erasure must: what follows it has to see that the key is gone.
        """
        return isinstance(self._handlers[received.event.event_type], OfMany)

    def now(self, messages: Sequence[tuple[UnitOfWork, Received]]) -> list[str]:
        """Handle messages about different persons, but for those handled before, and what waited for them.

        Returns what became of each. Raises TooEarly, and nothing is done: then ask for that one `now_or_later`.
        """
        session, now = messages[0][0].session, messages[0][0].now
        messages[0][0].keys.load(one.event.key_id for _, one in messages)
        # What comes late about an erased person brings nothing back.
        alive = [(work, one) for work, one in messages if not work.keys.is_destroyed(one.event.key_id)]
        named = {one.message_id: one.event.event_type for _, one in alive}
        new = self._inbox.first_times(session, named, now=now)
        outcomes = {id(one): KNOWN for _, one in alive}
        events: dict[Handler, list[tuple[UnitOfWork, CareEvent]]] = defaultdict(list)
        for work, one in alive:
            work.correlation_id = one.correlation_id
            if one.message_id in new:
                new.discard(one.message_id)
                outcomes[id(one)] = HANDLED
                events[self._handlers[one.event.event_type]].append((work, one.event))
        for handler, heard in events.items():
            if isinstance(handler, OfMany):
                handler.handle(heard)
            else:
                for work, event in heard:
                    handler(work, event)
        self._wake_waiting({event.key_id: work for heard in events.values() for work, event in heard})
        return [outcomes.get(id(one), ERASED) for _, one in messages]

    def now_or_later(self, work: UnitOfWork, received: Received) -> str:
        """Handle a message, or have it wait if it came too early; the savepoint that this takes is not free."""
        event = received.event
        try:
            with work.attempt():
                return self.now([(work, received)])[0]
        except TooEarly as early:
            key_id = early.waits_for or event.key_id
            if work.keys.is_destroyed(key_id):  # what it waits for will not come any more
                return ERASED
            if early.waits_for is not None:  # it may have come while nobody held its lock
                self._inbox.lock(work.session, key_id)
                with suppress(TooEarly), work.attempt():
                    return self.now([(work, received)])[0]
            self._inbox.first_times(work.session, {received.message_id: event.event_type}, now=work.now)
            self._inbox.let_wait(work.session, message_id=received.message_id, key_id=key_id, body=event.body())
            return WAITS

    def park(self, work: UnitOfWork, *, parked_id: str, received: Received | None, body: bytes, reason: str) -> None:
        """Keep a message that no retry could help; if the key of whom it is about cannot be read, under another one."""
        keep = partial(self._parking.park, work.session, parked_id=parked_id, reason=reason, now=work.now)
        if received is None:
            keep(message_id=None, type_=None, key_id=None, body=body)
            return
        event, id_ = received.event, received.message_id
        try:
            keep(message_id=id_, type_=event.event_type, key_id=event.key_id, body=event.body())
        except UnreadableValue:
            keep(message_id=id_, type_=event.event_type, key_id=UNREADABLE, body=event.body())

    def handle_parked(self, work: UnitOfWork, parked_id: str, *, by: str) -> bool:
        """Handle a parked message again; return False if there is none by that id. Raises what the handler raises."""
        parked = self._parking.take(work.session, parked_id)
        if parked is None:
            return False
        outcome = self.now_or_later(work, self._read_parked(parked))
        self._parking.resolve(work.session, parked_id, resolution=f"{outcome} by {by}", now=work.now)
        return True

    def person_of_parked(self, session: Session, parked_id: str) -> set[str]:
        """Return which row has to be locked before a parked message is handled."""
        parked = self._parking.take(session, parked_id)
        return {f"person:{self._read_parked(parked).event.key_id}"} if parked else set()

    def _read_parked(self, parked: Parked) -> Received:
        if parked.key_id is None:
            return self._reader.read(parked.body)
        try:
            event = EVENTS[str(parked.type)].model_validate_json(parked.body)
        except (KeyError, ValidationError):
            raise Malformed("invalid_fields") from None
        return Received(str(parked.message_id), random_id(), event)

    def _wake_waiting(self, works: Mapping[str, UnitOfWork]) -> None:
        """Handle what waited under the keys of those about whom something was handled just now."""
        if not works:
            return
        for key_id in self._inbox.waited_for(next(iter(works.values())).session, works):
            work, progress = works[key_id], True
            while progress:
                waiting = self._inbox.waiting(work.session, key_id)
                progress = any(self._try_waiting(work, *message, key_id=key_id) for message in waiting)

    def _try_waiting(self, work: UnitOfWork, message_id: str, type_: str, body: bytes, *, key_id: str) -> bool:
        """Handle a waiting message if its time has come. It fails alone: its predecessor has done nothing wrong."""
        try:
            with work.attempt():
                self._handlers[type_](work, EVENTS[type_].model_validate_json(body))
        except TooEarly:
            return False
        except Exception as error:
            if isinstance(error, DBAPIError) and is_out_of_reach(error):
                raise
            log.error("waiting_message_failed", message_id=message_id, exc_info=error)
            self._inbox.forget(work.session, message_id=message_id)
            self._parking.park(
                work.session,
                parked_id=message_id,
                message_id=message_id,
                type_=type_,
                reason="failed_after_waiting",
                key_id=key_id,
                body=body,
                now=work.now,
            )
        else:
            self._inbox.settle(work.session, message_id=message_id)
        return True
