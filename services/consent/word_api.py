"""HTTP of the person's word: confirming, disputing, holding, answering what waits, and who may answer for somebody."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Path
from sqlalchemy import inspect
from sqlmodel import Session, select

from services.consent import confirmation, holds, inquiries, narrowing, representation, store
from services.consent.form import (
    DisputeSettled,
    Invalid,
    PlaceSaid,
    RepresentationGiven,
    RepresentationStopped,
    Signal,
    WordGiven,
)
from services.consent.notices import reconsider
from services.consent.tables import GrantRow, InquiryRow, RepresentationRow
from shared.contracts.envelope import Id
from shared.service import Service
from shared.unit_of_work import UnitOfWork
from shared.web import Caller, Role, allow

Named = Annotated[Id, Path()]
PersonDesk = Annotated[Caller, Depends(allow(Role.PERSON_DESK))]
SignalTaker = Annotated[Caller, Depends(allow(Role.PERSON_DESK, Role.ASSESSOR))]
R = TypeVar("R")
Answered = dict[str, Any]  # Any: JSON values


def add_word_routes(router: APIRouter, service: Service) -> None:
    """Add what a person's word can do beyond a first answer."""
    _add_confirmation_routes(router, service)
    _add_hold_routes(router, service)
    _add_inquiry_routes(router, service)
    _add_representation_routes(router, service)


def _add_confirmation_routes(router: APIRouter, service: Service) -> None:
    @router.post("/grants/{grant_id}/confirmation", tags=["person"])
    async def confirm(grant_id: Named, said: PlaceSaid, _caller: PersonDesk) -> Answered:
        """Confirm what was said at the Jobcenter, from another place; until then nothing of it counts."""
        await _for_grant(
            service, grant_id, lambda work: confirmation.confirm(work, grant_id=grant_id, place=said.place)
        )
        return {"grant_id": grant_id}

    @router.post("/grants/{grant_id}/dispute", tags=["person"])
    async def dispute(grant_id: Named, _caller: PersonDesk) -> Answered:
        """Say that this was never one's word: it opens nothing from this reply on, and what it opened is retracted."""
        await _for_grant(service, grant_id, lambda work: confirmation.dispute(work, grant_id=grant_id))
        return {"grant_id": grant_id}

    @router.post("/grants/{grant_id}/dispute-settlement", tags=["person"])
    async def settle(grant_id: Named, settled: DisputeSettled, _caller: PersonDesk) -> Answered:
        """End a dispute: it stands after all, or it is invalid."""
        await _for_grant(
            service,
            grant_id,
            lambda work: confirmation.settle(work, grant_id=grant_id, outcome=settled.outcome, place=settled.place),
        )
        return {"grant_id": grant_id, "outcome": settled.outcome.value}

    @router.post("/grants/{grant_id}/invalidity", tags=["person"])
    async def invalidate(grant_id: Named, found: Invalid, _caller: PersonDesk) -> Answered:
        """Record that a yes or an ask never was one; the person is asked anew."""
        await _for_grant(
            service, grant_id, lambda work: confirmation.invalidate(work, grant_id=grant_id, because=found.reason)
        )
        return {"grant_id": grant_id, "reason": found.reason.value}


def _add_hold_routes(router: APIRouter, service: Service) -> None:
    @router.post("/persons/{person_id}/hold", tags=["person"])
    async def hold(person_id: Named, signal: Signal, _caller: SignalTaker) -> Answered:
        """Take a quiet signal: nothing more leaves, nothing is retracted, nobody outside can see it."""
        await _urgently(
            service,
            lambda work: holds.hold(work, person_id=person_id, recipient_id=signal.recipient_id),
            lambda _: {f"person:{person_id}"},
        )
        return {"person_id": person_id}

    @router.post("/persons/{person_id}/hold-lifting", tags=["person"])
    async def lift(person_id: Named, said: PlaceSaid, _caller: PersonDesk) -> Answered:
        """Lift all holds of a person, from a place without pressure."""
        lifted = await _urgently(
            service,
            lambda work: holds.lift(work, person_id=person_id, place=said.place),
            lambda _: {f"person:{person_id}"},
        )
        return {"person_id": person_id, "lifted": lifted}


