"""HTTP of the person's desk: what the gate knows of the person, and what of it the person contests."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from services.consent import contests
from services.consent.domain import KnownFact
from shared.contracts.envelope import Id
from shared.service import Service
from shared.web import Caller, Role, allow

PersonId = Annotated[Id, Path()]
FactId = Annotated[Id, Path()]
PersonDesk = Annotated[Caller, Depends(allow(Role.PERSON_DESK))]


def add_contest_routes(router: APIRouter, service: Service) -> None:
    """Add how a person contests a finding."""

    @router.get("/persons/{person_id}/facts", tags=["person"])
    async def facts(person_id: PersonId, _caller: PersonDesk) -> list[dict[str, Any]]:  # Any: JSON values
        """Return what the gate knows and could release, and what of it is contested."""
        found = await service.writer.run(lambda work: contests.known_of(work, person_id))
        return [_shown(fact) for fact in found]

    @router.post("/persons/{person_id}/facts/{fact_id}/contest", tags=["person"])
    async def contest(person_id: PersonId, fact_id: FactId, _caller: PersonDesk) -> dict[str, Any]:  # Any: JSON values
        """Contest a finding. With this reply it leaves with that note only, whatever the team says."""
        found = await service.writer.run(
            lambda work: contests.contest(work, person_id=person_id, fact_id=fact_id),
            locks=lambda _: {f"person:{person_id}"},
            urgent=True,
        )
        return _marks(found)

    @router.post("/persons/{person_id}/facts/{fact_id}/contest-withdrawal", tags=["person"])
    async def withdraw_contest(
        person_id: PersonId, fact_id: FactId, _caller: PersonDesk
    ) -> dict[str, Any]:  # Any: JSON values
        """Contest a finding no longer."""
        found = await service.writer.run(
            lambda work: contests.withdraw(work, person_id=person_id, fact_id=fact_id),
            locks=lambda _: {f"person:{person_id}"},
            urgent=True,
        )
        return _marks(found)


def _marks(fact: KnownFact) -> dict[str, Any]:
    contested = bool(fact.content.get("contested"))
    return {"fact_id": fact.fact_id, "contested": contested, "contested_by_person": fact.contested_by_person}


def _shown(fact: KnownFact) -> dict[str, Any]:
    """Return a fact for the person's eyes; what is about somebody else is theirs (Art. 15 (4) GDPR)."""
    shown = {**_marks(fact), "category": fact.category.value, "can_be_contested": contests.can_be_contested(fact)}
    if fact.about_id is not None:
        return {**shown, "about": "somebody_else"}
    said = {name: value for name, value in fact.content.items() if name != "contested"}
    return {**shown, "about": "the_person", "professional": fact.professional, "content": said}
