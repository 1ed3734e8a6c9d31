"""Operators see numbers, ages and whether it works: each from a closed list, and true at this moment."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from shared.alarms import Alarms
from shared.metrics import Metrics
from shared.service import Service, new_service_app
from shared.unit_of_work import UnitOfWork
from tests.shared.builders import MARKER, Base, Clock, fresh_tables
from tests.shared.cases import PERSON, Cases, effects_of, ended, opened
from tests.shared.metrics import Page
from tests.shared.service_files import settings_in


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(tmp_path: Path, clock: Clock) -> Service:
    settings = settings_in(tmp_path, metrics_port="0")
    fresh_tables(settings.database_url)
    return Service("assessment", settings, Base.metadata, Cases().handlers(), clock=clock)


@pytest.fixture
def http(service: Service) -> Iterator[TestClient]:
    with TestClient(new_service_app(service, title="Test", version="1")) as client:
        yield client


def write(http: TestClient, service: Service, handler: Callable[[UnitOfWork], object]) -> None:
    """Run a handler in the service."""
    assert http.portal is not None
    http.portal.call(service.writer.run, handler)


def leave_something_of_each(http: TestClient, service: Service) -> None:
    """Have something parked, something wait, and something unsent."""
    effects = effects_of(service, Cases())  # type: ignore[arg-type]  # it has the same parts
    write(
        http, service, partial(effects.park, parked_id="parked-1", received=opened(), body=b"", reason="unknown_type")
    )
    write(http, service, lambda work: effects.now_or_later(work, ended()))
    write(http, service, lambda work: work.announce(opened().event))


def page_of(service: Service) -> Page:
    """Read the page of a running service."""
    assert service.metrics_page is not None
    return Page.read(service.metrics_page.port)


def test_the_page_shows_how_much_waits_and_since_when(http: TestClient, service: Service, clock: Clock) -> None:
    leave_something_of_each(http, service)
    clock.pass_by(seconds=90)

    values = page_of(service).values()

    assert [values[f"gesehen_{name}"] for name in ("parked", "waiting", "unsent")] == [1, 1, 1]
    assert [values[f"gesehen_oldest_{name}_seconds"] for name in ("parked", "waiting", "unsent")] == [90, 90, 90]


@pytest.mark.usefixtures("http")
def test_the_page_says_of_each_part_whether_it_works_as_ready_does(http: TestClient, service: Service) -> None:
    values = page_of(service).values()

    told = http.get("/ready").json()["parts"]
    assert {part: bool(values[f"gesehen_part_up part={part}"]) for part in told} == told
    assert values["gesehen_ready"] == 0


def test_no_name_label_or_value_stands_there_that_nobody_decided_about(http: TestClient, service: Service) -> None:
    leave_something_of_each(http, service)
    for outcome in ("handled", "erased", "of_a_new_kind"):
        service.metrics.event_taken(outcome)

    page = page_of(service)

    assert page.not_on_the_list() == []
    assert not any(value in page.text for value in (MARKER, PERSON, "case-0001", "intake.case_opened", "assessment"))


def test_each_transaction_is_counted_with_its_length(http: TestClient, service: Service) -> None:
    before = page_of(service).values()["gesehen_transaction_seconds_count"]
    write(http, service, lambda work: work.announce(opened().event))

    after = page_of(service).values()["gesehen_transaction_seconds_count"]

    assert after - before >= 2  # this one, and the page's own look at the database


@pytest.mark.usefixtures("http")
def test_a_service_that_cannot_say_how_it_is_is_not_ready(
    service: Service, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def fail() -> dict[str, object]:
        raise LookupError(MARKER)

    assert service.metrics_page is not None
    [shown, _] = service.metrics_page._own
    monkeypatch.setattr(shown, "_look", fail)

    page = page_of(service)

    said = capfd.readouterr()
    assert (page.values()["gesehen_ready"], "gesehen_unsent" in page.names()) == (0, False)
    assert MARKER not in said.out + said.err + page.text


def test_without_a_port_there_is_no_page(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    fresh_tables(settings.database_url)
    service = Service("assessment", settings, Base.metadata, {})

    with TestClient(new_service_app(service, title="Test", version="1")):
        assert service.metrics_page is None


@pytest.mark.usefixtures("http")
def test_a_port_that_is_taken_is_loud_and_keeps_no_service_from_starting(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert service.metrics_page is not None
    (tmp_path / "second").mkdir()
    settings = settings_in(tmp_path / "second", metrics_port=str(service.metrics_page.port))
    fresh_tables(settings.database_url)
    second = Service("intake", settings, Base.metadata, {})

    with TestClient(new_service_app(second, title="Test", version="1")) as client:
        assert client.get("/health").status_code == 200

    assert "metrics_not_served" in capsys.readouterr().out


def test_what_lies_about_too_long_is_said_aloud(
    http: TestClient, service: Service, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_something_of_each(http, service)
    clock.pass_by(seconds=61)
    capsys.readouterr()

    assert http.portal is not None
    http.portal.call(Alarms(service._counts).look)

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(line["event"], line["count"], line["oldest_seconds"], line["level"]) for line in lines} == {
        ("messages_parked", 1, 61, "error"),
        ("messages_unsent_too_long", 1, 61, "error"),
        ("messages_wait_too_long", 1, 61, "error"),
    }


def test_two_services_of_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.event_parked()

    assert [m.registry.get_sample_value("gesehen_events_parked_total") for m in (one, other)] == [1, 0]
