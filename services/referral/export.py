"""Everything that the referral service keeps about one person, for that person: Art. 15 and 20 GDPR, § 83 SGB X.

Where each referral stands is told too: it is kept nowhere, but follows from what is.
"""

from typing import Any

from sqlmodel import Session

from services.referral.errors import PersonNotFound
from services.referral.packet_store import note_kept
from services.referral.shown import ReferralLine
from services.referral.store import Referrals
from services.referral.tables import metadata
from services.referral.visit_store import kept_of
from shared.access import KIT, KIT_LEFT_OUT, Record, Told, kept_about
from shared.keys import PersonKeys, UnreadableValue

STANDING = {"state", "since", "owner", "next_step", "due_at"}


def _visit(keys: PersonKeys, row: Any) -> Any:  # Any: a row of the table, and JSON values
    """Return plan and permission of a visit, without the salt: it says nothing, and proves the hash to nobody."""
    kept = kept_of(keys, row)
    if kept is not None:
        del kept["plan"]["salt"]
    return kept


TOLD = (
    Told("case", "case", at="opened_at", source="referral"),
    Told("referral", "referral", at="requested_at", by="responsible_id"),
    Told("refusal", "refusal", at="refused_at", by="refused_id", through=("referral_id", "referral")),
    Told("visit", "visit", by="proposed_by", opened={"kept": _visit}),
    Told("visit_audit", "visit_audit", at="at", by="by_id", through=("visit_id", "visit")),
    Told("visit_packet", "visit_packet", at="issued_at", by="worker_id", through=("visit_id", "visit")),
    Told("visit_note", "visit_note", through=("visit_id", "visit"), opened={"kept": note_kept}),
    Told("happening", "happening", source="referral", through=("referral_id", "referral")),
    *KIT,
)
"""How each table is told."""

LEFT_OUT = {
    **KIT_LEFT_OUT,
    "worker_key": "the public key of somebody who visits: about no person who is visited",
    "contingent": "numbers of places: about nobody",
    "hold": "a place that is kept free: about nobody, and no referral leads to it",
    "waiting": "a random id that no record of a person names",
    "out_of_order": "who of the team held a place out of order: no record of a person leads to it",
    "figures_counted": "how many persons, by table and row: about nobody",
}
"""Tables that are not told, and why."""


def kept(session: Session, keys: PersonKeys, person_id: str) -> list[Record]:
    """Return every record about a person; raise PersonNotFound, or KeyDestroyed when they were erased."""
    found = kept_about(session, keys, metadata, TOLD, person_id=person_id)
    if not found:
        raise PersonNotFound
    referrals = Referrals(session, keys)
    return [_with_standing(record, referrals) for record in found]


def _with_standing(record: Record, referrals: Referrals) -> Record:
    if record.kind != "referral":
        return record
    try:
        standing = ReferralLine.of(referrals.get(record.id)).model_dump(mode="json", include=STANDING)
    except UnreadableValue:  # the record that cannot be read says so itself
        return record
    return record.model_copy(update={"content": {**record.content, "stands": standing}})
