"""Story files: what is said, done and expected, step by step. Reading them and filling in their `{names}`.

A step has `say`, and then either a `call` (with `with`, `status`, `expect`, `until`, `keep`) or expectations about what
an outside party has: `holds`, `heard`, `unopened`, `statuses`. `mark` names the person and category that the values
belong to; `grants` (the body's recipient and words, or those that it names) and `withdraws` tell what may be known from
then on. An unknown word in a step is refused.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.errors import OpsError

_STEP_WORDS = frozenset(
    {"say", "call", "as", "with", "status", "expect", "until", "count", "keep", "contains", "lacks", "show"}
    | {"retry_while", "holds", "heard", "unopened", "statuses", "mark", "grants", "withdraws"}
)
_PERSONAL_TEXTS = frozenset({"code", "text", "reason_text", "name", "address", "born_on", "called", "note"})
_NAME = re.compile(r"\{([a-z_0-9]+)\}")


class StoryInvalid(OpsError):
    """Raised when a story file cannot be played."""

    code = "story_invalid"


@dataclass(frozen=True, slots=True)
class Story:
    """One story."""

    name: str
    title: str
    about: str
    steps: tuple[Mapping[str, Any], ...]  # Any: TOML values


def read_stories(folder: Path) -> list[Story]:
    """Return the stories of a folder in the order of their names."""
    return [_read(path) for path in sorted(folder.glob("*.toml"))]


def fill(value: Any, names: Mapping[str, Any]) -> Any:  # Any: TOML values
    """Replace `{names}`; a text that is nothing but one name becomes the value itself."""
    if isinstance(value, str):
        whole = _NAME.fullmatch(value)
        if whole:
            return _named(whole[1], names)
        return _NAME.sub(lambda found: str(_named(found[1], names)), value)
    if isinstance(value, dict):
        return {fill(key, names): fill(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, names) for item in value]
    return value


def fits(expected: Any, found: Any) -> bool:  # Any: JSON values
    """Whether what was found holds at least what is expected: more keys are fine, lists fit item by item."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            key in found and fits(item, found[key]) for key, item in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(expected) <= len(found)
            and all(fits(item, other) for item, other in zip(expected, found, strict=False))
        )
    return bool(expected == found)


def pick(value: Any, path: str) -> Any:  # Any: JSON values
    """Return what lies at a dotted path: names and list positions."""
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def texts_of(value: Any) -> Iterator[str]:  # Any: TOML values
    """Return the personal texts of a body: what would be recognised if it turned up somewhere else."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in _PERSONAL_TEXTS and isinstance(item, str):
                yield item
            else:
                yield from texts_of(item)


def _read(path: Path) -> Story:
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    for number, step in enumerate(raw["step"], start=1):
        unknown = step.keys() - _STEP_WORDS
        if unknown or "say" not in step:
            raise StoryInvalid(f"{path.name}, step {number}: {', '.join(sorted(unknown)) or 'say is missing'}")
    return Story(path.stem, raw["title"], raw["about"], tuple(raw["step"]))


def _named(name: str, names: Mapping[str, Any]) -> Any:
    if name not in names:
        raise StoryInvalid(f"nothing was kept by the name {name}")
    return names[name]
