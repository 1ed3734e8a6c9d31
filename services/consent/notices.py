"""After any change about a person: who must hear that there is something to open, and what must be taken back.

Runs under the person's row lock, in the transaction of the change itself, so a withdrawal and its retractions are one.
"""

from dataclasses import dataclass
from typing import Any

import structlog

from services.consent import answer_store, fact_store, release_store, store
from services.consent.decision import may_know
from services.consent.domain import (
    BENEFIT,
    REQUIRED_KINDS,
    Answer,
    Asked,
    Ending,
    KnownFact,
    RecipientRole,
    referral_purpose,
)
from services.consent.release import (
    is_within,
    jobcenter_situation,
    provider_referral,
    released_fields,
    says_anything,
)
from services.consent.tables import PersonRow, RecipientRow, ReleaseRow, SubjectRow
from shared.contracts.categories import Category
from shared.contracts.consent import ReferralCleared, ReferralNotCleared
from shared.keys import UnreadableValue
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

PENDING, CLEARED, NOT_CLEARED = "pending", "cleared", "not_cleared"


@dataclass(frozen=True, slots=True)
class Composed:
    """What a recipient may know of a subject now, and which grants say so."""

    fields: dict[str, Any]  # Any: JSON values
    grant_ids: tuple[str, ...]

    @property
    def says_anything(self) -> bool:
        """Whether there is anything to be told."""
        return says_anything(self.fields)


def asked_of(subject: SubjectRow, recipient: RecipientRow) -> Asked:
    """Return what this recipient could be told about this subject at the most."""
    offered = {Category(name) for name in recipient.offered}
    needed = {Category(name) for name in subject.needed}
    return Asked(
        person_id=subject.person_id or "",
        recipient_id=recipient.recipient_id,
        purpose=BENEFIT if subject.kind == store.COMMISSION else referral_purpose(subject.subject_id),
        categories=frozenset(offered if subject.kind == store.COMMISSION else offered & needed),
        kinds=REQUIRED_KINDS[RecipientRole(recipient.role)],
    )


def compose(
    work: UnitOfWork, subject: SubjectRow, recipient: RecipientRow, facts: list[KnownFact], answers: list[Answer]
) -> Composed:
    """Build what the recipient may know of the subject at this moment."""
    asked = asked_of(subject, recipient)
    known = may_know(asked, facts, answers, at=work.now)
    reference = store.reference_of(work, subject)
    if recipient.role == RecipientRole.JOBCENTER:
        fields = released_fields(jobcenter_situation(reference, known))
    else:
        fields = released_fields(provider_referral(reference, subject.service, known))
    told = {fact.category for fact in known}
    standing = {
        answer.grant_id
        for answer in answers
        if answer.stands(at=work.now)
        and answer.category in told
        and (answer.recipient_id, answer.purpose) == (asked.recipient_id, asked.purpose)
    }
    return Composed(fields, tuple(sorted(standing)))


def reconsider(work: UnitOfWork, person_id: str) -> None:
    """Bring notices and retractions of all the person's subjects in line with what may be known now."""
    work.session.flush()
    subjects = store.subjects_of(work.session, person_id)
    answers = answer_store.answers_of(work, person_id)
    over = [answer.answer_id for answer in answers if answer.ended_at is None and answer.has_run_out(at=work.now)]
    answer_store.end_answers(work, over, ending=Ending.EXPIRED)
    if not answers or not subjects:  # nobody was ever allowed to know anything
        _forget_if_over(work, person_id, answers)
        return
    facts = fact_store.facts_of(work, person_id)
    for subject in subjects:
        recipient = store.recipient(work.session, subject.recipient_id)
        if recipient is not None:
            _reconsider_subject(work, subject, compose(work, subject, recipient, facts, answers), answers)
    _forget_if_over(work, person_id, answers)


def _reconsider_subject(work: UnitOfWork, subject: SubjectRow, now_known: Composed, answers: list[Answer]) -> None:
    releases = release_store.releases_of(work.session, subject.subject_id)
    opened = [release for release in releases if release.told_entry is not None]
    held = max(opened, key=lambda release: release.told_entry or 0, default=None)  # it replaced those before it
    _retract(work, subject, now_known, opened)
    waiting = [release for release in releases if release.state == release_store.WAITING]
    is_news = now_known.says_anything and not subject.closed_at
    is_news = is_news and (held is None or held.state != release_store.OPENED or told(work, held) != now_known.fields)
    if is_news and not waiting:
        release_store.add_release(work, subject, kind=release_store.CONTENT)
    if not is_news:
        release_store.void(work.session, waiting)
    if subject.kind == store.REFERRAL and not subject.closed_at:
        _say_clearance(work, subject, now_known, answers)


def _retract(work: UnitOfWork, subject: SubjectRow, now_known: Composed, opened: list[ReleaseRow]) -> None:
    """Retract what was opened and may no longer be known."""
    for release in opened:
        if release.state != release_store.OPENED or _may_stay(work, release, now_known):
            continue
        release.state = release_store.RETRACTED
        work.session.add(release)
        release_store.add_release(work, subject, kind=release_store.RETRACTION, target_id=release.release_id)


def _may_stay(work: UnitOfWork, release: ReleaseRow, now_known: Composed) -> bool:
    try:
        return is_within(told(work, release), now_known.fields)
    except UnreadableValue:  # nobody can say any more that all of it may be known
        log.error("release_unreadable", release_id=release.release_id)
        return False


def _say_clearance(work: UnitOfWork, subject: SubjectRow, now_known: Composed, answers: list[Answer]) -> None:
    asked_at_all = any(answer.purpose == referral_purpose(subject.subject_id) for answer in answers)
    clearance = CLEARED if now_known.says_anything else NOT_CLEARED if asked_at_all else PENDING
    if clearance == subject.clearance:
        return
    subject.clearance = clearance
    work.session.add(subject)
    if clearance == PENDING:
        return
    said = ReferralCleared if clearance == CLEARED else ReferralNotCleared
    work.announce(said(referral_id=subject.subject_id, person_id=str(subject.person_id), at=work.now))


def told(work: UnitOfWork, release: ReleaseRow) -> dict[str, Any]:  # Any: JSON values
    """Return what was told when a release was opened last."""
    key_id, place = str(release.person_id), f"release.told.{release.release_id}"
    return dict(work.unseal(key_id, place, release.told or b""))


def _forget_if_over(work: UnitOfWork, person_id: str, answers: list[Answer]) -> None:
    person = work.session.get(PersonRow, person_id)
    over = person is not None and person.case_ended_at is not None
    if over and not any(answer.stands(at=work.now) for answer in answers):
        fact_store.forget_facts(work, person_id)
