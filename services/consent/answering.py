"""What a recipient is answered: to an opening, and to a command. Bytes in, JSON out; AMQP is left to `outside.py`.

Whatever comes from outside gets an answer that names field and reason, or `empty`, or `try_again`; never an error of
ours, and never a value.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import structlog

from services.consent import commissions
from services.consent.keys import GateKey, UnreadableRequest
from services.consent.opening import EMPTY, Openings
from services.consent.settings import ConsentSettings
from shared.contracts.requests import Command, RefusedRequest, command_id_of, read_command, read_open
from shared.writer import StoreUnavailable, Writer

log = structlog.get_logger()

Answer = dict[str, Any]  # Any: JSON values

LONGEST_OPEN, LONGEST_COMMAND = 1024, 64 * 1024
"""In bytes, as they come: many times what the longest acceptable request has."""

TRY_AGAIN: Answer = {"result": "try_again"}
NOT_VOUCHED_FOR: Answer = {
    "result": "refused",
    "errors": [{"field": "user_id", "reason": "must be set to your own account, so that the broker vouches for it"}],
}


class Answering:
    """Answers recipients, each request in one transaction."""

    def __init__(
        self,
        settings: ConsentSettings,
        writer: Writer,
        gate_key: GateKey,
        openings: Openings,
        *,
        name_in_logs: Callable[[str], str],
    ) -> None:
        self._settings = settings
        self._writer = writer
        self._gate_key = gate_key
        self._openings = openings
        self._name_in_logs = name_in_logs

    async def to_open(self, recipient_id: str, body: bytes) -> Answer:
        """Return what the recipient learns by opening a notice now. A fault of ours looks like any other empty one."""
        try:
            _check_size(body, LONGEST_OPEN)
            return await self._openings.open(recipient_id, read_open(_json(body)).open)
        except RefusedRequest as refused:
            return {"result": "refused", "errors": refused.errors}
        except StoreUnavailable:
            return TRY_AGAIN
        except Exception as error:
            log.error("opening_failed", recipient=self._name_in_logs(recipient_id), exc_info=error)
            return EMPTY

    async def to_command(self, recipient_id: str, body: bytes) -> Answer:
        """Return whether the command was received, or what is wrong with it. Raises what is not the caller's fault."""
        command_id: str | None = None
        try:
            _check_size(body, LONGEST_COMMAND)
            # Takes milliseconds, more for a body that was made to: nobody else waits for it.
            raw = await asyncio.to_thread(self._read, body)
            command_id = command_id_of(raw)
            command = await asyncio.to_thread(read_command, raw)
            faults = await self._carry_out(recipient_id, command)
        except RefusedRequest as refused:
            faults = refused.errors
        if faults:
            return {"result": "refused", "command_id": command_id, "errors": faults}
        return {"result": "received", "command_id": command_id}

    def _read(self, body: bytes) -> Any:  # Any: whatever came from outside
        return _json(self._unsealed(body))

    async def _carry_out(self, recipient_id: str, command: Command) -> commissions.Faults:
        return await self._writer.run(
            lambda work: commissions.take_command(
                work, recipient_id=recipient_id, command=command, settings=self._settings
            ),
            locks=lambda session: commissions.locks_for(
                session, recipient_id=recipient_id, command=command, settings=self._settings
            ),
        )

    def _unsealed(self, body: bytes) -> bytes:
        try:
            return self._gate_key.unseal(body)
        except UnreadableRequest as error:
            raise RefusedRequest(("body", str(error))) from None


def _check_size(body: bytes, longest: int) -> None:
    """Refuse what is too long before a byte of it is read."""
    if len(body) > longest:
        raise RefusedRequest(("body", "is too long"))


def _json(body: bytes) -> Any:  # Any: whatever came from outside
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedRequest(("body", "is not JSON")) from None
