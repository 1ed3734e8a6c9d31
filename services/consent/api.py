"""HTTP of the consent service: the person's desk, the registry of recipients, the operator."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlmodel import select

from services.consent import grants, ledger_view, preview, recipients, store
from services.consent.errors import RecipientNotFound
from services.consent.form import GrantGiven, PreviewAsked, RecipientId, RecipientRegistered, Withdrawal
from services.consent.outside import Outside
from services.consent.settings import ConsentSettings
from services.consent.tables import RecipientRow
from shared.contracts.envelope import Id
from shared.service import Service
from shared.web import Caller, Role, allow

PersonId = Annotated[Id, Path()]
NamedRecipient = Annotated[RecipientId, Path()]
PersonDesk = Annotated[Caller, Depends(allow(Role.PERSON_DESK))]
Operator = Annotated[Caller, Depends(allow(Role.OPERATOR))]


def routes(service: Service, settings: ConsentSettings, outside: Outside) -> APIRouter:
    """Return all routes of the consent service beside health and parked messages."""
    router = APIRouter()
    _add_person_routes(router, service, settings)
    _add_recipient_routes(router, service, settings, outside)
    return router


def _add_person_routes(router: APIRouter, service: Service, settings: ConsentSettings) -> None:
    @router.post("/grants", status_code=201, tags=["person"])
    async def give_grant(given: GrantGiven, caller: PersonDesk) -> dict[str, list[str]]:
        """Record a person's answers; they take effect with this reply, and end the answers before them."""
        declared = given.declaration(recorded_by=caller.caller_id)
        grant_ids = await service.writer.run(
            lambda work: grants.record(work, declared), locks=lambda _: {f"person:{given.person_id}"}, urgent=True
        )
        return {"grant_ids": grant_ids}

    @router.post("/withdrawals", tags=["person"])
    async def withdraw(withdrawal: Withdrawal, _caller: PersonDesk) -> dict[str, int]:
        """Take answers back. With this reply nothing of it can be opened any more."""
        ended = await service.writer.run(
            lambda work: grants.withdraw(work, **dict(withdrawal)),
            locks=lambda _: {f"person:{withdrawal.person_id}"},
            urgent=True,
        )
        return {"answers_ended": ended}

    @router.post("/previews", tags=["person"])
    async def look_ahead(asked: PreviewAsked, _caller: PersonDesk) -> dict[str, Any]:  # Any: JSON values
        """Show exactly what a recipient would see of what is known now. Nothing is recorded."""
        return await service.writer.run(lambda work: preview.would_see(work, **dict(asked)))

    @router.get("/persons/{person_id}/answers", tags=["person"])
    async def answers(person_id: PersonId, _caller: PersonDesk) -> list[dict[str, Any]]:  # Any: JSON values
        """Return every answer that the person ever gave, and which of them stand."""
        now = service.clock()
        found = await service.writer.run(lambda work: grants.given_by(work, person_id))
        return [
            {
                "grant_id": answer.grant_id,
                "recipient_id": answer.recipient_id,
                "purpose": answer.purpose,
                "kind": answer.kind.value,
                "category": answer.category.value,
                "word": answer.word.value,
                "given_at": answer.given_at.isoformat(),
                "expires_at": answer.expires_at.isoformat() if answer.expires_at else None,
                "stands": answer.stands(at=now),
            }
            for answer in found
        ]

    @router.get("/persons/{person_id}/ledger", tags=["person"])
    def ledger(person_id: PersonId, _caller: PersonDesk) -> list[dict[str, Any]]:  # Any: JSON values
        """Return everything that every recipient ever received about the person."""
        with service.database.read() as session:
            store.load_person(session, person_id)
            found = ledger_view.received_about(session, service.keys, person_id)
        return [
            {
                "recipient_id": item.recipient_id,
                "recipient": item.recipient_name,
                "number": item.number,
                "kind": item.kind.value,
                "at": item.at.isoformat(),
                "release_id": item.release_id,
                "content": item.content,
            }
            for item in found
        ]

    @router.get("/persons/{person_id}/ledger/in-plain-words", tags=["person"])
    def ledger_in_plain_words(person_id: PersonId, _caller: PersonDesk) -> PlainTextResponse:
        """Return the same as sentences."""
        with service.database.read() as session:
            store.load_person(session, person_id)
            found = ledger_view.received_about(session, service.keys, person_id)
        return PlainTextResponse(ledger_view.in_plain_words(found, settings.zone()))


def _add_recipient_routes(router: APIRouter, service: Service, settings: ConsentSettings, outside: Outside) -> None:
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
        """Check a recipient's chain: whole, or the first place where it is not."""
        with service.database.read() as session:
            if session.get(RecipientRow, recipient_id) is None:
                raise RecipientNotFound(recipient_id)
            fault = ledger_view.verify(session, service.keys, recipient_id)
        found = {"number": fault.number, "reason": fault.reason} if fault else None
        return {"recipient_id": recipient_id, "whole": fault is None, "fault": found}
