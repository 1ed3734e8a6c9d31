"""A recipient's end of the wire: bytes as they come from the broker, answers before they are sealed."""

import asyncio
from typing import Any

from joserfc.jwk import ECKey

from services.consent.answering import Answering
from services.consent.keys import GateKey, seal_for
from shared.contracts.envelope import canonical
from tests.consent.builders import JOBCENTER
from tests.consent.gate import Answer, Gate
from tests.consent.surroundings import GATE_KEY

TO_THE_GATE = ECKey.import_key({name: value for name, value in GATE_KEY.items() if name != "d"})


class Wire:
    """Sends requests to a gate and returns its answers."""

    def __init__(self, gate: Gate) -> None:
        settings = gate.settings
        self._answering = Answering(
            settings,
            gate.service.writer,
            GateKey(settings.gate_key()),
            gate.service.outside.openings,
            name_in_logs=settings.names_in_logs(),
        )

    def send(self, command: Any, recipient_id: str = JOBCENTER) -> Answer:  # Any: whatever a recipient sends
        """Seal a command for the gate and send it."""
        return self.send_bytes(seal_for(TO_THE_GATE, canonical(command)), recipient_id)

    def send_bytes(self, body: bytes, recipient_id: str = JOBCENTER) -> Answer:
        """Send bytes as a command."""
        return asyncio.run(self._answering.to_command(recipient_id, body))

    def open_bytes(self, body: bytes, recipient_id: str = JOBCENTER) -> Answer:
        """Send bytes as a request to open."""
        return asyncio.run(self._answering.to_open(recipient_id, body))

    def open(self, notice_id: str, recipient_id: str = JOBCENTER) -> Answer:
        """Ask to open a notice."""
        return self.open_bytes(canonical({"open": notice_id}), recipient_id)
