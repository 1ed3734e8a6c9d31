"""An operator sees what is parked, has it handled again or gives it up: through a real service, by its own routes."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import uvicorn

from ops.management import Management
from ops.operator_file import OperatorFile
from ops.parked import main
from shared.service import Service, new_service_app
from tests.shared.builders import MARKER, Base, Clock, fresh_tables
from tests.shared.cases import PERSON, Cases, effects_of, opened, receiver_of
from tests.shared.service_files import log_as_a_service, settings_in


@pytest.fixture
def cases() -> Cases:
    return Cases()


@pytest.fixture
def service(tmp_path: Path, cases: Cases) -> Iterator[Service]:
    """Run a service with one parked message."""
    log_as_a_service()
    settings = settings_in(tmp_path)
    fresh_tables(settings.database_url)
    service = Service("assessment", settings, Base.metadata, cases.handlers(), clock=Clock())
    server = uvicorn.Server(uvicorn.Config(new_service_app(service, title="Test", version="1"), log_config=None))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    service.receiver = receiver_of(service, cases)
    park(service, cases)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    OperatorFile({service.name: url}, "operator", Management(url, "", "")).write(tmp_path / "operator.json")
    yield service
    server.should_exit = True
    thread.join()


def park(service: Service, cases: Cases) -> None:
    """Park the news that a case was opened."""
    effects = effects_of(service, cases)  # type: ignore[arg-type]  # it has the same parts
    keep = partial(effects.park, parked_id="parked-1", received=opened(), body=b"", reason="attempts_used_up")
    asyncio.run(service.writer.run(keep))


@dataclass(frozen=True, slots=True)
class Command:
    """The command, with what it said and how it ended."""

    file: Path
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> tuple[int, list[str]]:
        self.capsys.readouterr()  # the service logs to the same place
        code = main(["--file", str(self.file), *arguments])
        said = self.capsys.readouterr()
        return code, [line for line in (said.out + said.err).splitlines() if not line.startswith("{")]


@pytest.fixture
def command(service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(tmp_path / "operator.json", capsys)


def test_what_is_parked_is_listed_with_its_reason_and_no_value(command: Command) -> None:
    code, [_, line] = command("list")

    assert code == 1
    assert line.split()[0] == "assessment"
    assert line.split()[3:] == ["attempts_used_up", "intake.case_opened.v1", "parked-1"]


def test_of_one_message_the_facts_of_its_envelope_are_shown_and_no_value(command: Command) -> None:
    code, lines = command("show", "assessment", "parked-1")

    facts = dict(line.split(maxsplit=1) for line in lines)
    assert (code, facts["type"], facts["resolution"]) == (0, "intake.case_opened.v1", "-")
    assert not any(value in line for line in lines for value in (MARKER, PERSON, "case-0001"))


def test_a_message_that_is_handled_again_is_gone_and_it_stays_known_who_asked(command: Command) -> None:
    assert command("requeue", "assessment", "parked-1") == (0, ["assessment has handled it"])

    assert command("list") == (0, ["nothing is parked"])
    assert command("show", "assessment", "parked-1")[1][-1].split(maxsplit=1) == ["resolution", "handled by operator-1"]


def test_a_message_that_fails_again_stays(command: Command, service: Service) -> None:
    service.keys.destroy(PERSON)

    code, [line] = command("requeue", "assessment", "parked-1")

    assert (code, line) == (1, "service_refused: assessment answered 409: still_fails: it stays parked: key_destroyed")
    assert command("list")[0] == 1


def test_a_message_is_given_up_with_a_reason_that_is_a_code(command: Command) -> None:
    refused = command("drop", "assessment", "parked-1", "--reason", "Ada told us")
    done = command("drop", "assessment", "parked-1", "--reason", "sent_twice")

    why = "reason: must be 3 to 60 small letters or underscores"
    assert refused == (1, [f"service_refused: assessment answered 422: {why}"])
    assert done == (0, ["assessment has given it up: sent_twice"])
    assert command("show", "assessment", "parked-1")[1][-1].endswith("dropped: sent_twice by operator-1")


def test_nobody_s_message_is_one_sentence(command: Command) -> None:
    said = "service_refused: assessment answered 404: parked_message_not_found: no parked message by that id"

    assert command("show", "assessment", "unheard-of") == (1, [said])


def test_a_service_that_is_down_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "operator.json"
    OperatorFile({"intake": "http://127.0.0.1:1"}, "operator", Management("", "", "")).write(file)

    assert Command(file, capsys)("list") == (
        1,
        ["service_did_not_answer: intake: ConnectError; nothing was done there"],
    )
