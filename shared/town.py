"""Reads what a town decides from its folder: `town.toml`, and the files beside it that a service asks for by name."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from shared.contracts.town import ESSEN, Town

P = TypeVar("P", bound=BaseModel)

TOWN_FILE: Final = "town.toml"
USUAL: Final = Path(__file__).parent / "towns" / "essen"
"""The folder of the usual town: what a service works by that is told no other."""


class TownInvalid(ValueError):
    """Raised when a town's folder cannot be worked by: names each field and the reason, never the value."""

    code = "town_invalid"

    def __init__(self, *faults: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{field} {reason}" for field, reason in faults))
        self.faults = faults


def read_town(folder: Path | None) -> Town:
    """Return what the town of a folder decides; without a folder the usual one. Raises TownInvalid."""
    if folder is None:
        return ESSEN
    return read_part(folder / TOWN_FILE, Town)


def read_part(file: Path, kind: type[P]) -> P:
    """Return what a TOML or JSON file of a town's folder says, as that kind of value. Raises TownInvalid."""
    try:
        text = file.read_text(encoding="utf-8")
        said = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise TownInvalid((file.name, f"cannot be read: {error.strerror}")) from None
    except ValueError:
        raise TownInvalid((file.name, "is no valid TOML or JSON")) from None
    try:
        return kind.model_validate(said)
    except ValidationError as error:
        raise TownInvalid(*(_fault(file.name, dict(item)) for item in error.errors(include_input=False))) from None


def report_on(file: Path, kind: type[BaseModel]) -> int:
    """Print what is wrong with a file of a town's folder, a line each; return 0 if nothing is."""
    try:
        read_part(file, kind)
    except TownInvalid as error:
        return report(error)
    return 0


def report(error: TownInvalid) -> int:
    """Print each fault on a line of its own; return 1."""
    for field, reason in error.faults:
        print(f"{field} {reason}")
    return 1


def _fault(file: str, item: Mapping[str, Any]) -> tuple[str, str]:  # Any: pydantic's error details
    """Return field and reason, in words that repeat nothing of what stands there."""
    place = ".".join(map(str, item["loc"]))
    reason = str(item["msg"]).removeprefix("Value error, ")
    return (f"{file}: {place}", reason) if place else (f"{file}:", reason)
