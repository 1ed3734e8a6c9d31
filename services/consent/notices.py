"""After any change about a person: who must hear that there is something to open, what must be taken back, what waits
for the person's own word.

Runs under the person's row lock, in the transaction of the change itself, so a withdrawal and its retractions are one.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from services.consent import answer_store, fact_store, inquiries, inquiry_store, release_store, store
from services.consent.composition import Composed, Position
from services.consent.domain import Answer, Ending, Inquiry, KnownFact
from services.consent.position_store import position_of, purpose_of
from services.consent.recipient_tables import RecipientRow
from services.consent.release import adds_nothing
from services.consent.tables import ReleaseRow, SubjectRow
from shared.contracts.consent import ReferralCleared, ReferralNotCleared
from shared.keys import UnreadableValue
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

PENDING, CLEARED, NOT_CLEARED = "pending", "cleared", "not_cleared"


@dataclass(frozen=True, slots=True)
class Reconsidered:
    """Where a recipient stands about one subject, and what it was ever given to open about it."""

    stand: Position
    releases: list[ReleaseRow]


def reconsider(work: UnitOfWork, person_id: str) -> dict[str, Reconsidered]:
    """Bring notices and retractions of all the person's subjects in line with what may be known now.

    Returns by subject what was found and decided, for who goes on within the same transaction: an opening.
    """
    return reconsider_all({person_id: work})[person_id]


def reconsider_all(works: Mapping[str, UnitOfWork]) -> dict[str, dict[str, Reconsidered]]:
    """Do so for several persons, each in the unit of work given; what it takes is read once for all of them."""
    any_work = next(iter(works.values()))
    session, now = any_work.session, any_work.now
    session.flush()
    subjects = store.subjects_of_all(session, works)
    answers, lost = answer_store.answers_of_all(any_work, works)
    for person_id, work in works.items():
        over = [one.answer_id for one in answers[person_id] if one.ended_at is None and one.has_run_out(at=now)]
        answer_store.end_answers(work, over, ending=Ending.EXPIRED)
    # About everybody else nobody was ever allowed to know anything.
    concerned = [one for one in works if subjects[one] and (answers[one] or one in lost)]
    found: dict[str, dict[str, Reconsidered]] = {person_id: {} for person_id in works}
    if concerned:
        facts = fact_store.facts_of_all(any_work, concerned)
        asked = inquiry_store.inquiries_of(any_work, *concerned)
        releases = release_store.releases_of(session, *concerned)
        named = {subject.recipient_id for person_id in concerned for subject in subjects[person_id]}
        recipients = store.recipients(session, named, at=now)
        shielded = store.shielded(session, concerned)
        any_work.keys.load(store.key_of(subject) for person_id in concerned for subject in subjects[person_id])
    for person_id in concerned:
        work, said = works[person_id], _by_question(answers[person_id])
        for subject in subjects[person_id]:
            recipient = recipients.get(subject.recipient_id)
            if recipient is not None:
                words = said[subject.recipient_id, purpose_of(subject)]
                known, mine = asked.get(subject.subject_id, []), releases.get(subject.subject_id, [])
                stand = _position(
                    work, subject, recipient, facts[person_id], words, known=known, is_shielded=person_id in shielded
                )
                _reconsider_subject(work, subject, stand, words, releases=mine, known=known)
                found[person_id][subject.subject_id] = Reconsidered(stand, mine)
    idle = [person_id for person_id in works if not any(one.keeps_facts(at=now) for one in answers[person_id])]
    for person_id in store.with_ended_case(session, idle) if idle else ():
        fact_store.forget_facts(works[person_id], person_id)
    return found


def _by_question(answers: list[Answer]) -> dict[tuple[str, str], list[Answer]]:
    """Return answers by whom and what they are for."""
    found: dict[tuple[str, str], list[Answer]] = defaultdict(list)
    for answer in answers:
        found[answer.recipient_id, answer.purpose].append(answer)
    return found


def _position(
    work: UnitOfWork,
    subject: SubjectRow,
    recipient: RecipientRow,
    facts: list[KnownFact],
    answers: list[Answer],
    *,
    known: list[Inquiry],
    is_shielded: bool,
) -> Position:
    """Return where a recipient stands; about a subject that cannot be read nothing may be told, or stay told."""
    try:
        return position_of(work, subject, recipient, facts, answers, inquiries=known, is_shielded=is_shielded)
    except UnreadableValue:
        log.error("subject_unreadable", subject_id=subject.subject_id)
        return Position(Composed({}))


def _reconsider_subject(
    work: UnitOfWork,
    subject: SubjectRow,
    stand: Position,
    answers: list[Answer],
    *,
    releases: list[ReleaseRow],
    known: list[Inquiry],
) -> None:
    """Do so for one subject; a new release is added to `releases`."""
    opened = [release for release in releases if release.told_entry is not None]
    held = max(opened, key=lambda release: release.told_entry or 0, default=None)  # it replaced those before it
    _retract(work, subject, stand, opened)
    waiting = [release for release in releases if release.state == release_store.WAITING]
    is_news = stand.tell.says_anything and not subject.closed_at and not _is_held(work, held, stand.tell)
    if is_news and not waiting:
        releases.append(release_store.add_release(work, subject, kind=release_store.CONTENT))
    if not is_news:
        release_store.void(work.session, waiting)
    inquiries.put(work, subject, None if subject.closed_at else stand.question, known=known)
    if subject.kind == store.REFERRAL and not subject.closed_at and not stand.is_held:
        _say_clearance(work, subject, stand.tell, answers)


def _is_held(work: UnitOfWork, held: ReleaseRow | None, tell: Composed) -> bool:
    """Whether the recipient holds all of it already."""
    return held is not None and held.state == release_store.OPENED and adds_nothing(tell.fields, told(work, held))


def _retract(work: UnitOfWork, subject: SubjectRow, stand: Position, opened: list[ReleaseRow]) -> None:
    """Retract what was opened and may no longer be known."""
    for release in opened:
        if release.state == release_store.OPENED and not may_stay(work, release, stand):
            release_store.retract(work, subject, release)


def may_stay(work: UnitOfWork, release: ReleaseRow, stand: Position) -> bool:
    """Whether what a release told may still be known by its recipient."""
    try:
        return stand.may_stay(told(work, release))
    except UnreadableValue:  # nobody can say any more that all of it may be known
        log.error("release_unreadable", release_id=release.release_id)
        return False


def _say_clearance(work: UnitOfWork, subject: SubjectRow, now_known: Composed, answers: list[Answer]) -> None:
    was_decided = bool(answers) or subject.clearance != PENDING  # a word that nobody can read any more was one
    clearance = CLEARED if now_known.says_anything else NOT_CLEARED if was_decided else PENDING
    if clearance == subject.clearance:
        return
    subject.clearance = clearance
    subject.opened = subject.opened and clearance == CLEARED  # what is cleared anew is opened anew
    work.session.add(subject)
    if clearance == PENDING:
        return
    said = ReferralCleared if clearance == CLEARED else ReferralNotCleared
    work.announce(said(referral_id=subject.subject_id, person_id=str(subject.person_id), at=work.now))


def told(work: UnitOfWork, release: ReleaseRow) -> dict[str, Any]:  # Any: JSON values
    """Return what was told when a release was opened last."""
    key_id, place = str(release.person_id), f"release.told.{release.release_id}"
    return dict(work.unseal(key_id, place, release.told or b""))
