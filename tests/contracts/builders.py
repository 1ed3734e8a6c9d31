"""What tests of the contracts have in common: where the checked-in files lie, and which class reads which."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from shared.contracts.answers import ANSWERS, REPLIES, Notice, Said
from shared.contracts.billing import BillingStatement
from shared.contracts.catalogue import EVENTS
from shared.contracts.envelope import canonical
from shared.contracts.released import JobcenterSituation, ProviderReferral
from shared.contracts.requests import COMMANDS, OpenRequest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
SCHEMAS = ROOT / "docs" / "schemas"
VARIANTS = (".least", ".less")


def examples(folder: str) -> dict[str, Path]:
    """Return the examples of one folder by name."""
    return {path.name.removesuffix(".json"): path for path in sorted((EXAMPLES / folder).glob("*.json"))}


def subject_of(example: str) -> str:
    """Return what an example is of: its name without the variant."""
    for variant in VARIANTS:
        example = example.removesuffix(variant)
    return example


def read_json(path: Path) -> Any:  # Any: JSON
    """Return a file's content."""
    return json.loads(path.read_bytes())


def round_trip(kind: type[BaseModel], plain: bytes) -> bytes:
    """Read bytes as this class and write them again as they would be sent."""
    return canonical(kind.model_validate_json(plain).model_dump(mode="json", exclude_none=True))


WIRE: dict[str, type[BaseModel]] = {
    "notice": Notice,
    "open": OpenRequest,
    "statement": BillingStatement,
    **{f"command.{name}": command for name, command in COMMANDS.items()},
    **{f"answer.{kind.model_fields['result'].default}": kind for kind in ANSWERS},
    **{f"reply.{kind.model_fields['result'].default}": kind for kind in REPLIES},
}
RELEASED = {role.message_type: role for role in (JobcenterSituation, ProviderReferral)}
OUTWARD: tuple[type[Said], ...] = (Notice, *ANSWERS, *REPLIES)

__all__ = [
    "EVENTS",
    "OUTWARD",
    "RELEASED",
    "ROOT",
    "SCHEMAS",
    "WIRE",
    "examples",
    "read_json",
    "round_trip",
    "subject_of",
]
