"""Writes what is generated from the contracts: `python -m shared.contracts.generate`.

`--freeze VERSION` also keeps the schemas as they are for a release; a test compares every later state with them.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from shared.contracts.asyncapi import all_documents
from shared.contracts.inventory import events_page
from shared.contracts.schemas import all_schemas

DOCS = Path("docs")


def generated() -> dict[Path, str]:
    """Return the text of every generated file by its path."""
    return {
        DOCS / "events.md": events_page(),
        **{DOCS / "schemas" / name: _json(schema) for name, schema in all_schemas().items()},
        **{DOCS / "asyncapi" / name: _json(document) for name, document in all_documents().items()},
    }


def write(root: Path) -> list[Path]:
    """Write every generated file that differs, remove schemas of types that are gone, and return what changed."""
    files = {root / path: text for path, text in generated().items()}
    gone = [path for path in (root / DOCS / "schemas").glob("*/*.schema.json") if path not in files]
    changed = [path for path, text in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in gone:
        path.unlink()
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
    return [*gone, *changed]


def freeze(root: Path, version: str) -> Path:
    """Keep all schemas of a release in one file; an existing one is never written again."""
    path = root / DOCS / "schemas" / "frozen" / f"{version}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(_json(all_schemas()))
    return path


def _json(value: Any) -> str:  # Any: JSON
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the files and say which changed."""
    parser = argparse.ArgumentParser(prog="python -m shared.contracts.generate", description=__doc__)
    parser.add_argument("--freeze", metavar="VERSION", help="also keep the schemas of this release")
    said = parser.parse_args()
    changed = write(Path())
    if said.freeze:
        changed.append(freeze(Path(), said.freeze))
    print("\n".join(map(str, changed)) or "nothing changed")


if __name__ == "__main__":
    main()
