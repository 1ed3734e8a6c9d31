"""What a gate is started with: a clock, files, keys, where it keeps its tables, and the recipients that it knows."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from joserfc.jwk import ECKey, OKPKey

from services.consent import recipients
from services.consent.commitment import Commitment, CommittedPurpose
from services.consent.domain import RecipientRole
from services.consent.settings import ConsentSettings
from shared.contracts.categories import Category
from shared.unit_of_work import UnitOfWork
from shared.web import Role
from tests.consent.builders import CLINIC, CLINICS_SIX, JOBCENTER, JOBCENTERS_SIX, NOON, SECOND, SHA

PUBLIC_KEY = {name: str(value) for name, value in ECKey.generate_key("P-256", private=False).as_dict().items()}
GATE_KEY = ECKey.generate_key("P-256", private=True).as_dict(private=True)
SIGNING_KEY = OKPKey.generate_key("Ed25519").as_dict(private=True)
BERLIN = ZoneInfo("Europe/Berlin")
KNOWN = {JOBCENTER: RecipientRole.JOBCENTER, CLINIC: RecipientRole.PROVIDER}
OWN_PURPOSE = {
    RecipientRole.JOBCENTER: CommittedPurpose.BENEFIT,
    RecipientRole.PROVIDER: CommittedPurpose.REFERRAL,
    RecipientRole.STEERING: CommittedPurpose.STEERING,
}
OFFERED = {RecipientRole.JOBCENTER: JOBCENTERS_SIX, RecipientRole.PROVIDER: CLINICS_SIX}


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, time: timedelta = SECOND) -> None:
        """Let time pass."""
        self.now += time


@dataclass(frozen=True, slots=True)
class Store:
    """Where a gate keeps its tables and its keys."""

    database_url: str
    key_store_url: str


def settings_in(folder: Path, store: Store, **changes: Any) -> ConsentSettings:
    """Write the files that a gate is started with, and return its settings."""
    if not (folder / "master.key").exists():
        (folder / "master.key").write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    key = {"kid": "z1", "created_on": "2026-01-01", "key": base64.b64encode(secrets.token_bytes(32)).decode()}
    (folder / "zone.json").write_text(json.dumps({"zone_keys": [key]}))
    (folder / "gate.key.json").write_text(json.dumps(GATE_KEY))
    if not (folder / "signing.key.json").exists():
        (folder / "signing.key.json").write_text(json.dumps(SIGNING_KEY))
    callers = [(role.value, f"{role.value}-1", role) for role in Role]
    callers += [(f"{role.value}-2", f"{role.value}-2", role) for role in (Role.ASSESSOR, Role.LEAD)]
    tokens = [
        {"sha256": hashlib.sha256(token.encode()).hexdigest(), "caller_id": caller_id, "role": role.value}
        for token, caller_id, role in callers
    ]
    (folder / "tokens.json").write_text(json.dumps({"tokens": tokens}))
    return ConsentSettings(
        database_url=store.database_url,
        key_store_url=store.key_store_url,
        journal_folder=folder / "journal",
        master_key_file=folder / "master.key",
        zone_keys_file=folder / "zone.json",
        tokens_file=folder / "tokens.json",
        gate_key_file=folder / "gate.key.json",
        signing_key_file=folder / "signing.key.json",
        heads_folder=folder / "heads",
        broker_url=None,
        **changes,
    )


def a_commitment(role: RecipientRole, **changes: Any) -> Commitment:
    """Return the two papers of a recipient, both of this morning and good for two years."""
    own = OWN_PURPOSE[role]
    values: dict[str, Any] = {
        "purposes": frozenset({own}),
        "signed_on": NOON.date(),
        "valid_until": date(2028, 3, 1),
        "document_sha256": SHA,
        "staff_told_on": NOON.date(),
        "staff_document_sha256": SHA,
    }
    return Commitment(**{**values, **changes})


def register(
    work: UnitOfWork,
    recipient_id: str,
    role: RecipientRole,
    *offered: Category,
    public_key: dict[str, str] = PUBLIC_KEY,
    **changes: Any,
) -> None:
    """Register a recipient; `changes` are to its commitment."""
    said = recipients.Registration(
        recipient_id=recipient_id,
        organisation=f"register of {recipient_id}",
        role=role,
        display_name=recipient_id.title(),
        offered=tuple(offered or OFFERED.get(role, ())),
        public_key=public_key,
        commitment=a_commitment(role, **changes),
    )
    recipients.register(work, said, zone=BERLIN, recorded_by="operator-1")


def register_all(work: UnitOfWork, public_key: dict[str, str] = PUBLIC_KEY) -> None:
    """Register the recipients that every gate knows."""
    for recipient_id, role in KNOWN.items():
        register(work, recipient_id, role, public_key=public_key)
