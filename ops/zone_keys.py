"""Zone keys: one a day, used for that day, destroyed after seven. `python -m ops.zone_keys rotate FILE`, once a day.

Tomorrow's key is made today, so that services which read the file at midnight find it there.
"""

import argparse
import base64
import json
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from ops.errors import KeyFileRefused, OpsError, report
from ops.run_folder import write_private

KEPT = timedelta(days=7)
KEY_BYTES = 32


def rotate(path: Path, *, today: date) -> list[str]:
    """Add the keys of today and tomorrow, destroy those older than seven days; return the ids that exist now."""
    try:
        keys = json.loads(path.read_text(encoding="utf-8"))["zone_keys"] if path.exists() else []
        kept = {key["created_on"]: key for key in keys if today - date.fromisoformat(key["created_on"]) <= KEPT}
        complete = all(len(base64.b64decode(key["key"])) == KEY_BYTES and key["kid"] for key in kept.values())
    except (ValueError, KeyError, TypeError, RecursionError):
        complete = False
    if not complete:
        raise KeyFileRefused(f"{path.name} is no file of zone keys")
    for day in (today, today + timedelta(days=1)):
        kept.setdefault(day.isoformat(), _new_key(day))
    ordered = [kept[day] for day in sorted(kept)]
    write_private(path, json.dumps({"zone_keys": ordered}, indent=2) + "\n")
    return [key["kid"] for key in ordered]


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.zone_keys", description=__doc__)
    parser.add_argument("command", choices=["rotate"])
    parser.add_argument("file", type=Path)
    said = parser.parse_args(arguments)
    try:
        if not said.file.parent.is_dir():  # a slip would rotate keys that nobody reads
            raise KeyFileRefused(f"there is no folder for {said.file.name}")
        print(json.dumps({"zone_keys": rotate(said.file, today=datetime.now(UTC).date())}))
    except OpsError as error:
        return report(error)
    return 0


def _new_key(day: date) -> dict[str, str]:
    kid = f"{day.isoformat()}.{secrets.token_hex(4)}"
    return {"kid": kid, "created_on": day.isoformat(), "key": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
