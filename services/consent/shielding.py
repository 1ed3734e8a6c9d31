"""Who is, or is related to, Jobcenter staff is shielded: at the Jobcenter only a shield may know anything (§ 35 SGB I).

What that means for a release stands in the decision alone. Here it is kept who is shielded, which no machine undoes,
and under which reference a shield can be told: that of the Jobcenter's own commission. To the Jobcenter a shielded
person looks like somebody who refuses everything: its status goes on by the calendar.
"""

from secrets import token_urlsafe

import structlog
from sqlmodel import col, select

from services.consent import release_store, store
from services.consent.domain import CommissionStatus
from services.consent.notices import reconsider
from services.consent.recipient_tables import RecipientRow
from services.consent.settings import ConsentSettings
from services.consent.tables import PersonRow, SubjectRow
from shared.contracts.intake import CaseShielded
from shared.keys import KeyDestroyed, UnreadableValue
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()


def know_shield(work: UnitOfWork, event: CaseShielded, *, settings: ConsentSettings) -> None:
    """Tell no ordinary Jobcenter anything of the person any more, and retract what it was told."""
    store.remember_persons(work.session, [event.person_id])
    for person_id in (event.person_id, *store.other_ids(work, event.person_id)):
        if shield(work, person_id):
            open_ways(work, person_id, settings=settings)
            reconsider(work, person_id)


def shield(work: UnitOfWork, person_id: str) -> bool:
    """Keep that a person is shielded; say whether that is new. A restored backup does not undo it."""
    person = work.session.get_one(PersonRow, person_id)
    if person.shielded_at is not None:
        return False
    person.shielded_at = work.now
    work.session.add(person)
    work.session.flush()
    work.narrows_values("person", {"person_id": person_id, "shielded_at": work.now})
    return True


def open_ways(work: UnitOfWork, person_id: str, *, settings: ConsentSettings) -> None:
    """Let the shields of a shielded person's Jobcenters be told about its commissions. So far they are told nothing."""
    work.session.flush()
    if not store.shielded(work.session, [person_id]):
        return
    for subject in store.subjects_of(work.session, person_id):
        if subject.kind == store.COMMISSION and subject.mirrors is None:
            _mirror(work, subject, settings=settings)


def give_way(work: UnitOfWork, mirror: SubjectRow) -> None:
    """Let a shield commission under a reference that it knows by a mirror: as it can under any other one."""
    releases = release_store.releases_of(work.session, str(mirror.person_id)).get(mirror.subject_id, [])
    for release in releases:
        if release.state == release_store.OPENED:
            release_store.retract(work, mirror, release)
    release_store.void(work.session, releases)
    mirror.reference_index, mirror.person_id = f"gave-way-{token_urlsafe(16)}", None
    work.session.add(mirror)
    work.session.flush()


def _mirror(work: UnitOfWork, commission: SubjectRow, *, settings: ConsentSettings) -> None:
    shields = select(RecipientRow.recipient_id).where(RecipientRow.shields == commission.recipient_id)
    mirrored = select(SubjectRow.recipient_id).where(SubjectRow.mirrors == commission.subject_id)
    for recipient_id in work.session.exec(shields.where(col(RecipientRow.recipient_id).not_in(mirrored))).all():
        try:
            reference = store.reference_of(work, commission)
        except (UnreadableValue, KeyDestroyed):  # a shield without a way is told nothing; nobody else is either
            log.error("subject_unreadable", subject_id=commission.subject_id)
            return
        index = store.reference_index(settings.index_key(), recipient_id, reference)
        if store.subject_by_reference(work.session, recipient_id, index) is not None:
            continue  # it commissioned under that reference itself
        subject_id = token_urlsafe(16)
        work.session.add(
            SubjectRow(
                subject_id=subject_id,
                recipient_id=recipient_id,
                kind=store.COMMISSION,
                person_id=commission.person_id,
                reference_index=index,
                reference=work.seal(subject_id, f"subject.reference.{subject_id}", reference),
                service=commission.service,
                needed=[],
                received_on=commission.received_on,
                deadline=commission.deadline,
                status_noticed=CommissionStatus.FINISHED.value,  # it is told no status: it commissioned nothing
                mirrors=commission.subject_id,
            )
        )
    work.session.flush()
