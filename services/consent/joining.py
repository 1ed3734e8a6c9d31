"""A commission moves to the case that its person had before. The Jobcenter cannot tell that it did.

One rule for what lies behind: nothing crosses over that opens anything. What was opened under the former person is
retracted, as when every word is taken back; what waits there opens nothing; no answer of the former person tells
anything more. What the earlier person said towards this Jobcenter counts from now on for the commission, unless the
same human has spoken since under the former id: a quiet signal goes along, and a yes that is older than the last word
there to the same question ends, whatever that was: which of the two counts is theirs to say again.
"""

from sqlmodel import select

from services.consent import holds, inquiries, inquiry_store, narrowing, release_store, shielding, store
from services.consent.notices import reconsider
from services.consent.settings import ConsentSettings
from services.consent.tables import PersonRow, SubjectRow, metadata
from shared.contracts.intake import CommissionJoined
from shared.database import touch
from shared.inbox import TooEarly
from shared.unit_of_work import UnitOfWork


def join_commission(work: UnitOfWork, event: CommissionJoined, *, settings: ConsentSettings) -> None:
    """Let the commission belong to the earlier person from now on."""
    for person_id in sorted((event.former_person_id, event.person_id)):  # it may come awake under either one's lock
        touch(work.session, metadata, f"person:{person_id}")
    commission = work.session.get(SubjectRow, event.commission_id, populate_existing=True)
    if commission is None or commission.person_id is None:  # the case that it opened is not known yet
        raise TooEarly(event.commission_id, waits_for=event.former_person_id)
    if commission.person_id == event.person_id:
        return
    store.remember_persons(work.session, [event.person_id, event.former_person_id])
    if commission.person_id != event.former_person_id:
        if work.session.get_one(PersonRow, event.former_person_id).joined_into == event.person_id:
            return  # from there it has gone on
        raise TooEarly(event.commission_id, waits_for=event.former_person_id)  # it is still to come there
    _take_along_what_narrows(work, event)
    mirrors = select(SubjectRow).where(SubjectRow.mirrors == commission.subject_id)
    for subject in (commission, *work.session.exec(mirrors).all()):
        _leave_behind(work, subject, event.former_person_id)
        subject.person_id = event.person_id
        work.session.add(subject)
    work.session.flush()
    if store.shielded(work.session, [event.former_person_id]):  # intake joins like with like; if it did not, be silent
        shielding.shield(work, event.person_id)
    shielding.open_ways(work, event.person_id, settings=settings)
    reconsider(work, event.former_person_id)
    reconsider(work, event.person_id)


def _take_along_what_narrows(work: UnitOfWork, event: CommissionJoined) -> None:
    if work.session.get_one(PersonRow, event.person_id).erased_at is not None:
        return  # nothing is open, and nothing is recorded about them any more
    former = work.session.get_one(PersonRow, event.former_person_id)
    former.joined_into = event.person_id  # so that what they said there is looked at whenever somebody would open more
    work.session.add(former)
    work.narrows(former)
    holds.take_along(work, former_id=event.former_person_id, person_id=event.person_id)
    narrowing.end_what_was_said_before(work, former_id=event.former_person_id, person_id=event.person_id)


def _leave_behind(work: UnitOfWork, commission: SubjectRow, person_id: str) -> None:
    releases = release_store.releases_of(work.session, person_id).get(commission.subject_id, [])
    for release in releases:
        if release.state == release_store.OPENED:
            release_store.retract(work, commission, release)
    release_store.void(work.session, releases)
    asked = inquiry_store.inquiries_of(work, person_id).get(commission.subject_id, [])
    inquiries.put(work, commission, None, known=asked)
