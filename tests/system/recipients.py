"""Registrations of made-up recipients, each with a key made on the spot."""

from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc.jwk import ECKey

from ops.recipient import Registration, registration


def a_public_key() -> dict[str, object]:
    """Make a key pair and keep its public half only."""
    return dict(ECKey.generate_key("P-256", private=False).as_dict(private=False))


def what_is_said(recipient_id: str, **changes: Any) -> dict[str, Any]:
    """Return what an operator has on a recipient that has a key and handed in its papers today."""
    role = "jobcenter" if recipient_id.startswith("jobcenter") else "provider"
    today = datetime.now(UTC).date()
    return {
        "recipient_id": recipient_id,
        "organisation": f"synthetic register, {recipient_id}",
        "role": role,
        "display_name": recipient_id.title(),
        "offered": ["contact"],
        "public_key": a_public_key(),
        "purpose_commitment": {
            "signed_on": today.isoformat(),
            "valid_until": (today + timedelta(days=365)).isoformat(),
            "document_sha256": "0" * 64,
            "purposes": ["benefit" if role == "jobcenter" else "referral"],
        },
        "staff_secrecy_notice": {"given_on": today.isoformat(), "document_sha256": "0" * 64},
        **changes,
    }


def a_registration(recipient_id: str, **changes: Any) -> Registration:
    """Register a recipient that has a key and whose papers are in force."""
    return registration(what_is_said(recipient_id, **changes), today=datetime.now(UTC).date())
