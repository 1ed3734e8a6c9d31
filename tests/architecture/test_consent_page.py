"""The page of the gate names every route and every event that there is, and no module that is not."""

import re
from pathlib import Path

import pytest

from services.consent.app import create_app
from shared.contracts import consent
from shared.contracts.envelope import CareEvent
from tests.consent.surroundings import Store, settings_in

FOLDER = Path(__file__).parents[2] / "services" / "consent"
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## HTTP")[2].partition("\n## ")[0]


def without_names(path: str) -> str:
    """Return a path in which each id is the same."""
    return re.sub(r"\{\w+\}", "{}", path)


def test_the_page_names_every_route_and_no_other(tmp_path: Path) -> None:
    app = create_app(settings_in(tmp_path, Store("sqlite://", f"sqlite:///{tmp_path}/keys.sqlite")))
    paths = app.openapi()["paths"]
    described = {f"{method.upper()} {without_names(path)}" for path, methods in paths.items() for method in methods}

    named = {without_names(route) for route in re.findall(r"`((?:GET|POST|PUT|DELETE) /[^`\s]*)`", TABLE)}

    assert named == described


def test_the_page_names_every_event_that_the_gate_publishes_once() -> None:
    kinds = [one for one in vars(consent).values() if isinstance(one, type) and issubclass(one, CareEvent)]
    events = [one.event_type for one in kinds if one.__module__ == consent.__name__]
    said = PAGE.partition("## Publishes")[2].partition("\n## ")[0]

    assert sorted(re.findall(r"`(consent\.\w+\.v1)`", said)) == sorted(events)


@pytest.mark.parametrize("module", sorted(set(re.findall(r"`(\w+\.py)`", PAGE.partition("\n## Consumes")[0]))))
def test_every_module_that_the_page_names_is_there(module: str) -> None:
    assert (FOLDER / module).exists()
