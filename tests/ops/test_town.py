"""A town's folder is checked whole: whatever is wrong with it is said, with file, field and reason."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ops.town import faults, main
from shared.town import USUAL

TOWNS = sorted(folder for folder in USUAL.parent.iterdir() if folder.is_dir())


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Return a copy of the second town's folder, to spoil."""
    return Path(shutil.copytree(USUAL.parent / "musterstadt", tmp_path / "town"))


@pytest.mark.parametrize("folder", TOWNS, ids=lambda folder: folder.name)
def test_nothing_is_wrong_with_a_town_of_the_repository(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main([str(folder)])

    assert (code, capsys.readouterr().err) == (0, "")


def test_there_is_a_second_town() -> None:
    assert [folder.name for folder in TOWNS] == ["essen", "musterstadt"]


def spoil(file: Path, change: Callable[[Any], None]) -> None:
    """Change what a JSON file says."""
    said = json.loads(file.read_text())
    change(said)
    file.write_text(json.dumps(said))


OFFERED = "offered must be empty for the role steering, and name a category for every other"
SEVEN = ["identity", "contact", "debts", "livelihood", "family", "papers", "language"]
WRONG: list[tuple[str, Callable[[Any], None], str]] = [
    (
        "recipients.json",
        lambda said: said["recipients"][0].update(recipient_id="Marker Straße"),
        "recipients.json: recipients.0.recipient_id must be 3 to 40 of a-z, 0-9 and -, and no name of our own",
    ),
    (
        "recipients.json",
        lambda said: said["recipients"][1].update(offered=SEVEN),
        "recipients.json: recipients.1.offered Tuple should have at most 6 items after validation, not 7",
    ),
    (
        "recipients.json",
        lambda said: said["recipients"][1].update(role="steering", purposes=["steering"]),
        f"recipients.json: recipients.1 {OFFERED}",
    ),
    (
        "recipients.json",
        lambda said: said["recipients"][1].update(offered=[]),
        f"recipients.json: recipients.1 {OFFERED}",
    ),
    (
        "recipients.json",
        lambda said: said["recipients"][1].update(purposes=["benefit"]),
        "recipients.json: schuldenberatung-am-markt: purposes names one that this role never has",
    ),
    (
        "recipients.json",
        lambda said: said["recipients"][0].update(shields="jobcenter-anderswo"),
        "recipients.json: jobcenter-musterstadt: shields must name another recipient of this file",
    ),
    (
        "recipients.json",
        lambda said: said["recipients"].pop(0),
        "recipients.json: names no recipient of the role jobcenter",
    ),
    (
        "directory.json",
        lambda said: said["providers"].pop(0),
        "recipients.json: schuldenberatung-am-markt: is not in directory.json",
    ),
    (
        "directory.json",
        lambda said: said["providers"][1].update(hours=""),
        "directory.json: providers.1.hours String should have at least 1 character",
    ),
    (
        "teams.json",
        lambda said: said["teams"][0]["members"].append(said["teams"][0]["members"][0]),
        "teams.json: a member_id stands there twice",
    ),
    (
        "teams.json",
        lambda said: said["teams"][0]["members"][0].pop("capacity"),
        "teams.json: teams.0.members.0.capacity Field required",
    ),
    (
        "meeting_points.json",
        lambda said: said["meeting_points"][0].update(code="elsewhere"),
        "meeting_points.json: the code elsewhere is taken: it means at none of them",
    ),
    (
        "meeting_points.json",
        lambda said: said["meeting_points"].append(said["meeting_points"][0]),
        "meeting_points.json: a code stands there twice",
    ),
]


@pytest.mark.parametrize(
    ("file", "change", "sentence"), WRONG, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_is_wrong_is_said_with_file_field_and_reason(
    town: Path, file: str, change: Callable[[Any], None], sentence: str
) -> None:
    spoil(town / file, change)

    found = faults(town)

    assert found == [sentence]


@pytest.mark.parametrize(
    "file", ["town.toml", "recipients.json", "directory.json", "teams.json", "meeting_points.json"]
)
def test_a_file_that_is_missing_or_damaged_is_named(town: Path, file: str) -> None:
    (town / file).write_text("{ marker")
    damaged = faults(town)
    (town / file).unlink()
    missing = faults(town)

    assert [one for one in damaged if one.startswith(file)] == [f"{file} is no valid TOML or JSON"]
    assert [one for one in missing if one.startswith(file)] == [f"{file} cannot be read: No such file or directory"]


def test_a_story_that_is_none_is_told(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (town / "stories" / "03-marker.toml").write_text('title = "x"\nabout = "x"\n[[step]]\nsays = "x"\n')

    code = main([str(town)])

    assert (code, capsys.readouterr().err) == (1, "03-marker.toml, step 1: says\n")