def _add_inquiry_routes(router: APIRouter, service: Service) -> None:
    @router.get("/persons/{person_id}/inquiries", tags=["person"])
    async def waiting(person_id: Named, _caller: PersonDesk) -> list[Answered]:
        """Return every message that waits for the person's word, as it would be sent, with its hash."""

        def read(work: UnitOfWork) -> list[Answered]:
            store.load_person(work.session, person_id)
            return inquiries.waiting_for(work, person_id)

        return await service.writer.run(read)

    @router.post("/inquiries/{inquiry_id}/word", tags=["person"])
    async def answer(inquiry_id: Named, given: WordGiven, _caller: PersonDesk) -> Answered:
        """Take the person's word on exactly this message. A yes to another text than the one shown is refused."""

        def take(work: UnitOfWork) -> None:
            row = inquiries.answer(work, inquiry_id=inquiry_id, word=given.word, sha256=given.sha256, place=given.place)
            reconsider(work, row.person_id)

        await _urgently(service, take, lambda session: _person(session, InquiryRow, inquiry_id))
        return {"inquiry_id": inquiry_id}


def _add_representation_routes(router: APIRouter, service: Service) -> None:
    @router.post("/persons/{person_id}/representations", status_code=201, tags=["person"])
    async def record(person_id: Named, given: RepresentationGiven, caller: PersonDesk) -> Answered:
        """Record who may answer for a person, within a stated scope."""
        scope = representation.Scope(given.recipient_ids, given.categories)
        representation_id = await service.writer.run(
            lambda work: representation.record(
                work,
                person_id=person_id,
                kind=given.kind,
                name=given.name,
                scope=scope,
                works_for=given.works_for,
                valid_until=given.valid_until,
                document_sha256=given.document_sha256,
                recorded_by=caller.caller_id,
            ),
            locks=lambda _: {f"person:{person_id}"},
        )
        return {"representation_id": representation_id}

    @router.get("/persons/{person_id}/representations", tags=["person"])
    async def listed(person_id: Named, _caller: PersonDesk) -> list[Answered]:
        """Return who may answer for a person, or might once."""

        def read(work: UnitOfWork) -> list[Answered]:
            store.load_person(work.session, person_id)
            return [
                {
                    "representation_id": row.representation_id,
                    "kind": row.kind,
                    "name": held.name,
                    "recipient_ids": sorted(held.scope.recipient_ids),
                    "categories": sorted(held.scope.categories),
                    "works_for": held.works_for,
                    "valid_until": row.valid_until.isoformat(),
                    "ended_by": row.ended_by,
                }
                for row, held in representation.of_person(work, person_id)
            ]

        return await service.writer.run(read)

    @router.post("/representations/{representation_id}/stopping", tags=["person"])
    async def stop(representation_id: Named, stopped: RepresentationStopped, _caller: PersonDesk) -> Answered:
        """Stop a representation, by conflict of interest, the person's objection or its end; its yes ends with it."""

        def end(work: UnitOfWork) -> int:
            ended = representation.stop(work, representation_id=representation_id, because=stopped.because)
            ending = representation.ENDINGS[stopped.because]
            narrowing.end(work, ended, ending=ending)
            reconsider(work, representation.load(work.session, representation_id).person_id)
            return len(ended)

        ended = await _urgently(service, end, lambda session: _person(session, RepresentationRow, representation_id))
        return {"representation_id": representation_id, "answers_ended": ended}


async def _for_grant(service: Service, grant_id: str, handler: Callable[[UnitOfWork], None]) -> None:
    await _urgently(service, handler, lambda session: _person(session, GrantRow, grant_id))


async def _urgently(service: Service, handler: Callable[[UnitOfWork], R], locks: Callable[[Session], set[str]]) -> R:
    return await service.writer.run(handler, locks=locks, urgent=True)


def _person(
    session: Session, table: type[GrantRow] | type[InquiryRow] | type[RepresentationRow], row_id: str
) -> set[str]:
    """Return the person whose row it is, to be locked before anything is read. Whose it is never changes."""
    person_id = session.exec(select(table.person_id).where(inspect(table).primary_key[0] == row_id)).one_or_none()
    return {f"person:{person_id}"} if person_id is not None else set()
