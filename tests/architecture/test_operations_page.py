"""What the page for operators tells them to hand in is what provisioning and the gate take."""

import json
import re
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from ops.recipient import registration
from services.consent.form import RecipientRegistered

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


RUNBOOKS = sorted((Path(__file__).parents[2] / "docs" / "runbooks").glob("*.md"))


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: str(page.name))
def test_every_command_and_every_page_that_a_runbook_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    commands = set(re.findall(r"-m ((?:ops|services)[a-z_.]+)", text))
    pages = set(re.findall(r"\]\(([^)#]+)\)", text))

    assert [command for command in commands if find_spec(command) is None] == []
    assert [named for named in pages if not (page.parent / named).exists()] == []


def test_the_registration_on_the_page_is_one() -> None:
    [text] = re.findall(r"```json\n(\{\n  \"recipient_id\".*?)```", PAGE, flags=re.DOTALL)
    said = json.loads(text.replace('"document_sha256": "..."', f'"document_sha256": "{"0" * 64}"'))
    said["public_key"] = ECKey.generate_key("P-256", private=False).as_dict()

    registered = registration(said, today=date(2026, 11, 1))

    assert RecipientRegistered.model_validate(registered.for_the_gate()).display_name == said["display_name"]
