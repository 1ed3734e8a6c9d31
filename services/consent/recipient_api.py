"""HTTP of the operator: the registry of recipients, the gate's key, the check of the ledger."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse
from sqlmodel import select

from services.consent import recipients
from services.consent.errors import RecipientNotFound
from services.consent.form import RecipientId, RecipientRegistered
from services.consent.head_export import read_heads_file
from services.consent.outside import Outside
from services.consent.settings import ConsentSettings
from services.consent.signing import SigningKey
from services.consent.tables import RecipientRow
from services.consent.verification import verify_chain
from shared.service import Service
from shared.web import Caller, Role, allow

NamedRecipient = Annotated[RecipientId, Path()]
Operator = Annotated[Caller, Depends(allow(Role.OPERATOR))]


def add_recipient_routes(
    router: APIRouter, service: Service, outside: Outside, settings: ConsentSettings, key: SigningKey
) -> None:
    """Add what an operator can do and see."""

    @router.get("/gate-key", tags=["recipients"])
    def gate_key(_caller: Operator) -> dict[str, Any]:  # Any: a JWK
        """Return the public key that recipients seal their commands with."""
        return outside.gate_public_key

    @router.put("/recipients/{recipient_id}", tags=["recipients"])
    async def register(
        recipient_id: NamedRecipient, registered: RecipientRegistered, _caller: Operator
    ) -> JSONResponse:
        """Register a recipient, or change its key or what is offered to it. The gate connects within a second."""
        await service.writer.run(
            lambda work: recipients.register(
                work,
                recipient_id=recipient_id,
                role=registered.role,
                display_name=registered.display_name,
                offered=registered.offered,
                public_key=registered.public_key,
                signed_on=registered.secrecy_commitment.signed_on,
                document_sha256=registered.secrecy_commitment.document_sha256,
            )
        )
        return JSONResponse({"recipient_id": recipient_id})

    @router.get("/recipients", tags=["recipients"])
    def registered_recipients(_caller: Operator) -> list[dict[str, Any]]:  # Any: JSON values
        """List recipients, and whether the gate's line to each stands."""
        lines = outside.lines_up()
        with service.database.read() as session:
            rows = session.exec(select(RecipientRow).order_by(RecipientRow.recipient_id)).all()
        return [
            {
                "recipient_id": row.recipient_id,
                "role": row.role,
                "offered": row.offered,
                "ended_at": row.ended_at.isoformat() if row.ended_at else None,
                "connected": lines.get(row.recipient_id, False),
                "name_in_logs": outside.name_in_logs(row.recipient_id),
            }
            for row in rows
        ]

    @router.post("/recipients/{recipient_id}/ending", tags=["recipients"])
    async def end(recipient_id: NamedRecipient, _caller: Operator) -> dict[str, str]:
        """End a recipient: from this reply on it opens nothing. `ops.provision` takes its account away."""
        await service.writer.run(lambda work: recipients.end(work, recipient_id=recipient_id))
        return {"recipient_id": recipient_id}

    @router.get("/ledger/{recipient_id}/verification", tags=["operation"])
    def verify(recipient_id: NamedRecipient, _caller: Operator) -> dict[str, Any]:  # Any: JSON values
        """Check a recipient's chain, also against the heads that were exported: whole, or the first fault."""
        exported = read_heads_file(settings.heads_file(), key.public)  # before the ledger: it was committed first
        with service.database.read() as session:
            if session.get(RecipientRow, recipient_id) is None:
                raise RecipientNotFound(recipient_id)
            found = verify_chain(session, recipient_id, exported=exported, keys=service.keys)
        fault = {"number": found.fault.number, "reason": found.fault.reason} if found.fault else None
        return {
            "recipient_id": recipient_id,
            "whole": found.whole and not exported.forged_lines,
            "fault": fault,
            "entries": found.entries,
            "exported_heads": found.heads,
            "forged_lines": list(exported.forged_lines),
        }
