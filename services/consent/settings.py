"""What the consent service is told at start, beyond what every service is told."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from shared.settings import ServiceSettings


class ConsentSettings(ServiceSettings):
    """Settings of the gate. The broker URL without a vhost leads it into every recipient's vhost."""

    gate_key_file: Path
    """The gate's private key (JWK, EC P-256): recipients encrypt their commands to it."""
    recipients_broker_url: str | None = Field(default=None, repr=False)
    """The gate's account, without a vhost: the name of a recipient is the name of its vhost."""
    signing_key_file: Path
    """The key that signs receipts and heads of the ledger (JWK or JWK Set, Ed25519; the first one signs)."""
    heads_folder: Path
    """Where the signed heads of the ledger are appended (`heads.jsonl`): meant to be copied elsewhere."""
    heads_seconds: float = 3600.0
    heartbeat_seconds: float = 60.0
    timer_seconds: float = 5.0
    renew_after_hours: float = 6.0
    unit_cents: int = 9000
    """What one unit of help costs, whatever the help is: no amount tells its kind."""

    def gate_key(self) -> dict[str, Any]:  # Any: a JWK
        """Read the gate's private key."""
        return dict(json.loads(self.gate_key_file.read_text(encoding="utf-8")))

    def signing_key(self) -> dict[str, Any]:  # Any: a JWK or a JWK Set
        """Read the key that signs."""
        return dict(json.loads(self.signing_key_file.read_text(encoding="utf-8")))

    def heads_file(self) -> Path:
        """Return the file of exported heads."""
        return self.heads_folder / "heads.jsonl"

    def index_key(self) -> bytes:
        """Return the key under which references are indexed: derived from the master key, for nothing else."""
        return hmac.new(self.master_key(), b"gesehen reference index", hashlib.sha256).digest()

    def rounding_key(self) -> bytes:
        """Return the key that draws where the figures are rounded: derived from the master key, for nothing else."""
        return hmac.new(self.master_key(), b"gesehen figures rounding", hashlib.sha256).digest()

    def names_in_logs(self) -> Callable[[str], str]:
        """Return how recipients are called in log lines: a provider's name would say what help somebody gets."""
        secret = hmac.new(self.master_key(), b"gesehen names in logs", hashlib.sha256).digest()

        def name(recipient_id: str) -> str:
            return f"recipient-{hmac.new(secret, recipient_id.encode(), hashlib.sha256).hexdigest()[:10]}"

        return name

    def zone(self) -> ZoneInfo:
        """Return the town's time zone: days and deadlines are its own."""
        return self.town.zone()

    def renew_after(self) -> timedelta:
        """Return after how long an unopened notice is sent afresh."""
        return timedelta(hours=self.renew_after_hours)
