"""What an operator hands in about a recipient, as it comes over HTTP, and a registry to hand it to."""

from typing import Any

from httpx2 import Response
from joserfc.jwk import ECKey

from tests.consent.builders import SHA
from tests.consent.gate import Answer, Gate
from tests.consent.surroundings import PUBLIC_KEY

DEBT_HELP = "schuldnerhilfe"


def a_key() -> dict[str, str]:
    """Make a key pair and keep its public half."""
    return {name: str(value) for name, value in ECKey.generate_key("P-256", private=False).as_dict().items()}


def papers(**changes: Any) -> dict[str, Any]:
    """Return an organisation's two papers."""
    return {
        "organisation": f"register of {DEBT_HELP}",
        "purpose_commitment": a_purpose_commitment(),
        "staff_secrecy_notice": {"given_on": "2026-02-01", "document_sha256": SHA},
        **changes,
    }


def a_purpose_commitment(**changes: Any) -> dict[str, Any]:
    """Return a provider's commitment, signed in January for two years."""
    return {
        "signed_on": "2026-01-15",
        "valid_until": "2028-01-14",
        "document_sha256": SHA,
        "purposes": ["referral"],
        **changes,
    }


def a_registration(**changes: Any) -> dict[str, Any]:
    """Return how an operator registers a provider."""
    return {
        "role": "provider",
        "display_name": "Schuldnerhilfe",
        "offered": ["identity", "debts"],
        "public_key": PUBLIC_KEY,
        **papers(),
        **changes,
    }


def put(gate: Gate, recipient_id: str = DEBT_HELP, **changes: Any) -> Response:
    """Register a recipient, or change it."""
    answer = gate.ask("PUT", f"/recipients/{recipient_id}", a_registration(**changes), role="operator")
    gate.clock.pass_()
    return answer


def end(gate: Gate, recipient_id: str) -> None:
    """End a recipient."""
    assert gate.ask("POST", f"/recipients/{recipient_id}/ending", role="operator").status_code == 200
    gate.clock.pass_()


def reinstate(gate: Gate, recipient_id: str, **changes: Any) -> Response:
    """Bring an ended recipient back, under papers of today."""
    purpose = "benefit" if recipient_id.startswith("jobcenter") else "referral"
    commitment = a_purpose_commitment(signed_on=gate.clock.now.date().isoformat(), purposes=[purpose])
    body = papers(organisation=f"register of {recipient_id}", purpose_commitment=commitment, **changes)
    answer = gate.ask("POST", f"/recipients/{recipient_id}/reinstatement", body, role="operator")
    gate.clock.pass_()
    return answer


def change_key(gate: Gate, recipient_id: str, key: dict[str, str]) -> Response:
    """Give a recipient another key."""
    return gate.ask("PUT", f"/recipients/{recipient_id}/key", {"public_key": key}, role="operator")


def listed(gate: Gate, recipient_id: str) -> Answer:
    """Return how an operator sees a recipient."""
    found: list[Answer] = gate.ask("GET", "/recipients", role="operator").json()
    return next(item for item in found if item["recipient_id"] == recipient_id)
