"""What the page for operators tells them to hand in is what provisioning and the gate take."""

import json
import re
from datetime import date
from pathlib import Path

from joserfc.jwk import ECKey

from ops.recipient import registration
from services.consent.form import RecipientRegistered

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


def test_the_registration_on_the_page_is_one() -> None:
    [text] = re.findall(r"```json\n(\{\n  \"recipient_id\".*?)```", PAGE, flags=re.DOTALL)
    said = json.loads(text.replace('"document_sha256": "..."', f'"document_sha256": "{"0" * 64}"'))
    said["public_key"] = ECKey.generate_key("P-256", private=False).as_dict()

    registered = registration(said, today=date(2026, 11, 1))

    assert RecipientRegistered.model_validate(registered.for_the_gate()).display_name == said["display_name"]
