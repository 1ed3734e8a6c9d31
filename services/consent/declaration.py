"""What a person declares in one act, with its evidence, and whether it can be accepted at all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from services.consent import store
from services.consent.domain import BENEFIT, LONGEST_VALIDITY, Kind, Place, RecipientRole, Word, longest_validity
from services.consent.errors import NotAcceptable, RecipientNotFound
from services.consent.recipient_tables import RecipientRow
from services.consent.tables import SubjectRow
from shared.contracts.categories import Category
from shared.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the person's declaration can be proved (Art. 7 (1) GDPR, § 67b (2) SGB X)."""

    channel: str
    language: str
    text_version: str
    text_sha256: str
    document_sha256: str | None
    recorded_by: str
    place: Place = Place.ELSEWHERE
    declared_on: date | None = None
    """The day on the paper, if it is not the day of the record."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a person declares in one act: a word per category, for one recipient and one purpose."""

    person_id: str
    recipient_id: str
    purpose: str
    words: Mapping[Category, Word] = field(repr=False)
    kinds: frozenset[Kind]
    reaches_back: bool
    valid_for: timedelta
    evidence: Evidence
    given_by: str | None = None
    """Under which representation somebody answers for the person; None if the person does."""

    def is_under_pressure(self) -> bool:
        """Whether it was taken where the Jobcenter looks over the shoulder."""
        return self.evidence.place is not Place.ELSEWHERE

    def begins_at(self, now: datetime) -> datetime:
        """Return from when its validity is counted: the day on the paper, or now."""
        day = self.evidence.declared_on
        return now if day is None else min(now, datetime.combine(day, time(), UTC))

    def expires_at(self, category: Category, now: datetime) -> datetime | None:
        """Return when the word to a category ends by itself; a no never does."""
        if self.words[category] is Word.NO:
            return None
        return self.begins_at(now) + min(self.valid_for, longest_validity(category))


def check_notices(given: tuple[bool, bool, bool]) -> None:
    """Refuse a declaration that was taken before the person had the three notices."""
    names = ("told_purpose", "told_refusal_is_free", "told_right_to_withdraw")
    missing = [name for name, done in zip(names, given, strict=True) if not done]
    if missing:
        raise NotAcceptable(*((f"evidence.{name}", "must have happened before") for name in missing))


def check(work: UnitOfWork, declared: Declaration) -> None:
    """Refuse what cannot be declared; every fault is named by its field."""
    store.load_person(work.session, declared.person_id)
    recipient = store.recipient(work.session, declared.recipient_id, at=work.now, locked=True)
    if recipient is None and all(word is Word.NO for word in declared.words.values()):
        recipient = store.registered(work.session, declared.recipient_id)  # a no is taken although nothing leaves now
    if recipient is None:
        raise RecipientNotFound
    faults = [
        *_faults_of_words(declared, recipient),
        *_faults_of_purpose(work, declared, recipient),
        *_faults_of_time(declared, now=work.now),
    ]
    if faults:
        raise NotAcceptable(*faults)


def _faults_of_words(declared: Declaration, recipient: RecipientRow) -> Iterable[tuple[str, str]]:
    if not declared.words:
        yield "words", "must name at least one category"
    if not declared.kinds:
        yield "kinds", "must name at least one legal instrument"
    for category in declared.words:
        if category.value not in recipient.offered:
            yield f"words.{category.value}", "is not offered to this recipient"


def _faults_of_purpose(work: UnitOfWork, declared: Declaration, recipient: RecipientRow) -> Iterable[tuple[str, str]]:
    if recipient.role == RecipientRole.JOBCENTER:
        if declared.purpose != BENEFIT:
            yield "purpose", "must be benefit for a Jobcenter"
        return
    referral = work.session.get(SubjectRow, declared.purpose.removeprefix("referral:"))
    fits = referral is not None and declared.purpose.startswith("referral:")
    if not fits or referral is None or referral.person_id != declared.person_id:
        yield "purpose", "must be referral:<id> of a referral of this person"
    elif referral.recipient_id != declared.recipient_id:
        yield "recipient_id", "is not the provider of this referral"
    elif referral.closed_at is not None and set(declared.words.values()) != {Word.NO}:
        yield "purpose", "is a referral that is closed: nothing more can be told by it"


def _faults_of_time(declared: Declaration, *, now: datetime) -> Iterable[tuple[str, str]]:
    if not timedelta(0) < declared.valid_for <= LONGEST_VALIDITY:
        yield "valid_days", "must be between 1 and 183"
    day = declared.evidence.declared_on
    if day is None:
        return
    if day > now.date():
        yield "evidence.declared_on", "must not lie in the future"
    elif any(end is not None and end <= now for end in (declared.expires_at(item, now) for item in declared.words)):
        yield "evidence.declared_on", "lies so far back that the answer is over"
