"""What lies parked at the services, and what is done about it: `python -m ops.parked`.

  list                           what every service has parked, oldest first; exit code 1 if there is anything
  show SERVICE ID                the facts of one, also of one that was settled: what was done, by whom, when
  requeue SERVICE ID             have it handled again, after its cause was mended
  drop SERVICE ID --reason CODE  give it up for good

Asks the services themselves, with the operator's token; each of them keeps who did what, when and why. Shows ids,
type, reason and times: what a message says about whom is sealed, and opened by its handler alone.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx2

from ops.errors import OpsError, report
from ops.gate import said_by
from ops.management import in_path
from ops.operator_file import OperatorFile, operator_file_of, read_operator_file
from shared.topology import SERVICES

Facts = dict[str, Any]  # Any: JSON values
_SHOWN: Final = ("parked_id", "message_id", "type", "reason", "parked_at", "resolved_at", "resolution")


class NotAsked(OpsError):
    """Raised when a service does not answer: nothing was done there."""

    code = "service_did_not_answer"

    def __init__(self, service: str, reason: str) -> None:
        super().__init__(f"{service}: {reason}; nothing was done there")


class Refused(OpsError):
    """Raised when a service refuses what is asked of it."""

    code = "service_refused"

    def __init__(self, service: str, status: int, said: str) -> None:
        super().__init__(f"{service} answered {status}: {said}")


@dataclass(frozen=True, slots=True)
class ParkedMessages:
    """The parked messages of all services."""

    where: OperatorFile

    def listed(self) -> list[tuple[str, Facts]]:
        """Return what is parked, with the service that has it, the oldest first."""
        found = [(name, one) for name in self.where.services for one in self._ask(name, "GET", "")]
        return sorted(found, key=lambda one: str(one[1]["parked_at"]))

    def shown(self, service: str, parked_id: str) -> Facts:
        """Return the facts of one message."""
        return dict(self._ask(service, "GET", f"/{in_path(parked_id)}"))

    def requeue(self, service: str, parked_id: str) -> None:
        """Have a message handled again."""
        self._ask(service, "POST", f"/{in_path(parked_id)}/handling")

    def drop(self, service: str, parked_id: str, *, reason: str) -> None:
        """Give a message up."""
        self._ask(service, "POST", f"/{in_path(parked_id)}/dropping", {"reason": reason})

    def _ask(self, service: str, method: str, path: str, body: Facts | None = None) -> Any:  # Any: JSON values
        # No proxy from the environment: these are our own services, and the token is for nobody else.
        url = f"{self.where.services[service].rstrip('/')}/parked{path}"
        headers = {"Authorization": f"Bearer {self.where.token}"}
        try:
            with httpx2.Client(trust_env=False, timeout=30, headers=headers) as client:
                answer = client.request(method, url, json=body)
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise NotAsked(service, type(error).__name__) from None
        if answer.is_error:
            raise Refused(service, answer.status_code, said_by(answer))
        return answer.json()


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    said = _parser().parse_args(arguments)
    try:
        messages = ParkedMessages(read_operator_file(said.file or operator_file_of(said.stage)))
        return _do(messages, said)
    except OpsError as error:
        return report(error)


def _do(messages: ParkedMessages, said: argparse.Namespace) -> int:
    if said.act == "list":
        found = messages.listed()
        print("\n".join(_table(found, now=datetime.now(UTC)) if found else ["nothing is parked"]))
        return 1 if found else 0
    if said.act == "show":
        facts = messages.shown(said.service, said.parked_id)
        print("\n".join(f"{name:<12} {facts[name] or '-'}" for name in _SHOWN))
    elif said.act == "requeue":
        messages.requeue(said.service, said.parked_id)
        print(f"{said.service} has handled it")
    else:
        messages.drop(said.service, said.parked_id, reason=said.reason)
        print(f"{said.service} has given it up: {said.reason}")
    return 0


def _parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m ops.parked", description=__doc__, formatter_class=form)
    parser.add_argument("--stage", default="demo", help="whose services, while it runs (default: demo)")
    parser.add_argument("--file", type=Path, help="those of another installation: its operator file")
    acts = parser.add_subparsers(dest="act", required=True, metavar="list | show | requeue | drop")
    acts.add_parser("list")
    for act in ("show", "requeue", "drop"):
        one = acts.add_parser(act)
        one.add_argument("service", choices=list(SERVICES))
        one.add_argument("parked_id")
        if act == "drop":
            one.add_argument("--reason", required=True, help="a code of 3 to 60 small letters or underscores")
    return parser


def _table(found: Sequence[tuple[str, Facts]], *, now: datetime) -> list[str]:
    lines = [f"{'service':<12} {'for':>7}  {'reason':<20} {'type':<34} id"]
    for service, one in found:
        minutes = int((now - datetime.fromisoformat(one["parked_at"])).total_seconds() // 60)
        lines.append(f"{service:<12} {minutes:>3} min  {one['reason']:<20} {one['type'] or '-':<34} {one['parked_id']}")
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
