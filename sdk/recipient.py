"""A recipient at its gate: subscribe, open, commission, answer."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from joserfc.jwk import ECKey
from pydantic import JsonValue

from sdk.arrival import describe
from sdk.commands import (
    Contact,
    FieldError,
    Received,
    Refused,
    ReplyUnavailable,
    answer_fields,
    build_command,
    change_fields,
    commission_fields,
    read_reply,
)
from sdk.connection import ConnectionFile
from sdk.errors import OpeningRefused, TryAgain, UnreadableAnswer
from sdk.events import Empty, Event, Unavailable, read_answer
from sdk.keys import MAX_MESSAGE_BYTES, KeyRing, seal
from sdk.line import ANSWER_SECONDS, Line
from sdk.store import Store
from sdk.subscription import RETRY_DELAYS, Handler, Subscription, WireLog

log = logging.getLogger("gesehen.sdk")

_PATIENCE_SECONDS = 30.0
_ASK_AGAIN_DELAYS = (0.2, 0.5, 1.0, 2.0, 5.0)

_Given = TypeVar("_Given")


class Recipient:
    """One organisation outside the care circle, connected with its own account and its own key.

    Use it as `async with Recipient.from_files(connection, key) as recipient:`.
    """

    def __init__(
        self,
        connection: ConnectionFile,
        key: ECKey | KeyRing,
        *,
        wire_log: WireLog | None = None,
        patience_seconds: float = _PATIENCE_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self.connection = connection
        self._keys = key if isinstance(key, KeyRing) else KeyRing(key)
        self._gate_key = connection.gate_key()
        self._wire_log = wire_log or (lambda _: None)
        self._patience_seconds = patience_seconds
        self._line = Line(connection, answer_seconds=answer_seconds)
        self._subscriptions: list[Subscription] = []

    @classmethod
    def from_files(
        cls,
        connection_path: Path | str,
        key_path: Path | str,
        *,
        wire_log: WireLog | None = None,
        patience_seconds: float = _PATIENCE_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> Self:
        """Read the connection file, and the recipient's own private key: a file, or a folder while it is changed."""
        return cls(
            ConnectionFile.read(Path(connection_path)),
            KeyRing.read(Path(key_path)),
            wire_log=wire_log,
            patience_seconds=patience_seconds,
            answer_seconds=answer_seconds,
        )

    @property
    def is_connected(self) -> bool:
        """Say whether the broker can be reached now."""
        return self._line.is_up

    async def __aenter__(self) -> Self:
        await self._line.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for subscription in self._subscriptions:
            await subscription.stop()
        await self._line.stop()

    async def subscribe(
        self, handler: Handler, *, store: Store, retry_delays: tuple[float, ...] = RETRY_DELAYS
    ) -> Subscription:
        """Receive from now on; the handler gets each redacted event at least once, in order."""
        subscription = Subscription(
            line=self._line,
            open_once=self._open_once,
            handler=handler,
            store=store,
            wire_log=self._wire_log,
            retry_delays=retry_delays,
        )
        self._subscriptions.append(subscription)
        await subscription.start()
        return subscription

    async def open(self, notice_id: str) -> Event | Empty:
        """Ask the gate what a notice says now; stores nothing. Raise TryAgain if the gate stays away."""
        return await self._patiently(lambda: self._open_once(notice_id))

    async def commission(
        self,
        *,
        reference: str,
        service: str,
        deadline: date,
        budget_line: str,
        contact: Contact,
        command_id: str | None = None,
    ) -> Received | Refused:
        """Commission help (Jobcenter). Your own reference; no diagnosis, no free text."""
        fields = commission_fields(
            reference=reference, service=service, deadline=deadline, budget_line=budget_line, contact=contact
        )
        return await self.command("commission", fields, command_id=command_id)

    async def change_commission(
        self,
        reference: str,
        *,
        deadline: date | None = None,
        budget_line: str | None = None,
        command_id: str | None = None,
    ) -> Received | Refused:
        """Change the deadline or the budget line of a commission (Jobcenter); what is not given stays."""
        fields = change_fields(reference=reference, deadline=deadline, budget_line=budget_line)
        return await self.command("change_commission", fields, command_id=command_id)

    async def cancel_commission(self, reference: str, *, command_id: str | None = None) -> Received | Refused:
        """Take a commission back (Jobcenter)."""
        return await self.command("cancel_commission", {"reference": reference}, command_id=command_id)

    async def answer_referral(
        self,
        reference: str,
        answer: str,
        *,
        appointment_at: datetime | None = None,
        outcome: str | None = None,
        command_id: str | None = None,
    ) -> Received | Refused:
        """Answer a referral (provider): `accepted`, `waiting_list`, `declined`, `appointment_offered`, ..., `ended`."""
        fields = answer_fields(reference=reference, answer=answer, appointment_at=appointment_at, outcome=outcome)
        return await self.command("answer_referral", fields, command_id=command_id)

    async def offer_places(
        self, service: str, places: int, *, valid_until: datetime, command_id: str | None = None
    ) -> Received | Refused:
        """Say how many places you keep for a service (provider), those that referrals have already among them."""
        fields: dict[str, JsonValue] = {
            "service": service,
            "places": places,
            "valid_until": valid_until.isoformat(),
        }
        return await self.command("offer_places", fields, command_id=command_id)

    async def fund(
        self, budget_line: str, *, month: str, units: int, command_id: str | None = None
    ) -> Received | Refused:
        """Fund units of help out of a budget line, from a month like "2026-11" on (Jobcenter); more adds to it."""
        fields: dict[str, JsonValue] = {"budget_line": budget_line, "month": month, "units": units}
        return await self.command("fund", fields, command_id=command_id)

    async def dispute_voucher(self, serial: str, reason: str, *, command_id: str | None = None) -> Received | Refused:
        """Dispute a voucher on a statement (Jobcenter): `counted_twice`, `not_funded` or `amount`."""
        return await self.command("dispute_voucher", {"serial": serial, "reason": reason}, command_id=command_id)

    async def command(
        self, name: str, fields: Mapping[str, JsonValue], *, command_id: str | None = None
    ) -> Received | Refused:
        """Send a command with these very fields; the gate judges them. Retried under one id: it has one effect.

        After `TryAgain` the gate may still receive it: whoever gave the id can send it again under the same.
        """
        sealed = seal(build_command(name, fields, command_id=command_id), to=self._gate_key)
        if len(sealed) > MAX_MESSAGE_BYTES:
            return Refused(errors=(FieldError(field="body", reason="must not be larger than 256 KiB"),))
        return await self._patiently(lambda: self._command_once(sealed))

    async def count_inbox(self) -> int | None:
        """Return how many notices wait in the inbox, or None where the broker does not tell."""
        return await self._line.count_inbox()

    async def _open_once(self, notice_id: str) -> Event | Empty:
        body = json.dumps({"open": notice_id}).encode()
        plaintext = await self._ask("answer", body, routing_key="open", content_type="application/json", is_kept=False)
        answer = read_answer(plaintext)
        match answer:
            case Unavailable():
                raise TryAgain("the gate cannot reach its store")
            case Refused():
                raise OpeningRefused(", ".join(f"{error.field} {error.reason}" for error in answer.errors))
            case Empty():
                return answer
            case _ if answer.notice != notice_id:
                raise UnreadableAnswer("an answer to another notice")
            case _:
                return answer

    async def _command_once(self, sealed: bytes) -> Received | Refused:
        plaintext = await self._ask(
            "reply", sealed, routing_key="command", content_type="application/jose", is_kept=True
        )
        reply = read_reply(plaintext)
        if isinstance(reply, ReplyUnavailable):
            raise TryAgain("the gate cannot reach its store")
        return reply

    async def _ask(self, kind: str, body: bytes, *, routing_key: str, content_type: str, is_kept: bool) -> bytes:
        message = await self._line.request(body, routing_key=routing_key, content_type=content_type, is_kept=is_kept)
        try:
            unsealed = self._keys.unseal(message.body)
        except UnreadableAnswer:
            self._wire_log(describe("unreadable", message, body=message.body, protected={}))
            raise
        self._wire_log(describe(kind, message, body=unsealed.plaintext, protected=unsealed.header))
        return unsealed.plaintext

    async def _patiently(self, attempt: Callable[[], Awaitable[_Given]]) -> _Given:
        give_up_at = asyncio.get_running_loop().time() + self._patience_seconds
        delays = iter(_ASK_AGAIN_DELAYS)
        while True:
            try:
                return await attempt()
            except TryAgain:
                delay = next(delays, _ASK_AGAIN_DELAYS[-1])
                if asyncio.get_running_loop().time() + delay > give_up_at:
                    raise
                await asyncio.sleep(delay)
