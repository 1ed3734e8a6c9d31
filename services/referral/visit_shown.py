"""What is seen of a visit: by its own workers where it is, by everybody else of the team that, when and by whom."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from services.referral.visit import Leaving, Open, Over, Permission, Plan, Visit, due_at, step_of
from services.referral.visit_state import VisitState


class PermissionShown(BaseModel):
    """The person's own word, as it was recorded."""

    given_how: str = Field(repr=False)
    language: str = Field(repr=False)
    recorded_by: str
    given_at: datetime = Field(repr=False)

    @classmethod
    def of(cls, permission: Permission) -> Self:
        """Return it as it is shown."""
        return cls(
            given_how=permission.given_how,
            language=permission.language,
            recorded_by=permission.recorded_by,
            given_at=permission.given_at,
        )


class VisitShown(BaseModel):
    """A visit and whose turn it is; of one that is over nothing but that. Where it is, only its own workers see."""

    visit_id: str
    case_id: str
    proposed_by: str
    state: VisitState
    purpose: str | None = Field(default=None, repr=False)
    workers: list[str] | None = None
    from_at: datetime | None = Field(default=None, repr=False)
    until_at: datetime | None = Field(default=None, repr=False)
    plan_sha256: str | None = Field(default=None, repr=False)
    """What a permission has to name: it stands for this very plan and no other."""
    permission: PermissionShown | None = Field(default=None, repr=False)
    owner: str | None = None
    next_step: str | None = Field(default=None, repr=False)
    due_at: datetime | None = Field(default=None, repr=False)
    when_overdue: str | None = Field(default=None, repr=False)
    where: str | None = Field(default=None, repr=False)
    ask_for: str | None = Field(default=None, repr=False)
    language: str | None = Field(default=None, repr=False)

    @classmethod
    def of(cls, visit: Visit, *, to: str) -> Self:
        """Return it as it is shown to somebody."""
        shown = cls(visit_id=visit.visit_id, case_id=visit.case_id, proposed_by=visit.proposed_by, state=visit.state)
        if isinstance(visit, Over):
            return shown
        known = shown.model_copy(update=_known_to_the_team(visit))
        goes_there = to in visit.plan.workers and not isinstance(visit, Leaving)
        return known.model_copy(update=_place(visit.plan)) if goes_there else known


class SearchShown(BaseModel):
    """Where somebody is of whom there is no word in time: for a lead, to go or send there."""

    visit_id: str
    workers: list[str]
    from_at: datetime = Field(repr=False)
    until_at: datetime = Field(repr=False)
    where: str = Field(repr=False)
    ask_for: str | None = Field(repr=False)
    language: str | None = Field(repr=False)

    @classmethod
    def of(cls, visit_id: str, plan: Plan) -> Self:
        """Return it as it is shown."""
        return cls(
            visit_id=visit_id,
            workers=list(plan.workers),
            from_at=plan.from_at,
            until_at=plan.until_at,
            where=plan.where,
            ask_for=plan.ask_for,
            language=plan.language,
        )


def _known_to_the_team(visit: Open) -> dict[str, object]:
    step, plan, permission = step_of(visit), visit.plan, getattr(visit, "permission", None)
    return {
        "purpose": plan.purpose.value,
        "workers": list(plan.workers),
        "from_at": plan.from_at,
        "until_at": plan.until_at,
        "plan_sha256": plan.sha256,
        "permission": PermissionShown.of(permission) if permission else None,
        "owner": step.owner.value,
        "next_step": step.next_step,
        "due_at": due_at(visit),
        "when_overdue": step.when_overdue,
    }


def _place(plan: Plan) -> dict[str, object]:
    return {"where": plan.where, "ask_for": plan.ask_for, "language": plan.language}
