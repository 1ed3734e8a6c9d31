"""A ledger of which the heads were exported, copies of it to be tampered with, and the checker run on either."""

import asyncio
import io
import json
import sqlite3
from contextlib import closing, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import assume, event

from services.consent.signing import SigningKey
from services.consent.verify import BROKEN, main
from shared.contracts.categories import Category
from tests.consent.builders import CLINIC, a_conclusion, a_statement, an_identity
from tests.consent.gate import Gate
from tests.consent.surroundings import SIGNING_KEY

LENGTH = 6


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a checker finds what it is given."""

    database_url: str
    key_store_url: str
    folder: Path

    def arguments(self, **changes: str) -> list[str]:
        """Return the command line."""
        given = {
            "database": self.database_url,
            "heads": str(self.folder / "heads" / "heads.jsonl"),
            "signing-key": str(self.folder / "public.json"),
            "key-store": self.key_store_url,
            "master-key": str(self.folder / "master.key"),
            **{name.replace("_", "-"): value for name, value in changes.items()},
        }
        return [part for name, value in given.items() if value for part in (f"--{name}", value)]


def checked(arguments: list[str]) -> tuple[int, list[str], dict[str, Any]]:
    """Run the checker; return its exit code, its lines and its summary."""
    with redirect_stdout(io.StringIO()) as said:
        code = main(arguments)
    *lines, summary = said.getvalue().splitlines()
    return code, lines, json.loads(summary)


def fill(gate: Gate) -> None:
    """Have six entries in the Jobcenter's chain, one in the clinic's, and export the heads of both."""
    person, jobcenter = gate.a_person(), gate.reading()
    gate.hear(a_conclusion(person), an_identity(person))
    gate.grant(person, Category.CONCLUSION, Category.STATEMENT)
    jobcenter.news()
    gate.hear(a_statement(person))
    jobcenter.news()
    gate.open(gate.notices()[-1])
    gate.withdraw(person)
    jobcenter.news()
    gate.agree(person, gate.a_referral_of(person), Category.IDENTITY)
    gate.reading(CLINIC).news()
    asyncio.run(gate.service.timers.export_heads())
    (gate.folder / "public.json").write_text(json.dumps(SigningKey(SIGNING_KEY).public.as_dict()))


def kept_by(gate: Gate) -> Kept:
    """Return where a gate keeps everything."""
    return Kept(gate.settings.database_url, gate.settings.key_store_url, gate.folder)


class Copy:
    """A copy of the ledger that somebody tampers with, made anew for each attempt."""

    def __init__(self, sealed: Kept) -> None:
        self._whole = Path(sealed.database_url.removeprefix("sqlite:///"))
        self._path = self._whole.with_name("tampered.sqlite3")
        self.kept = replace(sealed, database_url=f"sqlite:///{self._path}")

    def fresh(self) -> sqlite3.Connection:
        """Begin anew; return a connection that may write anything."""
        self._path.unlink(missing_ok=True)
        with closing(sqlite3.connect(self._whole)) as whole, closing(sqlite3.connect(self._path)) as copied:
            whole.backup(copied)
        return sqlite3.connect(self._path)


def everything(connection: sqlite3.Connection) -> list[Any]:
    """Return what the ledger's tables hold."""
    queries = ("SELECT * FROM ledger ORDER BY recipient_id, number", "SELECT * FROM ledger_head ORDER BY recipient_id")
    return [connection.execute(query).fetchall() for query in queries]


def is_found(copy: Copy, connection: sqlite3.Connection, before: list[Any]) -> bool:
    """Whether the checker finds that something was done, if anything was."""
    connection.commit()
    changed = everything(connection) != before
    connection.close()
    assume(changed)
    code, lines, summary = checked(copy.kept.arguments())
    event(next(line for line in lines if "BROKEN" in line).split("(")[-1] if code else "not found")
    return (code, summary["whole"]) == (BROKEN, False)
