"""The registry of recipients: who may ever receive anything, under which commitment, sealed for which key.

A recipient_id belongs to one organisation for ever: it may change its name, never its owner. An ended recipient stays
ended until it is reinstated, and no answer that was given before comes back with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import update

from services.consent import commitment as papers
from services.consent import reconsideration
from services.consent.commitment import Commitment, CommittedPurpose
from services.consent.domain import RecipientRole
from services.consent.errors import (
    EndingNotDone,
    NotAcceptable,
    RecipientEnded,
    RecipientNotEnded,
    RecipientNotFound,
)
from services.consent.keys import PUBLIC_FIELDS, UnusableKey, read_public_key, try_public_key
from services.consent.recipient_tables import CommitmentRow, RecipientKeyRow, RecipientRow
from shared.contracts.categories import Category
from shared.contracts.released import RELEASED_FIELDS, JobcenterSituation, ProviderReferral, Released
from shared.topology import is_recipient_id
from shared.unit_of_work import UnitOfWork

_MESSAGES: dict[RecipientRole, type[Released]] = {
    RecipientRole.JOBCENTER: JobcenterSituation,
    RecipientRole.PROVIDER: ProviderReferral,
}
"""What each role can be released; the town's steering nothing about anybody."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What an operator has on a recipient."""

    recipient_id: str
    organisation: str
    role: RecipientRole
    display_name: str
    offered: tuple[Category, ...]
    public_key: Mapping[str, Any]
    commitment: Commitment
    shields: str | None = None
    """Of which Jobcenter recipient it is the shield."""


def register(work: UnitOfWork, said: Registration, *, zone: ZoneInfo, recorded_by: str) -> None:
    """Register a recipient, or take over its new name, offer or commitment.

    Its role, its organisation and its key do not change here, and an ended one is not brought back. What a narrower
    offer takes back is retracted, and what a renewed commitment opens again is caught up on, person by person.
    """
    row = work.session.get(RecipientRow, said.recipient_id)
    if row is not None and row.ended_at is not None:
        raise RecipientEnded
    _check(work, said, row, zone)
    offered = [category.value for category in said.offered]
    if row is None:
        row = RecipientRow(
            recipient_id=said.recipient_id,
            organisation=said.organisation,
            role=said.role.value,
            display_name=said.display_name,
            offered=offered,
            public_key=_kept(said.public_key),
            shields=said.shields,
            commitment_ends_at=said.commitment.ends_at(zone),
        )
        work.session.add(row)
        _add_key(work, row, said.public_key)
    had_lapsed = row.commitment_ends_at <= work.now
    had_less = row.offered != offered
    row.display_name, row.offered = said.display_name, offered
    row.organisation = said.organisation
    _commit(work, row, said.commitment, zone=zone, recorded_by=recorded_by)
    if had_lapsed or had_less:
        work.narrows(row)
        cause = reconsideration.RETURNED if had_lapsed else reconsideration.CHANGED
        reconsideration.queue(work, said.recipient_id, cause=cause)


def end(work: UnitOfWork, *, recipient_id: str) -> None:
    """End a recipient: nothing is released to it any more, and every answer towards it ends, person by person.

    From the commit on nothing is opened, whether or not all answers have ended by then. Again changes nothing.
    """
    row = _load(work, recipient_id)
    if row.ended_at is not None:
        return
    row.ended_at = work.now
    work.session.add(row)
    work.narrows(row)
    outbox = RecipientRow.metadata.tables["outbox"]  # nobody will ever fetch these notices
    unsent = update(outbox).where(outbox.c.destination == recipient_id, outbox.c.sent_at.is_(None))
    work.session.execute(unsent.values(sent_at=work.now))
    reconsideration.queue(work, recipient_id, cause=reconsideration.ENDED)


def reinstate(
    work: UnitOfWork,
    *,
    recipient_id: str,
    organisation: str,
    commitment: Commitment,
    public_key: Mapping[str, Any] | None,
    zone: ZoneInfo,
    recorded_by: str,
) -> None:
    """Bring an ended recipient back under a fresh commitment. What was ever said to it stays ended.

    Whatever it had been told before is retracted now: the answers that it rested on are over.
    """
    row = _load(work, recipient_id)
    if row.ended_at is None:
        raise RecipientNotEnded
    left = reconsideration.waiting(work.session, cause=reconsideration.ENDED).get(recipient_id, 0)
    if left:
        raise EndingNotDone(left)
    if organisation != row.organisation:
        raise NotAcceptable(("organisation", "is not the one that this recipient_id belongs to"))
    reconsideration.end_open_words(work, recipient_id)  # none are left, unless a restore lost the queue
    today = work.now.astimezone(zone).date()
    papers.check(commitment, role=RecipientRole(row.role), today=today)
    if commitment.signed_on < row.ended_at.astimezone(zone).date():
        raise NotAcceptable(
            ("purpose_commitment.signed_on", "must not lie before the ending: it has to be signed anew")
        )
    if public_key is not None:
        _take_key(work, row, public_key)
    row.ended_at = None
    _commit(work, row, commitment, zone=zone, recorded_by=recorded_by)
    work.narrows(row)  # so that a restored backup does not end for ever what came back
    reconsideration.queue(work, recipient_id, cause=reconsideration.RETURNED)


def change_key(work: UnitOfWork, *, recipient_id: str, public_key: Mapping[str, Any]) -> str:
    """Seal for another key from now on; return its thumbprint. A key that was replaced is never taken again."""
    row = _load(work, recipient_id)
    if row.ended_at is not None:
        raise RecipientEnded
    return _take_key(work, row, public_key)


