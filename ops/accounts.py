"""The passwords of the broker's accounts: random, made once per stage, in a file that only its owner may read."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from ops.run_folder import write_private


@dataclass(frozen=True, slots=True)
class Accounts:
    """The file with the passwords; the broker itself gets hashes only."""

    path: Path

    def password(self, account: str) -> str:
        """Return the password of an account, a new one on first asking."""
        passwords = self._read()
        if account not in passwords:
            passwords[account] = secrets.token_urlsafe(24)
            self._write(passwords)
        return passwords[account]

    def forget(self, account: str) -> None:
        """Drop the password of an account that is gone; one that comes back gets another."""
        self._write({name: password for name, password in self._read().items() if name != account})

    def _read(self) -> dict[str, str]:
        if not self.path.exists():
            return {}
        return {str(name): str(password) for name, password in json.loads(self.path.read_text()).items()}

    def _write(self, passwords: dict[str, str]) -> None:
        write_private(self.path, json.dumps(passwords, indent=2))
