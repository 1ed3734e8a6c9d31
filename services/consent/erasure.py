"""A person is forgotten (Art. 17 GDPR): here at once, everywhere else as soon as the others have heard of it.

Towards recipients it is a withdrawal of everything: the same notices, the same retractions, the same answers to
whatever they ask, and the status of a commission goes on by the calendar. Who has confirmed is kept in `erasures.py`.
"""

from secrets import token_urlsafe

import structlog
from sqlalchemy import delete, or_, update
from sqlmodel import col, select

from services.consent import narrowing, release_store, store
from services.consent.billing_tables import WorkRow
from services.consent.notices import reconsider
from services.consent.tables import (
    EmergencyRow,
    ErasureConfirmationRow,
    ErasureRow,
    LedgerRow,
    PersonRow,
    ReleaseRow,
    SubjectRow,
    metadata,
)
from shared.contracts.consent import PersonErased
from shared.erasure import Erased, Erasing, delete_rows
from shared.keys import KeyNeverMade, UnreadableValue
from shared.topology import GATE
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

_KEPT = frozenset({"person", "subject", "release", "erasure", "emergency", "work_done"})
"""Rows that stay, emptied: recipients must go on seeing what they would see after a withdrawal, and a telling without a
grant that nobody has confirmed or reviewed still has to be (Art. 33 GDPR)."""


def request(work: UnitOfWork, *, person_id: str, requested_by: str) -> str:
    """Forget a person, under former ids too; return the erasure's id. Asked again, it is the same erasure.

    Under an id that the same human goes on as they are not forgotten; but it is a withdrawal of everything there, too.
    """
    former, others = store.same_human(work.session, person_id)[1:], store.other_ids(work, person_id)
    erasure_id = _request(work, person_id, requested_by)
    for one in others:
        if one in former:
            _request(work, one, requested_by)
        else:
            narrowing.take_everything_back(work, one)
            reconsider(work, one)
    return erasure_id


def _request(work: UnitOfWork, person_id: str, requested_by: str) -> str:
    known = work.session.exec(select(ErasureRow).where(ErasureRow.person_id == person_id)).one_or_none()
    if known is not None:
        if known.completed_at is None:  # whoever has not heard of it hears of it again
            ERASING.erase(work, Erased(known.erasure_id, person_id, known.requested_at))
        return known.erasure_id
    store.load_person(work.session, person_id)
    erasure = ErasureRow(
        erasure_id=token_urlsafe(16), person_id=person_id, requested_at=work.now, requested_by=requested_by
    )
    own = ErasureConfirmationRow(erasure_id=erasure.erasure_id, service=GATE, confirmed_at=work.now)
    work.session.add_all([erasure, own])
    work.narrows(erasure)
    work.narrows(own)
    ERASING.erase(work, Erased(erasure.erasure_id, person_id, work.now))
    return erasure.erasure_id


def _keys_of(work: UnitOfWork, person_id: str) -> set[str]:
    return {subject.subject_id for subject in store.subjects_of(work.session, person_id)}


def _wipe(work: UnitOfWork, person_id: str) -> None:
    """Take back what was told, delete what is known, and part the person from commissions and referrals."""
    subjects = store.subjects_of(work.session, person_id)
    key_ids = {person_id, *(one.subject_id for one in subjects), *_take_back(work, person_id)}
    for subject in subjects:
        _part(work, subject)
    delete_rows(work, metadata, person_id, keep=_KEPT)
    _keep_what_is_unreviewed(work, person_id)
    done = update(WorkRow).where(col(WorkRow.person_id) == person_id)
    work.session.execute(done.values(person_id=None, link=None))  # what was done stays paid or owed; for whom is gone
    told = update(ReleaseRow).where(col(ReleaseRow.person_id) == person_id)
    work.session.execute(told.values(told=None))
    read = update(LedgerRow).where(col(LedgerRow.key_id).in_(key_ids))
    work.session.execute(read.values(content=b""))  # the commitments stay, so the chain still verifies
    store.remember_persons(work.session, [person_id])
    person = work.session.get_one(PersonRow, person_id)
    person.erased_at, person.case_ended_at = person.erased_at or work.now, None
    work.session.add(person)
    work.narrows(person)


def _keep_what_is_unreviewed(work: UnitOfWork, person_id: str) -> None:
    theirs = col(EmergencyRow.person_id) == person_id
    settled = or_(col(EmergencyRow.confirmed_at).is_not(None), col(EmergencyRow.reviewed_at).is_not(None))
    work.session.execute(delete(EmergencyRow).where(theirs, settled))
    emptied = {"why": b"", "person_told": None, "request_key": None, "request_sha256": ""}
    work.session.execute(update(EmergencyRow).where(theirs).values(**emptied))


def _take_back(work: UnitOfWork, person_id: str) -> set[str]:
    """Void what waits, retract what was opened; return what it was about, which a restore may have parted already.

    What has become somebody else's since (a joined commission) is theirs.
    """
    theirs = select(ReleaseRow).where(ReleaseRow.person_id == person_id, ReleaseRow.kind == release_store.CONTENT)
    releases = work.session.exec(theirs.order_by(ReleaseRow.subject_id, col(ReleaseRow.created_at))).all()
    release_store.void(work.session, releases)
    for release in releases:
        subject = work.session.get(SubjectRow, release.subject_id)
        if release.state == release_store.OPENED and subject is not None:  # one that is away hears it when it returns
            release_store.retract(work, subject, release)
    subjects = select(SubjectRow).where(col(SubjectRow.subject_id).in_({release.subject_id for release in releases}))
    return {row.subject_id for row in work.session.exec(subjects) if row.person_id in (None, person_id)}


def _part(work: UnitOfWork, subject: SubjectRow) -> None:
    """Leave a commission as one whose person was never found, and of a referral nothing but that there was one.

    The Jobcenter's own reference is sealed anew under a fresh key: its status goes on by the calendar, so that nobody
    can tell an erasure from a withdrawal, while the old key, under which the person's contact lay too, is destroyed. A
    keyed hash of that contact stays for the same reason: a repeated commission is answered as before.
    """
    if subject.kind == store.COMMISSION and subject.sealed_under is None:
        _seal_anew(work, subject)
    if subject.kind == store.REFERRAL:
        subject.reference, subject.service, subject.needed = b"", "", []
    subject.person_id = None
    work.session.add(subject)
    work.narrows(subject)


def _seal_anew(work: UnitOfWork, commission: SubjectRow) -> None:
    try:
        reference = store.reference_of(work, commission)
    except (UnreadableValue, KeyNeverMade):  # no status of it can be told; forgetting does not depend on that
        log.error("subject_unreadable", subject_id=commission.subject_id)
        return
    commission.sealed_under = f"reference-{token_urlsafe(16)}"
    commission.reference = work.seal(commission.sealed_under, f"subject.reference.{commission.subject_id}", reference)


def _tell(erased: Erased, _work: UnitOfWork) -> PersonErased:
    return PersonErased(erasure_id=erased.erasure_id, person_id=erased.person_id, erased_at=erased.erased_at)


ERASING = Erasing(metadata, keys_of=_keys_of, wipe=_wipe, announce=_tell)
