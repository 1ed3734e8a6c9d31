"""Who may be given credentials: a recipient with a public key and the two papers of its organisation, nobody else.

The papers (a purpose commitment, § 78 (1) SGB X and § 35 SGB I; a staff secrecy notice, § 78 (2) SGB X) are checked
here before an account is made, and by the gate again whenever something is to leave.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from ops.errors import RegistrationInvalid
from shared.topology import is_recipient_id

LONGEST_YEARS = 3
PURPOSES = {
    "jobcenter": frozenset({"benefit", "billing", "steering"}),
    "provider": frozenset({"referral", "billing"}),
    "steering": frozenset({"steering"}),
}
NEEDED_PURPOSE = {"jobcenter": "benefit", "provider": "referral", "steering": "steering"}

FIELDS = frozenset(
    {
        "recipient_id",
        "organisation",
        "role",
        "display_name",
        "offered",
        "public_key",
        "purpose_commitment",
        "staff_secrecy_notice",
        "shields",
    }
)

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class PurposeCommitment:
    """What the organisation signed: it uses what it is given for these purposes alone, until that day."""

    signed_on: date
    valid_until: date
    document_sha256: str
    purposes: frozenset[str]


@dataclass(frozen=True, slots=True)
class StaffSecrecyNotice:
    """That the organisation's staff were told of the duty that comes with the data, and when."""

    given_on: date
    document_sha256: str


@dataclass(frozen=True, slots=True)
class Registration:
    """What the operator has on a recipient before it gets an account."""

    recipient_id: str
    organisation: str
    role: str
    display_name: str
    offered: tuple[str, ...]
    public_key: Mapping[str, str]
    purpose_commitment: PurposeCommitment
    staff_secrecy_notice: StaffSecrecyNotice
    shields: str | None = None
    """Of which Jobcenter recipient it is the shield."""

    def for_the_gate(self) -> dict[str, Any]:  # Any: JSON values
        """Return the body with which the gate registers it."""
        commitment, notice = self.purpose_commitment, self.staff_secrecy_notice
        return {
            **({"shields": self.shields} if self.shields is not None else {}),
            "organisation": self.organisation,
            "role": self.role,
            "display_name": self.display_name,
            "offered": list(self.offered),
            "public_key": dict(self.public_key),
            "purpose_commitment": {
                "signed_on": commitment.signed_on.isoformat(),
                "valid_until": commitment.valid_until.isoformat(),
                "document_sha256": commitment.document_sha256,
                "purposes": sorted(commitment.purposes),
            },
            "staff_secrecy_notice": {
                "given_on": notice.given_on.isoformat(),
                "document_sha256": notice.document_sha256,
            },
        }


def read_registration(path: Path, *, today: date) -> Registration:
    """Read a registration file."""
    return registration(_object_in(path), today=today)


def read_public_key(path: Path, *, field: str) -> Mapping[str, str]:
    """Read a file with a public key."""
    return public_key(_object_in(path), field=field)


def registration(
    said: Mapping[str, Any], *, today: date
) -> Registration:  # Any: untrusted JSON, checked field by field
    """Check a registration field by field; a field that there is not may be a slip that decides who is shielded."""
    unknown = sorted(set(said) - FIELDS)
    if unknown:
        raise RegistrationInvalid(
            "registration", f"has fields that there are not; there are {', '.join(sorted(FIELDS))}"
        )
    name = recipient_id(said.get("recipient_id"))
    key = public_key(said.get("public_key"), field="public_key")
    role = _text(said.get("role"), field="role")
    if role not in PURPOSES:
        raise RegistrationInvalid("role", "must be jobcenter, provider or steering")
    commitment = _commitment(said.get("purpose_commitment"), role=role, today=today)
    notice = _notice(said.get("staff_secrecy_notice"), today=today)
    return Registration(
        recipient_id=name,
        organisation=_text(said.get("organisation"), field="organisation"),
        role=role,
        display_name=_text(said.get("display_name"), field="display_name"),
        offered=_texts(said.get("offered"), field="offered"),
        public_key=key,
        purpose_commitment=commitment,
        staff_secrecy_notice=notice,
        shields=None if said.get("shields") is None else recipient_id(said["shields"]),
    )


def recipient_id(said: object) -> str:
    """Check a name that is to become a vhost and an account."""
    if not isinstance(said, str) or not is_recipient_id(said):
        raise RegistrationInvalid("recipient_id", "must be 3 to 40 of a-z, 0-9 and -, and no name of our own")
    return said


