"""HTTP of receipts: for the person alone; and the key that anybody needs to verify one."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.responses import PlainTextResponse
from sqlmodel import Session

from services.consent import receipts
from services.consent.receipt_words import in_plain_words
from services.consent.receipts import Issuer
from services.consent.settings import ConsentSettings
from services.consent.signing import content_of
from services.consent.tables import GrantRow
from shared.contracts.envelope import Id
from shared.service import Service
from shared.web import Caller, Role, allow

GrantId = Annotated[Id, Path()]
PersonId = Annotated[Id, Path()]
PersonDesk = Annotated[Caller, Depends(allow(Role.PERSON_DESK))]
WhoVerifies = Annotated[Caller, Depends(allow(Role.PERSON_DESK, Role.OPERATOR))]


def add_receipt_routes(router: APIRouter, service: Service, settings: ConsentSettings, issuer: Issuer) -> None:
    """Add what a person can take home."""

    async def receipt_of(grant_id: str) -> str:
        return await service.writer.run(
            lambda work: receipts.of_grant(work, grant_id, issuer=issuer),
            locks=lambda session: _person_of(session, grant_id),
        )

    @router.get("/grants/{grant_id}/receipt", tags=["person"])
    async def receipt(grant_id: GrantId, _caller: PersonDesk) -> dict[str, str]:
        """Return the signed receipt of a grant (compact JWS). It is made once and stays the same."""
        return {"record_id": grant_id, "receipt": await receipt_of(grant_id)}

    @router.get("/grants/{grant_id}/receipt/in-plain-words", tags=["person"])
    async def receipt_in_plain_words(grant_id: GrantId, _caller: PersonDesk) -> PlainTextResponse:
        """Return what the receipt says as sentences."""
        return PlainTextResponse(in_plain_words(content_of(await receipt_of(grant_id)), settings.zone()))

    @router.get("/persons/{person_id}/receipts", tags=["person"])
    async def receipts_of_person(person_id: PersonId, _caller: PersonDesk) -> list[dict[str, str]]:
        """Return every receipt that the person was given, of withdrawals too."""
        found = await service.writer.run(lambda work: receipts.of_person(work, person_id))
        zone = settings.zone()
        return [
            {
                "record_id": record_id,
                "receipt": signed,
                "in_plain_words": in_plain_words(content_of(signed), zone),
            }
            for record_id, signed in found
        ]

    @router.get("/signing-key", tags=["person", "operation"])
    def signing_key(_caller: WhoVerifies) -> dict[str, Any]:  # Any: a JWK Set
        """Return the public keys that receipts and exported heads are verified with, the newest first."""
        return issuer.key.public.as_dict()


def _person_of(session: Session, grant_id: str) -> set[str]:
    grant = session.get(GrantRow, grant_id)
    return {f"person:{grant.person_id}"} if grant else set()
