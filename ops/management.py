"""The broker's management API, as the provisioner uses it."""

import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx2

from ops.errors import ManagementOutOfReach, ManagementRefused, OpsError

Json = Any  # what the API answers depends on the path; callers pick single fields out of it


@dataclass(frozen=True, slots=True)
class Management:
    """Where the API is and who asks."""

    url: str
    user: str
    password: str = field(repr=False)

    def get(self, path: str) -> Json:
        """Return what is there."""
        return self._request("GET", path).json()

    def post(self, path: str, body: Json) -> None:
        """Hand something in."""
        self._request("POST", path, body)

    def delete(self, path: str) -> bool:
        """Delete something; say whether it was there."""
        return self._request("DELETE", path).status_code != httpx2.codes.NOT_FOUND

    def is_ready(self) -> bool:
        """Tell whether the API answers to our login."""
        try:
            return bool(self.get("/api/whoami")["name"] == self.user)
        except OpsError:
            return False

    def listens_on(self, port: int) -> bool:
        """Tell whether the broker accepts connections there."""
        return bool(self.get(f"/api/health/checks/port-listener/{port}")["status"] == "ok")

    def every_queue_runs(self, *, at_least: int = 1) -> bool:
        """Tell whether all queues have a leader, as the queues say it now (the statistics lag by seconds)."""
        queues = self.get("/api/queues?disable_stats=true&enable_queue_totals=true")
        return len(queues) >= at_least and all(queue.get("state") == "running" for queue in queues)

    def wait_for_queues(self, *, seconds: float = 30) -> None:
        """Wait until every queue has a leader."""
        deadline = time.monotonic() + seconds
        while not self.every_queue_runs():
            if time.monotonic() > deadline:
                raise ManagementRefused(method="GET", path="/api/queues", status=200, reason="a queue has no leader")
            time.sleep(0.1)

    def _request(self, method: str, path: str, body: Json = None) -> httpx2.Response:
        # No proxy from the environment: this is our own broker or one that was named to us.
        url = f"{self.url.rstrip('/')}{path}"
        try:
            with httpx2.Client(auth=(self.user, self.password), trust_env=False, timeout=30) as client:
                answer = client.request(method, url) if body is None else client.request(method, url, json=body)
        except httpx2.TransportError as error:
            raise ManagementOutOfReach(self.url, type(error).__name__) from None
        if answer.is_error and not (method == "DELETE" and answer.status_code == httpx2.codes.NOT_FOUND):
            raise ManagementRefused(method=method, path=path, status=answer.status_code, reason=_reason(answer))
        return answer


def in_path(name: str) -> str:
    """Return a name as one segment of a path."""
    return quote(name, safe="")


def _reason(answer: httpx2.Response) -> str:
    try:
        return str(answer.json().get("reason", answer.reason_phrase))
    except ValueError:
        return answer.reason_phrase
