"""What the team sees of a referral: where it stands, whose turn it is, what has happened. Reading only."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from services.referral.domain import Happening, Referral


class Requested(BaseModel):
    """A referral that was asked for, and what the provider needs to know for it."""

    referral_id: str
    needed: list[str]


class NewsShown(BaseModel):
    """One thing that happened."""

    news: str = Field(repr=False)
    at: datetime

    @classmethod
    def of(cls, happening: Happening) -> Self:
        """Return it as it is shown."""
        return cls(news=happening.news, at=happening.at)


class AnswerShown(BaseModel):
    """What the provider said: its secret, told to the team only."""

    answer: str = Field(repr=False)
    answered_at: datetime
    appointment_at: datetime | None = Field(repr=False)
    outcome: str | None = Field(repr=False)
    noted_by: str | None
    """Who of the team wrote it down; nobody, if the provider answered itself."""

    @classmethod
    def of(cls, happening: Happening) -> Self:
        """Return it as it is shown."""
        return cls(
            answer=happening.news,
            answered_at=happening.at,
            appointment_at=happening.appointment_at,
            outcome=happening.outcome,
            noted_by=happening.noted_by,
        )


class ReferralLine(BaseModel):
    """Where a referral stands, whose turn it is, and until when."""

    referral_id: str
    case_id: str
    recipient_id: str = Field(repr=False)
    service: str = Field(repr=False)
    state: str
    since: datetime
    responsible_id: str
    owner: str | None
    next_step: str | None
    due_at: datetime | None
    when_overdue: str | None
    """What whoever is responsible does once the step is overdue."""

    @classmethod
    def of(cls, referral: Referral) -> Self:
        """Return it as it is listed."""
        standing, plan = referral.standing, referral.standing.plan
        return cls(
            referral_id=referral.referral_id,
            case_id=referral.case_id,
            recipient_id=referral.recipient_id,
            service=referral.service,
            state=standing.state,
            since=standing.since,
            responsible_id=referral.responsible_id,
            owner=plan.owner if plan else None,
            next_step=plan.next_step if plan else None,
            due_at=standing.due_at,
            when_overdue=plan.when_overdue if plan else None,
        )


class ReferralShown(ReferralLine):
    """A referral with what the provider said last and all that has happened, in order of time."""

    needed: list[str] = Field(repr=False)
    requested_at: datetime
    has_place: bool
    reopens: str | None
    reopened_because: str | None = Field(repr=False)
    answer: AnswerShown | None = Field(repr=False)
    history: list[NewsShown] = Field(repr=False)

    @classmethod
    def of(cls, referral: Referral) -> Self:
        """Return it as it is shown."""
        answer = referral.standing.answer
        return cls(
            **ReferralLine.of(referral).model_dump(),
            needed=list(referral.needed),
            requested_at=referral.requested_at,
            has_place=referral.has_place,
            reopens=referral.reopens,
            reopened_because=referral.reopened_because,
            answer=AnswerShown.of(answer) if answer else None,
            history=[NewsShown.of(one) for one in sorted(referral.history, key=lambda one: one.at)],
        )
