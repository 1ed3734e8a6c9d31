"""What a request to the consent service may bring, field by field, and nothing else. Meaning is left to others."""

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StringConstraints
from pydantic_core import PydanticCustomError

from services.consent.commitment import Commitment, CommittedPurpose
from services.consent.confirmation import Invalidity, Settlement
from services.consent.declaration import Declaration, Evidence, check_notices
from services.consent.domain import MOST_OFFERED, Kind, Place, RecipientRole, Word
from services.consent.recipients import Registration
from services.consent.representation import RepresentationKind, Stopped
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


PublicKey = dict[str, str | list[str]]
Day = Annotated[date, BeforeValidator(_only_text)]  # a number would be taken for seconds
Words = Annotated[dict[Category, Word], BeforeValidator(_only_categories)]


class Body(BaseModel):
    """A request body: exactly these fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class EvidenceGiven(Body):
    """How the declaration can be proved, and that the three notices were given first."""

    channel: str = Field(pattern=r"^(paper|in_person|phone|portal)$")
    place: Place
    declared_on: Day | None = None
    language: str = Field(pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,8})?$")
    text_version: str = Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")
    text_sha256: Sha256
    document_sha256: Sha256 | None = None
    told_purpose: StrictBool
    told_refusal_is_free: StrictBool
    told_right_to_withdraw: StrictBool


class GrantGiven(Body):
    """A person's words for one recipient and one purpose."""

    person_id: Id
    recipient_id: RecipientId
    purpose: Purpose
    words: Words = Field(min_length=1, repr=False)
    kinds: frozenset[Kind] = Field(min_length=1)
    reaches_back: StrictBool = False
    valid_days: StrictInt = Field(default=183, ge=1, le=183)
    given_by: Id | None = None
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
                place=proof.place,
                declared_on=proof.declared_on,
            ),
            given_by=self.given_by,
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
    words: Words = Field(repr=False)
    kinds: frozenset[Kind] | None = Field(default=None, min_length=1)
    reaches_back: StrictBool = False
    place: Place = Place.ELSEWHERE


class PlaceSaid(Body):
    """Where the person is when they confirm, or lift a hold."""

    place: Place


class Signal(Body):
    """A quiet signal, towards one recipient or, with none named, towards all."""

    recipient_id: RecipientId | None = None


class DisputeSettled(Body):
    """How a dispute ends, and where the person is."""

    outcome: Settlement
    place: Place


class Invalid(Body):
    """Why a declaration never was one."""

    reason: Invalidity


class WordGiven(Body):
    """The person's word on one message, named by the hash of what was shown."""

    word: Literal[Word.YES, Word.NO]
    sha256: Sha256
    place: Place


class RepresentationGiven(Body):
    """Who may answer for a person, towards whom, about what, until when."""

    kind: RepresentationKind
    name: str = Field(pattern=r"^[^\x00-\x1f]{1,120}$", repr=False)
    recipient_ids: frozenset[RecipientId] = Field(min_length=1, max_length=20)
    categories: frozenset[Category] = Field(min_length=1)
    works_for: RecipientId | None = None
    valid_until: Day
    document_sha256: Sha256


class RepresentationStopped(Body):
    """Why a representation ends."""

    because: Stopped


class PurposeCommitment(Body):
    """The recipient's signed commitment to use what it gets for these purposes alone (§ 78 SGB X, § 35 SGB I)."""

    signed_on: Day
    valid_until: Day
    document_sha256: Sha256
    purposes: frozenset[CommittedPurpose] = Field(min_length=1)


class StaffSecrecyNotice(Body):
    """That the recipient's staff were told of their duty (§ 203 StGB, § 76 and § 78 (2) SGB X)."""

    given_on: Day
    document_sha256: Sha256


class Papers(Body):
    """What a recipient hands in, at first and whenever it has run out."""

    organisation: str = Field(pattern=r"^[^\x00-\x1f]{1,120}$")
    purpose_commitment: PurposeCommitment
    staff_secrecy_notice: StaffSecrecyNotice

    def commitment(self) -> Commitment:
        """Return the two papers as one value."""
        return Commitment(
            purposes=self.purpose_commitment.purposes,
            signed_on=self.purpose_commitment.signed_on,
            valid_until=self.purpose_commitment.valid_until,
            document_sha256=self.purpose_commitment.document_sha256,
            staff_told_on=self.staff_secrecy_notice.given_on,
            staff_document_sha256=self.staff_secrecy_notice.document_sha256,
        )


class RecipientRegistered(Papers):
    """Who may ever receive something, and what a person is asked for it."""

    role: RecipientRole
    display_name: str = Field(pattern=r"^[^\x00-\x1f]{1,120}$")
    offered: list[Category] = Field(max_length=MOST_OFFERED)
    public_key: PublicKey
    shields: RecipientId | None = None

    def registration(self, recipient_id: str) -> Registration:
        """Return what is to be registered."""
        return Registration(
            recipient_id=recipient_id,
            organisation=self.organisation,
            role=self.role,
            display_name=self.display_name,
            offered=tuple(self.offered),
            public_key=self.public_key,
            commitment=self.commitment(),
            shields=self.shields,
        )


class Reinstatement(Papers):
    """Fresh papers of an ended recipient; without a key the one that it had goes on."""

    public_key: PublicKey | None = None


class KeyChanged(Body):
    """The public half of a recipient's next key."""

    public_key: PublicKey
