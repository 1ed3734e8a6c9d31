"""Says what is wrong with the folder of a town: `python -m ops.town FOLDER`; exit code 0 if nothing is.

A town's folder holds `town.toml` (days, deadlines, ladder), `recipients.json` (who may be told something),
`directory.json` (the providers), `teams.json`, `meeting_points.json` and, if it wants, `stories/`. What lies in a
service's own rules is checked by that service: each is run as a command.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from ops import processes
from ops.errors import OpsError
from ops.recipient import PURPOSES
from ops.run_folder import CHECKOUT
from ops.story_file import read_stories
from shared.contracts.categories import Category
from shared.contracts.town import Part
from shared.topology import is_recipient_id
from shared.town import TownInvalid, read_part, read_town

RECIPIENTS_FILE: Final = "recipients.json"
CHECKS: Final = ("services.intake.check_town", "services.assessment.check_town", "services.referral.check_town")
MOST_OFFERED: Final = 6
"""Nobody is asked about more categories than they can weigh."""


class RecipientSaid(Part):
    """Who is to become a recipient: what the operator knows before its key and papers come."""

    recipient_id: str
    organisation: Annotated[str, Field(min_length=1, max_length=120)]
    role: Literal["jobcenter", "provider", "steering"]
    display_name: Annotated[str, Field(min_length=1, max_length=120)]
    offered: Annotated[tuple[Category, ...], Field(max_length=MOST_OFFERED)]
    purposes: tuple[str, ...]
    shields: str | None = None

    @model_validator(mode="after")
    def _is_offered_what_its_role_can_receive(self) -> Self:
        if (self.role == "steering") == bool(self.offered):
            raise ValueError("offered must be empty for the role steering, and name a category for every other")
        return self

    @field_validator("recipient_id")
    @classmethod
    def _can_be_a_vhost(cls, name: str) -> str:
        if not is_recipient_id(name):
            raise ValueError("must be 3 to 40 of a-z, 0-9 and -, and no name of our own")
        return name


class RecipientsFile(Part):
    """The recipients of a town."""

    note: str
    recipients: Annotated[tuple[RecipientSaid, ...], Field(min_length=1)]


def faults(folder: Path) -> list[str]:
    """Return a sentence for each thing that is wrong with a town's folder."""
    found: list[str] = []
    for check in (_town_file, _recipients, _services, _stories):
        found.extend(check(folder))
    return found


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.town", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    found = faults(folder)
    for sentence in found:
        print(sentence, file=sys.stderr)
    if not found:
        print(f"{read_town(folder).name}: nothing is wrong with {folder}")
    return 1 if found else 0


def _town_file(folder: Path) -> list[str]:
    try:
        read_town(folder)
    except TownInvalid as error:
        return _sentences(error)
    return []


def _recipients(folder: Path) -> list[str]:
    try:
        said = read_part(folder / RECIPIENTS_FILE, RecipientsFile).recipients
    except TownInvalid as error:
        return _sentences(error)
    found = [f"{RECIPIENTS_FILE}: {one.recipient_id}: {fault}" for one in said for fault in _of(one, said)]
    names = [one.recipient_id for one in said]
    if len(names) != len(set(names)):
        found.append(f"{RECIPIENTS_FILE}: a recipient_id stands there twice")
    if not any(one.role == "jobcenter" for one in said):
        found.append(f"{RECIPIENTS_FILE}: names no recipient of the role jobcenter")
    return found + _unknown_providers(folder, said)


def _of(one: RecipientSaid, others: Sequence[RecipientSaid]) -> list[str]:
    found = []
    if not set(one.purposes) <= PURPOSES[one.role]:
        found.append("purposes names one that this role never has")
    if one.shields is not None and one.shields not in {other.recipient_id for other in others}:
        found.append("shields must name another recipient of this file")
    return found


def _unknown_providers(folder: Path, said: Sequence[RecipientSaid]) -> list[str]:
    """Say which provider could be told something, but nobody can be sent to: it stands in no directory."""
    try:
        listed = json.loads((folder / "directory.json").read_text(encoding="utf-8"))["providers"]
        known = {str(one["recipient_id"]) for one in listed}
    except (OSError, ValueError, KeyError, TypeError):
        return []  # the referral service says what is wrong with it
    providers = [one.recipient_id for one in said if one.role == "provider"]
    return [f"{RECIPIENTS_FILE}: {name}: is not in directory.json" for name in providers if name not in known]


def _services(folder: Path) -> list[str]:
    found: list[str] = []
    for module in CHECKS:
        run = subprocess.run(  # noqa: S603  our own command
            [sys.executable, "-m", module, str(folder.absolute())],
            env=processes.environment({}),
            cwd=CHECKOUT,
            check=False,
            capture_output=True,
            text=True,
        )
        if run.returncode:
            found.extend(run.stdout.splitlines() or [f"{module} could not say what is wrong"])
    return found


def _stories(folder: Path) -> list[str]:
    try:
        read_stories(folder / "stories")
    except OpsError as error:
        return [str(error)]
    except (ValueError, KeyError):
        return ["stories: a file is no story"]
    return []


def _sentences(error: TownInvalid) -> list[str]:
    return [f"{field} {reason}" for field, reason in error.faults]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
