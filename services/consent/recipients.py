"""The registry of recipients: who may ever receive anything. Without a secrecy commitment nobody is registered."""

from datetime import date
from typing import Any

from services.consent.domain import RecipientRole
from services.consent.errors import NotAcceptable, RecipientNotFound
from services.consent.keys import PUBLIC_FIELDS, UnusableKey, try_public_key
from services.consent.tables import RecipientRow
from shared.contracts.categories import Category
from shared.contracts.released import RELEASED_FIELDS, JobcenterSituation, ProviderReferral, Released
from shared.topology import is_recipient_id
from shared.unit_of_work import UnitOfWork

_MESSAGES: dict[RecipientRole, type[Released]] = {
    RecipientRole.JOBCENTER: JobcenterSituation,
    RecipientRole.PROVIDER: ProviderReferral,
}


def register(
    work: UnitOfWork,
    *,
    recipient_id: str,
    role: RecipientRole,
    display_name: str,
    offered: list[Category],
    public_key: dict[str, Any],  # Any: a JWK
    signed_on: date,
    document_sha256: str,
) -> None:
    """Register a recipient or take over its new key, name and offer. Its role never changes."""
    if not is_recipient_id(recipient_id):
        raise NotAcceptable(("recipient_id", "must be lower case letters, digits and hyphens"))
    try:
        try_public_key(public_key)
    except UnusableKey as error:
        raise NotAcceptable(("public_key", str(error))) from None
    holdable = RELEASED_FIELDS[_MESSAGES[role]]
    if any(category not in holdable for category in offered):
        raise NotAcceptable(("offered", "holds a category that this role can never receive"))
    if signed_on > work.now.date():
        raise NotAcceptable(("secrecy_commitment.signed_on", "must not lie in the future"))
    row = work.session.get(RecipientRow, recipient_id)
    if row is not None and row.role != role.value:
        raise NotAcceptable(("role", "of a registered recipient cannot change"))
    row = row or RecipientRow(
        recipient_id=recipient_id,
        role=role.value,
        display_name=display_name,
        offered=[],
        public_key={},
        commitment_signed_on=signed_on,
        commitment_sha256=document_sha256,
    )
    row.display_name, row.offered = display_name, [item.value for item in offered]
    row.public_key = {name: str(public_key[name]) for name in PUBLIC_FIELDS}
    row.commitment_signed_on, row.commitment_sha256, row.ended_at = signed_on, document_sha256, None
    work.session.add(row)


def end(work: UnitOfWork, *, recipient_id: str) -> None:
    """End a recipient: nothing is released to it any more."""
    row = work.session.get(RecipientRow, recipient_id)
    if row is None:
        raise RecipientNotFound(recipient_id)
    row.ended_at = row.ended_at or work.now
    work.session.add(row)
