"""A permitted visit and what its workers do with their packets, as the service sees it. Everybody is synthetic."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

from httpx2 import Response
from joserfc.jwe import JWERegistry, decrypt_compact
from joserfc.jwk import ECKey

from shared.outbox import random_id
from tests.referral.builders import NOON, Desk

WORKERS = ("outreach_worker", "assessor")
"""The roles, and tokens, of those who visit: both come."""
FROM, UNTIL = NOON + timedelta(hours=2), NOON + timedelta(hours=4)
WHERE, ASK_FOR = "Beispielstraße 7, 45127 Essen", "Klingel SYNTHETISCH"
_REGISTRY = JWERegistry(algorithms=["ECDH-ES", "A256GCM"], strict_check_header=False)


@cache
def key_of(worker: str) -> ECKey:
    """Return a worker's key pair."""
    return ECKey.generate_key("P-256", {"kid": worker})


def public_half(worker: str) -> dict[str, Any]:  # Any: a JWK
    """Return what a worker hands in."""
    return {name: value for name, value in key_of(worker).as_dict(private=False).items() if name != "kid"}


def opened(sealed: str, worker: str) -> dict[str, Any]:  # Any: JSON values
    """Return what a worker reads of a packet."""
    packet: dict[str, Any] = json.loads(decrypt_compact(sealed, key_of(worker), registry=_REGISTRY).plaintext or b"")
    return packet


@dataclass
class Visit:
    """One visit at a running service."""

    desk: Desk
    visit_id: str
    packet_ids: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, what: str, body: Any = None, *, worker: str = WORKERS[0]) -> Response:  # Any: JSON
        """Send a request about it."""
        return self.desk.ask(method, f"/visits/{self.visit_id}/{what}", body, role=worker)

    def packet(self, worker: str = WORKERS[0]) -> Response:
        """Ask for the packet."""
        return self.ask("POST", "packet", worker=worker)

    def take_packet(self, worker: str = WORKERS[0]) -> dict[str, Any]:
        """Take the packet along, and return what the worker reads."""
        self.desk.ask("PUT", "/workers/me/key", public_half(worker), role=worker)
        packet = opened(self.packet(worker).text, worker)
        self.packet_ids[worker] = packet["packet_id"]
        return packet

    def set_out(self, worker: str = WORKERS[0], *, minute: int = 0) -> dict[str, Any]:
        """Return that a worker set out, as it is noted without network."""
        return {**self._entry(worker), "kind": "set_out", "at": (FROM + timedelta(minutes=minute)).isoformat()}

    def over(self, worker: str = WORKERS[0]) -> dict[str, Any]:
        """Return that it is over, as it is noted without network."""
        return {**self._entry(worker), "kind": "over"}

    def hand_in(self, *entries: dict[str, Any], worker: str = WORKERS[0]) -> Response:
        """Hand in what was noted."""
        return self.ask("POST", "journal", {"entries": list(entries)}, worker=worker)

    def settled(self, *entries: dict[str, Any], worker: str = WORKERS[0]) -> list[str]:
        """Hand in what was noted, and return what became of each entry."""
        return [one["settled"] for one in self.hand_in(*entries, worker=worker).json()["entries"]]

    def state(self) -> str:
        """Return where it stands."""
        return str(self.desk.ask("GET", f"/visits/{self.visit_id}", role="outreach_worker").json()["state"])

    def permit(self) -> None:
        """Record that the person says yes to the plan as it is now."""
        shown = self.desk.ask("GET", f"/visits/{self.visit_id}", role="outreach_worker").json()
        said = {"plan_sha256": shown["plan_sha256"], "given_how": "spoken", "language": "de"}
        assert self.ask("POST", "permission", said).status_code == 200

    def _entry(self, worker: str) -> dict[str, Any]:
        return {"entry_id": random_id(), "packet_id": self.packet_ids[worker], "visit_id": self.visit_id}


def a_plan(**changes: Any) -> dict[str, Any]:  # Any: JSON values
    """Return a plan as it is sent."""
    return {
        "purpose": "get_to_know",
        "workers": [f"{role}-1" for role in WORKERS],
        "from_at": FROM.isoformat(),
        "until_at": UNTIL.isoformat(),
        "where": WHERE,
        "ask_for": ASK_FOR,
        "language": "de",
        **changes,
    }


def proposed(desk: Desk, **changes: Any) -> Visit:  # Any: fields of the plan
    """Plan a visit for somebody new."""
    case_id, person_id = f"case-{random_id()[:20]}", f"person-{random_id()[:20]}"
    desk.open_case(case_id, person_id)
    answer = desk.ask("POST", "/visits", {**a_plan(**changes), "case_id": case_id}, role="outreach_worker")
    return Visit(desk, answer.json()["visit_id"])


def agreed(desk: Desk, **changes: Any) -> Visit:  # Any: fields of the plan
    """Plan a visit that the person permits."""
    visit = proposed(desk, **changes)
    visit.permit()
    return visit
