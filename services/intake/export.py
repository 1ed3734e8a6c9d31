"""Everything that intake keeps about one person, for that person: Art. 15 and 20 GDPR, § 83 SGB X."""

import json

from sqlmodel import Session, select

from services.intake.domain import PersonNotFound
from services.intake.outreach_store import metadata
from services.intake.store import Case, Commission, names_person
from shared.access import KIT, KIT_LEFT_OUT, Others, Record, Told, kept_about
from shared.keys import PersonKeys

TOLD = (
    Told("case", "case", at="opened_at", source="intake"),
    Told("commission", "commission", at="received_at", by="recipient_id", through=("case_id", "case")),
    Told("strand", "next_step", at="planned_at", source="intake", through=("case_id", "case")),
    Told("alarm", "alarm", at="raised_at", source="intake", through=("case_id", "case")),
    Told("acute_need", "acute_need", at="reported_at", by="reported_by", through=("case_id", "case")),
    Told("notice", "notices_given", at="given_at", by="given_by", through=("case_id", "case")),
    Told("thread", "outreach", at="opened_at", by="responsible_id"),
    Told(
        "thread_contact",
        "outreach_contact",
        at="recorded_at",
        by="recorded_by",
        through=("thread_id", "thread"),
        others=Others.PERHAPS,  # a note is in the worker's own words
    ),
    Told("thread_alarm", "alarm", at="raised_at", source="intake", through=("thread_id", "thread")),
    Told(
        "answered_request",
        "answered_request",
        at="answered_at",
        source="intake",
        also=names_person,
        left_out={"body_sha256": "a hash of what was sent, so that it counts once"},
        opened={"answer": lambda _keys, row: json.loads(row.answer)},
    ),
    *KIT,
)
"""How each table is told."""

LEFT_OUT = {**KIT_LEFT_OUT, "figures_counted": "how many persons, by table and row: about nobody"}
"""Tables that are not told, and why."""


def kept(session: Session, keys: PersonKeys, person_id: str) -> list[Record]:
    """Return every record about a person; raise PersonNotFound, or KeyDestroyed when they were erased."""
    of_person = select(Commission.commission_id).join(Case).where(Case.person_id == person_id)
    commissions = session.exec(of_person).all()
    found = kept_about(session, keys, metadata, TOLD, person_id=person_id, key_ids=commissions)
    if not found:
        raise PersonNotFound
    return found
