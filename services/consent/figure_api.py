"""HTTP of steering figures: the operator sees which quarter is published, and who has not told one. No number."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from services.consent import figures
from services.consent.settings import ConsentSettings
from shared.service import Service
from shared.web import Caller, Role, allow


def add_figure_routes(router: APIRouter, service: Service, settings: ConsentSettings) -> None:
    """Add how publishing is watched."""

    @router.get("/figures", tags=["operation"])
    def listed(_caller: Annotated[Caller, Depends(allow(Role.OPERATOR))]) -> list[dict[str, Any]]:  # Any: JSON values
        """List quarters: when each was published, or which services have not told what they counted."""
        with service.database.read() as session:
            return figures.listed(session, now=service.clock(), town=settings.town)
