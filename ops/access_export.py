"""Answers a person who asks what is kept about them: `python -m ops.access_export PERSON_ID --output FOLDER`.

Asks all four services with the token of the person's desk and writes one document twice: `export.json` for programs
(docs/schemas/export.schema.json) and `export.html` for people. All of it, or nothing (Art. 15 and 20 GDPR, § 83 SGB X).
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx2

from ops.access_page import LANGUAGES, page
from ops.errors import OpsError, report
from ops.run_folder import run_folder, write_private_together
from shared.topology import SERVICES

FORMAT: Final = "gesehen.access_export.v1"
JSON_FILE: Final = "export.json"
PAGE_FILE: Final = "export.html"
_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_OPTIONS: Final = ("--help", "--stage", "--service-url", "--token-file", "--output", "--language")
_TIMEOUT_SECONDS: Final = 60

Document = dict[str, Any]  # Any: JSON values


class PersonIdInvalid(OpsError):
    """Raised when what was given cannot be a person's id."""

    code = "person_id_invalid"


class StageNotRunning(OpsError):
    """Raised when nobody can say where the services of a stage are, or what opens them."""

    code = "stage_not_running"

    def __init__(self, stage: str) -> None:
        super().__init__(f"no stage {stage} runs here; start it, or name --service-url and --token-file")


class ServiceDidNotAnswer(OpsError):
    """Raised when a service is down, or answers something else: then nothing is written, for it would not be all."""

    code = "service_did_not_answer"

    def __init__(self, service: str, reason: str) -> None:
        super().__init__(f"{service}: {reason}; nothing was written")
        self.service = service


class PersonUnknown(OpsError):
    """Raised when no service keeps anything about the person."""

    code = "person_not_found"

    def __init__(self) -> None:
        super().__init__("no service keeps anything about this person")


class PersonErased(OpsError):
    """Raised when the person's key was destroyed: what is left can be read by nobody."""

    code = "person_erased"

    def __init__(self, service: str) -> None:
        super().__init__(f"{service}: the person was erased; nothing can be read any more, nothing was written")


class OutputNotWritable(OpsError):
    """Raised when the files cannot be written."""

    code = "output_not_writable"

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"{folder} cannot be written ({reason}); nothing was written")


@dataclass(frozen=True, slots=True)
class Services:
    """Where the services are, and the token of the person's desk."""

    urls: Mapping[str, str]
    token: str = field(repr=False)


def services_of_stage(stage: str) -> Services:
    """Return the services of a running stage; raise StageNotRunning."""
    folder = run_folder() / "stage" / stage
    try:
        urls = json.loads((folder / "services.json").read_text(encoding="utf-8"))
        tokens = json.loads((folder / "keys" / "tokens.json").read_text(encoding="utf-8"))
    except OSError:
        raise StageNotRunning(stage) from None
    return Services(urls, tokens["person_desk"])


def fetch(person_id: str, services: Services, *, now: datetime) -> Document:
    """Return everything that all services keep about a person, as one document."""
    if not _ID.fullmatch(person_id):
        raise PersonIdInvalid("an id has 8 to 64 of A-Za-z0-9_-")
    told = {name: _ask(name, person_id, services) for name in SERVICES}
    known = [one for one in told.values() if one is not None]
    if not known:
        raise PersonUnknown
    return {
        "format": FORMAT,
        "person_id": person_id,
        "generated_at": now.isoformat(),
        "services": known,
        "unknown_to": [name for name, one in told.items() if one is None],
    }


def write(document: Document, folder: Path, *, language: str) -> None:
    """Write both files, or neither; only their owner may read them."""
    texts = {
        JSON_FILE: json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        PAGE_FILE: page(document, language),
    }
    try:
        write_private_together(folder, texts)
    except OSError as error:
        raise OutputNotWritable(folder, error.strerror or type(error).__name__) from None


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; an error is one line."""
    said = _parser().parse_args(_id_last(arguments))
    try:
        document = fetch(said.person_id, _services(said), now=datetime.now(UTC))
        write(document, said.output, language=said.language)
    except OpsError as error:
        return report(error)
    records = [record for one in document["services"] for record in one["records"]]
    marked = sum(record["concerns_others"] != "no" for record in records)
    print(f"wrote {said.output / JSON_FILE} and {said.output / PAGE_FILE}: {len(records)} records")
    if marked:
        print(f"{marked} of them are or may be about somebody else too: look at them before you hand it over")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.access_export", description=__doc__)
    parser.add_argument("person_id")
    parser.add_argument("--stage", default="demo", help="whose services, if none are named (default: demo)")
    parser.add_argument("--service-url", action="append", default=[], metavar="NAME=URL", help="instead of the stage's")
    parser.add_argument("--token-file", type=Path, help="the token of the person's desk (default: the stage's)")
    parser.add_argument("--output", type=Path, required=True, help="folder of the two files")
    parser.add_argument("--language", choices=LANGUAGES, default="de", help="of the readable document (default: de)")
    return parser


def _id_last(arguments: Sequence[str]) -> list[str]:
    """Put an id that begins with "-" behind "--": ids are drawn from all of A-Za-z0-9_-."""
    given = list(arguments)
    unlike = [word for word in given if not any(option.startswith(word) for option in _OPTIONS)]
    ids = [word for word in unlike if word.startswith("-") and _ID.fullmatch(word)]
    if "--" in given or len(ids) != 1:
        return given
    return [*(word for word in given if word not in ids), "--", *ids]


def _services(said: argparse.Namespace) -> Services:
    named = dict(item.partition("=")[::2] for item in said.service_url)
    strange = sorted(named.keys() - set(SERVICES))
    if strange:
        raise ServiceDidNotAnswer(strange[0], "is none of the four services")
    if set(named) == set(SERVICES) and said.token_file:
        return Services(named, _token(said.token_file))
    stage = services_of_stage(said.stage)
    return Services({**stage.urls, **named}, _token(said.token_file) if said.token_file else stage.token)


def _token(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise OpsError(f"the token file cannot be read ({error.strerror})") from None


def _ask(service: str, person_id: str, services: Services) -> Document | None:
    """Return what one service keeps, or None if it keeps nothing."""
    url = f"{services.urls[service].rstrip('/')}/persons/{person_id}/export"
    headers = {"Authorization": f"Bearer {services.token}"}
    try:
        answer = httpx2.get(url, headers=headers, timeout=_TIMEOUT_SECONDS)
        told = answer.json()
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise ServiceDidNotAnswer(service, f"no answer ({type(error).__name__})") from None
    except ValueError:
        raise ServiceDidNotAnswer(service, f"status {answer.status_code} without JSON") from None
    code = told.get("code") if isinstance(told, dict) else None
    if (answer.status_code, code) == (httpx2.codes.NOT_FOUND, "person_not_found"):
        return None
    if answer.status_code == httpx2.codes.GONE:
        raise PersonErased(service)
    if answer.status_code != httpx2.codes.OK:
        raise ServiceDidNotAnswer(service, f"status {answer.status_code} ({code})")
    if not isinstance(told, dict) or (told.get("service"), told.get("person_id")) != (service, person_id):
        raise ServiceDidNotAnswer(service, "another one answered at this address")
    return told


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
