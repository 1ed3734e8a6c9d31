"""HTTP of erasure: the person's desk asks for it, the operator sees how far it is."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from services.consent import erasure, erasures
from shared.contracts.envelope import Id
from shared.service import Service
from shared.web import Caller, Role, allow


def add_erasure_routes(router: APIRouter, service: Service) -> None:
    """Add how a person is forgotten, and how that is watched."""

    @router.post("/persons/{person_id}/erasure", status_code=202, tags=["person"])
    async def erase(
        person_id: Annotated[Id, Path()], caller: Annotated[Caller, Depends(allow(Role.PERSON_DESK))]
    ) -> dict[str, str]:
        """Forget a person: with this reply nothing can be opened, and the gate cannot read anything any more."""
        erasure_id = await service.writer.run(
            lambda work: erasure.request(work, person_id=person_id, requested_by=caller.caller_id),
            locks=lambda _: {f"person:{person_id}"},
            urgent=True,
        )
        return {"erasure_id": erasure_id}

    @router.get("/erasures", tags=["operation"])
    def listed(_caller: Annotated[Caller, Depends(allow(Role.OPERATOR))]) -> list[dict[str, Any]]:  # Any: JSON values
        """List erasures: how far each is, who has not confirmed it, and whether it is overdue. Never whose it is."""
        now = service.clock()
        with service.database.read() as session:
            found = erasures.all_erasures(session)
        return [
            {
                "erasure_id": one.erasure_id,
                "state": one.state.value,
                "requested_at": one.requested_at.isoformat(),
                "completed_at": one.completed_at.isoformat() if one.completed_at else None,
                "waits_for": list(one.waits_for),
                "overdue": one.is_overdue(at=now),
            }
            for one in found
        ]
