"""What operators see of a running stage: four pages of numbers, rules that stand on them, and one chain in all logs."""

import json
import re
import time
from collections.abc import Iterator

import httpx2
import pytest
import yaml

from ops.operator_file import operator_file_of, read_operator_file
from ops.run_folder import CHECKOUT
from ops.stage import Stage, running_stage
from ops.trace import main as trace
from shared.topology import SERVICES
from tests.shared.metrics import LABELS, NAMES, PARTS, PROCESS, Page
from tests.system.desk import commission

pytestmark = pytest.mark.system

MONITORING = CHECKOUT / "ops" / "monitoring"
COMMISSIONED = "consent.commission_received.v1"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Run a stage to which the Jobcenter has given one commission."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GESEHEN_RUN_DIR", str(tmp_path_factory.mktemp("run")))
        with running_stage("operators", tell=lambda _: None) as stage:
            commission(stage)
            yield stage


@pytest.fixture(scope="module")
def pages(stage: Stage) -> dict[str, Page]:
    """Return the page of each service."""
    return {name: Page.read(port) for name, port in stage.metrics_ports.items()}


def measured(text: str) -> set[str]:
    """Return the names that expressions mention, without the endings that Prometheus gives them."""
    found = set(re.findall(r"\b(?:gesehen|process)_[a-z_]+\b", text))
    return {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in found}


def expressions() -> str:
    """Return all that rules and dashboard ask."""
    rules = yaml.safe_load((MONITORING / "alerts.yml").read_text(encoding="utf-8"))
    panels = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))["panels"]
    asked = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    return "\n".join([*asked, *(target["expr"] for panel in panels for target in panel["targets"])])


def test_every_service_has_a_page_and_nothing_stands_there_that_nobody_decided_about(pages: dict[str, Page]) -> None:
    assert {name: page.not_on_the_list() for name, page in pages.items()} == {name: [] for name in SERVICES}


def test_the_closed_list_names_nothing_that_no_page_has(pages: dict[str, Page]) -> None:
    shown = {name for page in pages.values() for name in page.names()}
    parts = {part for page in pages.values() for part in re.findall(r'part="([^"]+)"', page.text)}

    assert (NAMES - PROCESS - shown, PARTS - parts) == (set(), set())


def test_rules_and_dashboard_ask_only_for_what_a_page_has(pages: dict[str, Page]) -> None:
    shown = {name for page in pages.values() for name in page.names()}
    parts = {part for said in re.findall(r'part=~?"([^"]+)"', expressions()) for part in said.split("|")}

    assert len(measured(expressions())) > 10
    assert measured(expressions()) - shown == set()
    assert parts - PARTS == set()


def test_rules_and_dashboard_part_the_numbers_by_nothing_but_service_part_and_effect() -> None:
    by = {label for said in re.findall(r"by \(([^)]*)\)", expressions()) for label in said.split(", ")}

    assert by == {"service", *LABELS} - {"part"}


def test_each_rule_leads_to_a_page_that_is_there() -> None:
    rules = yaml.safe_load((MONITORING / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]

    assert [rule["alert"] for rule in rules if not (CHECKOUT / rule["annotations"]["runbook"]).exists()] == []


def test_prometheus_is_told_of_every_service_at_the_port_of_compose() -> None:
    jobs = yaml.safe_load((MONITORING / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    compose = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]

    asked = {one["labels"]["service"]: one["targets"] for one in jobs[0]["static_configs"]}
    assert asked == {name: [f"{name}:{compose[name]['environment']['METRICS_PORT']}"] for name in SERVICES}


def test_the_operator_file_of_a_stage_leads_to_the_pages(stage: Stage) -> None:
    where = read_operator_file(operator_file_of(stage.folder.name))

    assert {name: httpx2.get(url, timeout=20).status_code for name, url in where.metrics.items()} == dict.fromkeys(
        SERVICES, 200
    )


def test_a_commission_can_be_followed_through_all_four_services(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    until = time.monotonic() + 20
    while (chain := chain_of_the_commission(capsys)) is None and time.monotonic() < until:
        time.sleep(0.2)

    assert chain is not None
    assert trace([chain, "--stage", "operators"]) == 0
    said = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert {service for _, service, *_ in said} == set(SERVICES)
    assert said[0][1:] == ["consent", "event_sent", COMMISSIONED]
    assert ["intake", "event_received", COMMISSIONED, "handled"] in [line[1:5] for line in said]
    assert not any(name in str(said) for name in stage.desks())


def chain_of_the_commission(capsys: pytest.CaptureFixture[str]) -> str | None:
    """Return the chain that began with it, once it has reached all services."""
    trace(["--stage", "operators"])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    return next((one[-1] for one in lines if one[1] == COMMISSIONED and len(one) == 2 + len(SERVICES) + 1), None)
