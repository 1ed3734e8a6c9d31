"""What the page for operators tells them to send is what the gate takes."""

import re
from pathlib import Path

from services.consent.form import RecipientRegistered

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


def test_the_registration_on_the_page_is_one() -> None:
    [body] = re.findall(r"<<END\n(.*?)\nEND\n", PAGE, flags=re.DOTALL)
    filled = body.replace("$(cat schuldnerhilfe.public.json)", '{"kty": "EC"}')
    filled = filled.replace("$(sha256sum commitment.pdf | cut -c 1-64)", "0" * 64)

    assert RecipientRegistered.model_validate_json(filled).display_name == "Schuldnerhilfe"
