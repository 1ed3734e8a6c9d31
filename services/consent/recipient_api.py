"""HTTP of the operator: the registry of recipients, the gate's key, the check of the ledger."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import structlog
from fastapi import APIRouter, Depends, Path
from sqlmodel import select

from services.consent import capacity_query, lapse, recipients, reconsideration
from services.consent.commitment import last_day_before
from services.consent.errors import RecipientNotFound
from services.consent.form import KeyChanged, RecipientId, RecipientRegistered, Reinstatement
from services.consent.head_export import read_heads_file
from services.consent.outside import Outside
from services.consent.recipient_tables import CommitmentRow, RecipientRow
from services.consent.settings import ConsentSettings
from services.consent.signing import SigningKey
from services.consent.verification import verify_chain
from shared.service import Service
from shared.unit_of_work import UnitOfWork
from shared.web import Caller, Role, allow

log = structlog.get_logger()

R = TypeVar("R")
Answered = dict[str, Any]  # Any: JSON values

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

    @router.get("/capacity-queries", tags=["recipients"])
    def capacity_queries(
        _caller: Annotated[Caller, Depends(allow(Role.OPERATOR, Role.LEAD, Role.ASSESSOR))],
    ) -> list[dict[str, Any]]:  # Any: JSON values
        """List what each provider was asked last about its places, and whether it answered."""
        with service.database.read() as session:
            return capacity_query.listed(session)

    @router.put("/recipients/{recipient_id}", tags=["recipients"])
    async def register(recipient_id: NamedRecipient, registered: RecipientRegistered, caller: Operator) -> Answered:
        """Register a recipient, or take over its new name, offer or commitment. The gate connects within a second."""
        said = registered.registration(recipient_id)
        await _locking(
            service,
            recipient_id,
            lambda work: recipients.register(work, said, zone=settings.zone(), recorded_by=caller.caller_id),
        )
        log.info("recipient_registered", recipient=outside.name_in_logs(recipient_id), by=caller.caller_id)
        return {"recipient_id": recipient_id}

    @router.put("/recipients/{recipient_id}/key", tags=["recipients"])
    async def change_key(recipient_id: NamedRecipient, changed: KeyChanged, caller: Operator) -> Answered:
        """Seal answers for another key, within a second from this reply on. The one before is never taken again."""
        kid = await _locking(
            service,
            recipient_id,
            lambda work: recipients.change_key(work, recipient_id=recipient_id, public_key=changed.public_key),
        )
        log.info("recipient_key_changed", recipient=outside.name_in_logs(recipient_id), kid=kid, by=caller.caller_id)
        return {"recipient_id": recipient_id, "kid": kid}

    @router.get("/recipients", tags=["recipients"])
    def registered_recipients(_caller: Operator) -> list[Answered]:
        """List recipients: until when their commitment holds, which key they have, whether the gate's line stands."""
        with service.database.read() as session:
            rows = session.exec(select(RecipientRow).order_by(RecipientRow.recipient_id)).all()
            left = reconsideration.waiting(session)
            purposes = dict(session.exec(select(CommitmentRow.commitment_id, CommitmentRow.purposes)).all())
        lines, now = outside.lines_up(), service.clock()
        return [
            {
                "recipient_id": row.recipient_id,
                "organisation": row.organisation,
                "display_name": row.display_name,
                "role": row.role,
                "offered": row.offered,
                "shields": row.shields,
                "purposes": purposes.get(row.commitment_id or "", []),
                "kid": recipients.thumbprint_of(row.public_key),
                "state": lapse.state_of(row, at=now).value,
                "commitment_ends_on": last_day_before(row.commitment_ends_at, settings.zone()).isoformat(),
                "ended_at": row.ended_at.isoformat() if row.ended_at else None,
                "connected": lines.get(row.recipient_id, False),
                "name_in_logs": outside.name_in_logs(row.recipient_id),
                "persons_to_reconsider": left.get(row.recipient_id, 0),
            }
            for row in rows
        ]

    @router.post("/recipients/{recipient_id}/ending", tags=["recipients"])
    async def end(recipient_id: NamedRecipient, caller: Operator) -> Answered:
        """End a recipient: from this reply on it opens nothing. `ops.provision end-recipient` takes its account too."""
        await _locking(service, recipient_id, lambda work: recipients.end(work, recipient_id=recipient_id))
        log.info("recipient_ended", recipient=outside.name_in_logs(recipient_id), by=caller.caller_id)
        return {"recipient_id": recipient_id}

    @router.post("/recipients/{recipient_id}/reinstatement", tags=["recipients"])
    async def reinstate(recipient_id: NamedRecipient, given: Reinstatement, caller: Operator) -> Answered:
        """Bring an ended recipient of the same organisation back, under fresh papers. No old answer comes back."""
        await _locking(
            service,
            recipient_id,
            lambda work: recipients.reinstate(
                work,
                recipient_id=recipient_id,
                organisation=given.organisation,
                commitment=given.commitment(),
                public_key=given.public_key,
                zone=settings.zone(),
                recorded_by=caller.caller_id,
            ),
        )
        log.info("recipient_reinstated", recipient=outside.name_in_logs(recipient_id), by=caller.caller_id)
        return {"recipient_id": recipient_id}

    @router.get("/ledger/{recipient_id}/verification", tags=["operation"])
    def verify(recipient_id: NamedRecipient, _caller: Operator) -> dict[str, Any]:  # Any: JSON values
        """Check a recipient's chain, also against the heads that were exported: whole, or the first fault."""
        exported = read_heads_file(settings.heads_file(), key.public)  # before the ledger: it was committed first
        with service.database.read() as session:
            if session.get(RecipientRow, recipient_id) is None:
                raise RecipientNotFound
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


async def _locking(service: Service, recipient_id: str, handler: Callable[[UnitOfWork], R]) -> R:
    """Change a recipient while none of its openings is under way: they hold the same lock."""
    return await service.writer.run(handler, locks=lambda _: {f"recipient:{recipient_id}"}, urgent=True)