def thumbprint_of(public_key: Mapping[str, Any]) -> str:
    """Return a public key's RFC 7638 thumbprint: the `kid` of what is sealed for it."""
    return read_public_key(public_key).thumbprint()


def _load(work: UnitOfWork, recipient_id: str) -> RecipientRow:
    row = work.session.get(RecipientRow, recipient_id)
    if row is None:
        raise RecipientNotFound
    return row


def _check(work: UnitOfWork, said: Registration, row: RecipientRow | None, zone: ZoneInfo) -> None:
    if not is_recipient_id(said.recipient_id):
        raise NotAcceptable(("recipient_id", "must be lower case letters, digits and hyphens"))
    key = _thumbprint(said.public_key)
    message = _MESSAGES.get(said.role)
    if any(message is None or category not in RELEASED_FIELDS[message] for category in said.offered):
        raise NotAcceptable(("offered", "holds a category that this role can never receive"))
    papers.check(said.commitment, role=said.role, today=work.now.astimezone(zone).date())
    if row is None:
        _check_shield(work, said)
        return
    if row.shields != said.shields:
        raise NotAcceptable(("shields", "of a registered recipient cannot change"))
    if row.role != said.role.value:
        raise NotAcceptable(("role", "of a registered recipient cannot change"))
    if row.organisation not in ("", said.organisation):
        raise NotAcceptable(("organisation", "is not the one that this recipient_id belongs to"))
    if key != thumbprint_of(row.public_key):
        raise NotAcceptable(("public_key", "is changed by PUT /recipients/{recipient_id}/key alone"))


def _check_shield(work: UnitOfWork, said: Registration) -> None:
    """A shield is a second recipient of a Jobcenter that is there: whoever knows one line must not hold the other."""
    if said.shields is None:
        return
    if said.role is not RecipientRole.JOBCENTER:
        raise NotAcceptable(("shields", "goes with the role jobcenter only"))
    shielded = work.session.get(RecipientRow, said.shields)
    if shielded is None or shielded.role != RecipientRole.JOBCENTER.value or shielded.shields is not None:
        raise NotAcceptable(("shields", "must name a registered recipient of the role jobcenter that is no shield"))
    if _thumbprint(said.public_key) == thumbprint_of(shielded.public_key):
        raise NotAcceptable(("public_key", "must not be that of the recipient that it shields"))


def _commit(work: UnitOfWork, row: RecipientRow, commitment: Commitment, *, zone: ZoneInfo, recorded_by: str) -> None:
    """Put the two papers in force; the same ones handed in again change nothing."""
    known = work.session.get(CommitmentRow, row.commitment_id) if row.commitment_id else None
    if known is not None and commitment.signed_on < known.signed_on:
        raise NotAcceptable(("purpose_commitment.signed_on", "lies before that of the commitment on record"))
    if known is None or _as_recorded(known) != commitment:
        row.commitment_id = token_urlsafe(16)
        work.session.add(
            CommitmentRow(
                commitment_id=row.commitment_id,
                recipient_id=row.recipient_id,
                purposes=sorted(commitment.purposes),
                signed_on=commitment.signed_on,
                valid_until=commitment.valid_until,
                document_sha256=commitment.document_sha256,
                staff_told_on=commitment.staff_told_on,
                staff_document_sha256=commitment.staff_document_sha256,
                ends_at=commitment.ends_at(zone),
                recorded_at=work.now,
                recorded_by=recorded_by,
            )
        )
        row.warned_days = None
    row.commitment_ends_at = commitment.ends_at(zone)
    work.session.add(row)
    work.session.flush()
    work.narrows(row)  # a shorter commitment must not come back longer with a restored backup


def _as_recorded(row: CommitmentRow) -> Commitment:
    return Commitment(
        purposes=frozenset(CommittedPurpose(name) for name in row.purposes),
        signed_on=row.signed_on,
        valid_until=row.valid_until,
        document_sha256=row.document_sha256,
        staff_told_on=row.staff_told_on,
        staff_document_sha256=row.staff_document_sha256,
    )


def _kept(public_key: Mapping[str, Any]) -> dict[str, str]:
    """Return the point alone: what else stands in a JWK can make each use of it fail later."""
    return {name: str(public_key[name]) for name in PUBLIC_FIELDS}


def _thumbprint(public_key: Mapping[str, Any]) -> str:
    try:
        try_public_key(public_key)
        return thumbprint_of(public_key)
    except UnusableKey as error:
        raise NotAcceptable(("public_key", str(error))) from None


def _take_key(work: UnitOfWork, row: RecipientRow, public_key: Mapping[str, Any]) -> str:
    thumbprint, before = _thumbprint(public_key), thumbprint_of(row.public_key)
    if thumbprint == before:
        return thumbprint
    if work.session.get(RecipientKeyRow, (row.recipient_id, thumbprint)) is not None:
        raise NotAcceptable(("public_key", "was replaced before, and never comes back: make another"))
    replaced = work.session.get(RecipientKeyRow, (row.recipient_id, before)) or _add_key(work, row, row.public_key)
    replaced.replaced_at = work.now
    row.public_key = _kept(public_key)
    work.session.add(row)
    taken = _add_key(work, row, public_key)
    for changed in (replaced, taken, row):
        work.narrows(changed)
    return thumbprint


def _add_key(work: UnitOfWork, row: RecipientRow, public_key: Mapping[str, Any]) -> RecipientKeyRow:
    key = RecipientKeyRow(recipient_id=row.recipient_id, thumbprint=thumbprint_of(public_key), since=work.now)
    work.session.add(key)
    return key
