"""Registrations of made-up recipients, each with a key made on the spot."""

from joserfc.jwk import ECKey

from ops.recipient import Registration, registration


def a_public_key() -> dict[str, object]:
    """Make a key pair and keep its public half only."""
    return dict(ECKey.generate_key("P-256", private=False).as_dict(private=False))


def a_registration(recipient_id: str) -> Registration:
    """Register a recipient that has a key and was bound to secrecy."""
    return registration(
        {
            "recipient_id": recipient_id,
            "public_key": a_public_key(),
            "secrecy_commitment": {"signed_on": "2026-01-12", "signed_by": "Leitung", "document": "V-2026-001"},
        }
    )