def public_key(said: object, *, field: str) -> Mapping[str, str]:
    """Check a public key: a JWK on the curve P-256 without its private half."""
    if not isinstance(said, Mapping):
        raise RegistrationInvalid(field, "is missing: register the public key that the owner made")
    if "d" in said:
        raise RegistrationInvalid(f"{field}.d", "is the private half, which must never leave its owner")
    for name, wanted in {"kty": "EC", "crv": "P-256"}.items():
        if said.get(name) != wanted:
            raise RegistrationInvalid(f"{field}.{name}", f"must be {wanted}")
    point = {name: str(said.get(name, "")) for name in ("kty", "crv", "x", "y")}
    try:
        ECKey.import_key({**point})
    except (JoseError, ValueError):
        raise RegistrationInvalid(field, "is no point on the curve P-256") from None
    return MappingProxyType(point)


def _object_in(path: Path) -> Mapping[str, Any]:  # Any: untrusted JSON
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RegistrationInvalid(path.name, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise RegistrationInvalid(path.name, "is not a JSON file") from None
    if not isinstance(said, dict):
        raise RegistrationInvalid(path.name, "must hold one JSON object")
    return said


def _commitment(said: object, *, role: str, today: date) -> PurposeCommitment:
    field = "purpose_commitment"
    if not isinstance(said, Mapping):
        raise RegistrationInvalid(field, "is missing: nobody gets credentials who did not commit to a purpose")
    commitment = PurposeCommitment(
        signed_on=_past_day(said.get("signed_on"), field=f"{field}.signed_on", today=today),
        valid_until=_day(said.get("valid_until"), field=f"{field}.valid_until"),
        document_sha256=_sha256(said.get("document_sha256"), field=f"{field}.document_sha256"),
        purposes=frozenset(_texts(said.get("purposes"), field=f"{field}.purposes")),
    )
    if commitment.valid_until < today:
        raise RegistrationInvalid(f"{field}.valid_until", "lies in the past: it has to be signed anew")
    if commitment.valid_until > years_after(commitment.signed_on, LONGEST_YEARS):
        raise RegistrationInvalid(f"{field}.valid_until", "must lie within three years of the signature")
    if not commitment.purposes <= PURPOSES[role]:
        raise RegistrationInvalid(f"{field}.purposes", "names a purpose that this role never has")
    if NEEDED_PURPOSE[role] not in commitment.purposes:
        raise RegistrationInvalid(f"{field}.purposes", f"must name {NEEDED_PURPOSE[role]}")
    return commitment


def _notice(said: object, *, today: date) -> StaffSecrecyNotice:
    field = "staff_secrecy_notice"
    if not isinstance(said, Mapping):
        raise RegistrationInvalid(field, "is missing: nobody gets credentials whose staff were not told of secrecy")
    notice = StaffSecrecyNotice(
        given_on=_past_day(said.get("given_on"), field=f"{field}.given_on", today=today),
        document_sha256=_sha256(said.get("document_sha256"), field=f"{field}.document_sha256"),
    )
    if years_after(notice.given_on, LONGEST_YEARS) < today:
        raise RegistrationInvalid(f"{field}.given_on", "lies more than three years back: tell the staff anew")
    return notice


def years_after(day: date, years: int) -> date:
    """Return the same day so many years later; the 29th of February becomes the 28th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _past_day(said: object, *, field: str, today: date) -> date:
    day = _day(said, field=field)
    if day > today:
        raise RegistrationInvalid(field, "must not lie in the future")
    return day


def _sha256(said: object, *, field: str) -> str:
    text = _text(said, field=field)
    if not _SHA256.fullmatch(text):
        raise RegistrationInvalid(field, "must be the SHA-256 of the signed document: 64 of 0-9 and a-f")
    return text


def _texts(said: object, *, field: str) -> tuple[str, ...]:
    if not isinstance(said, list):
        _missing(field)
    return tuple(_text(item, field=field) for item in said)


def _day(said: object, *, field: str) -> date:
    try:
        return date.fromisoformat(said) if isinstance(said, str) else _missing(field)
    except ValueError:
        raise RegistrationInvalid(field, "must be a day like 2026-01-31") from None


def _text(said: object, *, field: str) -> str:
    return said.strip() if isinstance(said, str) and said.strip() else _missing(field)


def _missing(field: str) -> NoReturn:
    raise RegistrationInvalid(field, "is missing")
