"""The gate as an operator reaches it: registers and ends recipients there over HTTP, with the operator's token."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from ops.errors import GateOutOfReach, GateRefused, RegistrationInvalid
from ops.management import in_path
from ops.recipient import Registration

Json = Any  # what the gate answers depends on the path; callers pick single fields out of it


@dataclass(frozen=True, slots=True)
class Gate:
    """Where the consent service is and who asks."""

    url: str
    token: str = field(repr=False)

    @classmethod
    def reached(cls, url: str, token_file: Path) -> "Gate":
        """Return the gate at an address; the token is the only line of a file, so that it is on no command line."""
        try:
            token = token_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise RegistrationInvalid(token_file.name, f"cannot be read: {error.strerror}") from None
        if not token or not token.isascii() or any(sign.isspace() for sign in token):
            raise RegistrationInvalid(token_file.name, "must hold the operator's token and nothing else")
        return cls(url, token)

    def public_key(self) -> Mapping[str, object]:
        """Return the key that recipients seal their commands with."""
        return dict(self._request("GET", "/gate-key"))

    def register(self, registration: Registration) -> None:
        """Register a recipient, or hand in what changed of it."""
        self._request("PUT", f"/recipients/{in_path(registration.recipient_id)}", registration.for_the_gate())

    def end(self, recipient_id: str) -> None:
        """End a recipient: from the reply on it opens nothing."""
        self._request("POST", f"/recipients/{in_path(recipient_id)}/ending")

    def state(self, recipient_id: str) -> str | None:
        """Return whether a recipient is active, lapsed or ended; None if it was never registered."""
        found = {item["recipient_id"]: str(item["state"]) for item in self._request("GET", "/recipients")}
        return found.get(recipient_id)

    def recipients(self) -> list[dict[str, Any]]:
        """Return the recipients that were not ended, each with the state of its line."""
        return [one for one in self._request("GET", "/recipients") if one.get("ended_at") is None]

    def _request(self, method: str, path: str, body: Json = None) -> Json:
        # No proxy from the environment: this is our own gate, and the token is for nobody else.
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            with httpx2.Client(trust_env=False, timeout=30, headers=headers) as client:
                answer = client.request(method, f"{self.url.rstrip('/')}{path}", json=body)
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise GateOutOfReach(self.url, type(error).__name__) from None
        if answer.is_error:
            raise GateRefused(method=method, path=path, status=answer.status_code, said=said_by(answer))
        return answer.json()


def said_by(answer: httpx2.Response) -> str:
    """Return what a service's error names: fields and reasons, never a value."""
    try:
        said = answer.json()
        fields = "; ".join(f"{item['field']}: {item['reason']}" for item in said["errors"])
        return fields or f"{said['code']}: {said['message']}"
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
