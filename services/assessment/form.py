"""What a request to assessment may bring, field by field, and nothing else. What the words mean is left to `domain`."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.assessment.child_protection import Move, Reason
from services.assessment.domain import KnownFrom
from services.assessment.steps import ContactOutcome
from shared.contracts.assessment import AttendanceKind, Fact, LifeDomain
from shared.contracts.envelope import Code, Id, Sources
from shared.contracts.intake import Channel
from shared.web import NOT_BLANK


def _only_text(value: object) -> object:
    if isinstance(value, str):
        return value
    raise PydanticCustomError("day_must_be_text", "a day is written as YYYY-MM-DD")


Day = Annotated[date, BeforeValidator(_only_text)]  # a number would be taken for seconds


class Body(BaseModel):
    """What a request may bring, and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:  # Any: pydantic's own signature
        """Show no field when printed: what is sent may be personal in every one."""
        return ()


class TakingBody(Body):
    """Which team takes the case, and who of it is responsible."""

    team_id: Id
    responsible_id: Id


class AbsenceBody(Body):
    """From when until when somebody is away, and who stands in."""

    from_on: Day
    until_on: Day
    deputy_id: Id | None = None


class WantedBody(Body):
    """Who is wanted for a case, as far as that matters."""

    language: str | None = Field(default=None, pattern=r"^[a-z]{2,3}$")
    profession: str | None = Field(default=None, pattern=r"^[a-z_]{3,40}$")


class AttemptBody(Body):
    """How contact was tried, and what came of it."""

    channel: Channel
    outcome: ContactOutcome


class CorrectionBody(Body):
    """A finding in words of the vocabulary. A correction keeps its life domain, and what it leaves out of its marks."""

    life_domain: LifeDomain | None = None
    code: Code
    severity: int = Field(ge=0, le=4, strict=True)
    since_on: Day | None = None
    amount_cents: int | None = Field(default=None, ge=0, le=10**11, strict=True)
    contested: bool | None = Field(default=None, strict=True)
    about: Literal["somebody_else"] | None = None
    known_from: KnownFrom | None = None

    def fact(self) -> Fact:
        """Return it in the words of the contract."""
        return Fact(code=self.code, severity=self.severity, since_on=self.since_on, amount_cents=self.amount_cents)


class FactBody(CorrectionBody):
    """A new finding."""

    life_domain: LifeDomain


class ConfirmationBody(Body):
    """Which version of a finding a second person confirms."""

    version: int = Field(ge=1, strict=True)


class MoveBody(Body):
    """What is done about a concern for a child, and why where a reason is needed."""

    move: Move
    reason: Reason | None = None


class NoteBody(Body):
    """A private note."""

    text: Annotated[str, StringConstraints(max_length=10_000, pattern=NOT_BLANK)]


class StatementBody(Body):
    """A sentence, kept letter by letter as the person is to read it."""

    text: Annotated[str, StringConstraints(max_length=2_000, pattern=NOT_BLANK)]
    derived_from: Sources | None = None


class FirstStatementBody(StatementBody):
    """A first draft, and whether it is about somebody else: then it stays here."""

    about: Literal["somebody_else"] | None = None


class ApprovalBody(Body):
    """The hash of the text that the person approved."""

    text_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class CodeBody(Body):
    """A word of the vocabulary, and what in this case it rests on."""

    code: Code
    derived_from: Sources | None = None


class ContestedBody(Body):
    """Whether the team marks what it found as contested."""

    contested: bool = Field(strict=True)


class AttendanceBody(Body):
    """What the person came to, and when."""

    kind: AttendanceKind
    attended_on: Day
