"""What a request to the consent service may bring, field by field, and nothing else. Meaning is left to others."""

from datetime import date, timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.consent.domain import MOST_OFFERED, Kind, RecipientRole, Word
from services.consent.grants import Declaration, Evidence, check_notices
from shared.contracts.categories import Category
from shared.contracts.envelope import Id

RecipientId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
Purpose = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:_-]{1,80}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _only_text(value: object) -> object:
    if isinstance(value, str):
        return value
    raise PydanticCustomError("day_must_be_text", "a day is written as YYYY-MM-DD")


def _only_categories(value: object) -> object:
    """Refuse a word for what is no category here: pydantic would name the key, and whatever was written as one."""
    if isinstance(value, dict) and not set(value) <= {category.value for category in Category}:
        raise PydanticCustomError("unknown_category", "names what is no category")
    return value


Day = Annotated[date, BeforeValidator(_only_text)]  # a number would be taken for seconds
Words = Annotated[dict[Category, Word], BeforeValidator(_only_categories)]


class Body(BaseModel):
    """A request body: exactly these fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class EvidenceGiven(Body):
    """How the declaration can be proved, and that the three notices were given first."""

    channel: str = Field(pattern=r"^(paper|in_person|phone|portal)$")
    language: str = Field(pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,8})?$")
    text_version: str = Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")
    text_sha256: Sha256
    document_sha256: Sha256 | None = None
    told_purpose: bool
    told_refusal_is_free: bool
    told_right_to_withdraw: bool


class GrantGiven(Body):
    """A person's words for one recipient and one purpose."""

    person_id: Id
    recipient_id: RecipientId
    purpose: Purpose
    words: Words = Field(min_length=1, repr=False)
    kinds: frozenset[Kind] = Field(min_length=1)
    reaches_back: bool = False
    valid_days: int = Field(default=183, ge=1, le=183)
    evidence: EvidenceGiven

    def declaration(self, *, recorded_by: str) -> Declaration:
        """Return what the person declared; refuse it if the three notices had not been given before."""
        proof = self.evidence
        check_notices((proof.told_purpose, proof.told_refusal_is_free, proof.told_right_to_withdraw))
        return Declaration(
            person_id=self.person_id,
            recipient_id=self.recipient_id,
            purpose=self.purpose,
            words=self.words,
            kinds=self.kinds,
            reaches_back=self.reaches_back,
            valid_for=timedelta(days=self.valid_days),
            evidence=Evidence(
                channel=proof.channel,
                language=proof.language,
                text_version=proof.text_version,
                text_sha256=proof.text_sha256,
                document_sha256=proof.document_sha256,
                recorded_by=recorded_by,
            ),
        )


class Withdrawal(Body):
    """What a person takes back. What is left out is meant: the person alone withdraws everything."""

    person_id: Id
    recipient_id: RecipientId | None = None
    purpose: Purpose | None = None
    categories: frozenset[Category] | None = Field(default=None, min_length=1)


class PreviewAsked(Body):
    """A grant not yet given."""

    person_id: Id
    recipient_id: RecipientId
    purpose: Purpose
    categories: frozenset[Category]


class SecrecyCommitment(Body):
    """The recipient's signed commitment to purpose and secrecy."""

    signed_on: Day
    document_sha256: Sha256


class RecipientRegistered(Body):
    """Who may ever receive something, and what a person is asked for it."""

    role: RecipientRole
    display_name: str = Field(pattern=r"^[^\x00-\x1f]{1,120}$")
    offered: list[Category] = Field(max_length=MOST_OFFERED)
    public_key: dict[str, str]
    secrecy_commitment: SecrecyCommitment
