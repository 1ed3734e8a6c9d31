"""HTTP of the person's desk: answers, withdrawals, previews, and what everybody received."""

from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Path
from fastapi.responses import PlainTextResponse

from services.consent import __version__, export, grants, grounds, ledger_view, preview, receipts, repetition, store
from services.consent.form import GrantGiven, PreviewAsked, RecipientId, Withdrawal
from services.consent.settings import ConsentSettings
from shared.access import AccessExport
from shared.contracts.envelope import Id
from shared.repeat import RequestKey, lock_of, repeatable
from shared.service import Service
from shared.web import Caller, Role, allow

log = structlog.get_logger()

PersonId = Annotated[Id, Path()]
NamedRecipient = Annotated[RecipientId, Path()]
EntryNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]
PersonDesk = Annotated[Caller, Depends(allow(Role.PERSON_DESK))]


def add_person_routes(router: APIRouter, service: Service, settings: ConsentSettings, issuer: receipts.Issuer) -> None:
    """Add what a person can do and see."""

    @router.post("/grants", status_code=201, tags=["person"])
    async def give_grant(
        given: GrantGiven, caller: PersonDesk, key: RequestKey = None
    ) -> dict[str, Any]:  # Any: JSON values
        """Record a person's answers; they take effect with this reply, and end the answers before them.

        Sent again with its `Idempotency-Key` it is answered the same and changes nothing: what the person decided
        meanwhile, a withdrawal above all, stands.
        """
        declared = given.declaration(recorded_by=caller.caller_id)
        request = repeatable(key, sent_by=caller.caller_id, what="grant", body=given)
        given_out = await service.writer.run(
            lambda work: repetition.once(
                work,
                request,
                person_id=given.person_id,
                act=lambda work: receipts.record(work, declared, issuer=issuer),
            ),
            locks=lambda _: {f"person:{given.person_id}", *lock_of(request)},
            urgent=True,
        )
        return {"grant_ids": list(given_out), "receipts": given_out}

    @router.post("/withdrawals", tags=["person"])
    async def withdraw(withdrawal: Withdrawal, caller: PersonDesk) -> dict[str, Any]:  # Any: JSON values
        """Take answers back. With this reply nothing of it can be opened any more."""
        done = await service.writer.run(
            lambda work: receipts.withdraw(work, issuer=issuer, recorded_by=caller.caller_id, **dict(withdrawal)),
            locks=lambda _: {f"person:{withdrawal.person_id}"},
            urgent=True,
        )
        return {"answers_ended": done.answers_ended, "receipt": done.receipt}

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
                "given_by": answer.given_by,
                "stands": answer.stands(at=now),
                "state": answer.state(at=now).value,
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

    @router.get("/persons/{person_id}/ledger/{recipient_id}/{number}/grounds", tags=["person"])
    def grounds_of_entry(
        person_id: PersonId, recipient_id: NamedRecipient, number: EntryNumber, _caller: PersonDesk
    ) -> dict[str, Any]:  # Any: JSON values
        """Return why a recipient received this: which grants, which text, known since when, under which rules."""
        with service.database.read() as session:
            return grounds.grounds_of(
                session, service.keys, person_id=person_id, recipient_id=recipient_id, number=number
            )

    @router.get("/persons/{person_id}/ledger/in-plain-words", tags=["person"])
    def ledger_in_plain_words(person_id: PersonId, _caller: PersonDesk) -> PlainTextResponse:
        """Return the same as sentences."""
        with service.database.read() as session:
            store.load_person(session, person_id)
            found = ledger_view.received_about(session, service.keys, person_id)
        return PlainTextResponse(ledger_view.in_plain_words(found, settings.zone()))

    @router.get("/persons/{person_id}/export", tags=["person"])
    def export_person(person_id: PersonId, caller: PersonDesk) -> AccessExport:
        """Return everything that this service keeps about a person (Art. 15 and 20 GDPR, § 83 SGB X)."""
        with service.database.read() as session:
            records = export.kept(session, service.keys, person_id)
        log.info("access_given", by=caller.caller_id, person_id=person_id, records=len(records))
        return AccessExport.of(service.name, __version__, person_id, records, at=service.clock())
