"""Everything that the gate keeps about one person, for that person: Art. 15 and 20 GDPR, § 83 SGB X.

What they answered and how it is proved, what is known, what was disclosed to whom, what waits to be opened.
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import ColumnElement, Table, or_
from sqlmodel import Session, select

from services.consent import ledger_view, spending, store
from services.consent.errors import PersonNotFound
from services.consent.recipient_tables import RecipientRow
from services.consent.tables import SubjectRow, metadata
from shared.access import KIT, KIT_LEFT_OUT, Content, Others, Record, Told, kept_about
from shared.keys import PersonKeys


def _of_a_subject(table: Table, person_id: str) -> ColumnElement[bool]:
    """Find releases of a commission that were made before the gate knew whose it is."""
    return table.c["subject_id"].in_(select(SubjectRow.subject_id).where(SubjectRow.person_id == person_id))


def _is_a_notice(table: Table, person_id: str) -> ColumnElement[bool]:
    """Find the notices about a person: each bears the id of its release and nothing else."""
    releases = metadata.tables["release"]
    of_person = or_(releases.c["person_id"] == person_id, _of_a_subject(releases, person_id))
    return table.c["message_id"].in_(select(releases.c["release_id"]).where(of_person))


TOLD = (
    Told("person", "person", source="consent"),
    Told("grant_record", "declaration", at="given_at", by="recorded_by"),
    Told("answer", "answer", at="given_at", source="you"),
    Told("withdrawal", "withdrawal", at="at", source="you"),
    Told("receipt", "receipt", at="issued_at", source="consent"),
    Told("answered_request", "answered_request", at="answered_at", source="consent"),
    Told("hold", "hold", at="since", source="you"),
    Told("inquiry", "inquiry", at="asked_at", source="consent"),
    Told("representation", "representation", at="since", by="recorded_by", others=Others.YES),
    Told(
        "emergency",
        "emergency",
        at="told_at",
        by="assessor_id",
        left_out={
            "request_key": "technical: so that a repeated request counts once",
            "request_sha256": "technical: the same",
        },
    ),
    Told(
        "work_done",
        "work",
        source="consent",
        opened={"link": spending.vouchers_spent},
        left_out={"owed_by": "says whose account pays, and that stands with your commission", "owed_line": "the same"},
    ),
    Told("fact", "known_fact", at="first_received_at", source="care circle"),
    Told(
        "subject",
        "commission_or_referral",
        by="recipient_id",
        key="subject_id",
        left_out={"reference_index": "a keyed hash, to find the reference, which is told"},
    ),
    Told("release", "release", at="created_at", source="consent", also=_of_a_subject),
    Told(
        "ledger",
        "disclosure",
        at="at",
        source="consent",
        key="key_id",
        opened={"content": ledger_view.read_content},
        left_out={
            "previous_hash": "technical: links the chain of the recipient",
            "commitment": "technical: a hash of what is told under `content`",
            "key_id": "says whose it is, and that is what was asked for",
        },
    ),
    *(replace(one, also=_is_a_notice) if one.table == "outbox" else one for one in KIT),
)
"""How each table is told."""

LEFT_OUT = {
    **KIT_LEFT_OUT,
    "recipient": "about organisations; their names stand with what they received",
    "erasure": "an erased person is answered that they are erased, and nothing else is left to tell",
    "erasure_confirmation": "the same: which service has confirmed",
    "commitment": "about organisations: the papers under which they may receive anything",
    "recipient_key": "about organisations: thumbprints of their keys",
    "reconsideration": "technical: who is looked at anew after a recipient changed; a row lasts for minutes",
    "figure_count": "how many persons, by table and row: about nobody",
    "capacity_query": "which provider was asked for places in which week: about nobody",
    "figure_publication": "what was published of a quarter: about nobody",
    "ledger_head": "technical: the newest link of a recipient's chain",
    "book": "about nobody: how many units a Jobcenter has funded",
    "voucher": "about nobody: a voucher is linked to work by what is told under `work` alone, as a number",
    "billing_statement": "about nobody: what a Jobcenter was billed, in tens",
    "voucher_dispute": "about nobody: a voucher on a statement that a Jobcenter disputes",
    "lease": "technical: which instance does what only one may do",
    "command": "keyed hashes of what recipients sent, so that it counts once; whom it was about does not stand there",
}
"""Tables that are not told, and why."""


def kept(session: Session, keys: PersonKeys, person_id: str) -> list[Record]:
    """Return every record about a person; raise PersonNotFound, or KeyDestroyed when they were erased."""
    subjects = [subject.subject_id for subject in store.subjects_of(session, person_id)]
    found = kept_about(session, keys, metadata, TOLD, person_id=person_id, key_ids=subjects)
    if not found:
        raise PersonNotFound
    names = {row.recipient_id: row.display_name for row in session.exec(select(RecipientRow))}
    declared = {record.id: record.content for record in found if record.kind == "declaration"}
    return [_in_full(record, names, declared) for record in found]


def _in_full(record: Record, names: Mapping[str, str], declared: Mapping[str, Content]) -> Record:
    """Add to a record what the person cannot look up elsewhere: the recipient's name, what an answer was about."""
    content = dict(record.content)
    if record.kind == "answer":
        grant = declared.get(content["grant_id"], {})
        content |= {name: grant[name] for name in ("recipient_id", "purpose", "kind", "reaches_back") if name in grant}
    recipient_id = content.get("recipient_id") or record.source
    if recipient_id in names:
        content["recipient"] = names[recipient_id]
    return record.model_copy(update={"content": content})
