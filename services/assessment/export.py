"""Everything that the assessment keeps about one person, for that person, the team's private notes included.

Art. 15 and 20 GDPR, § 83 SGB X: a note about a person is that person's data. Whether it is somebody else's as well is
marked, so that a named human can weigh it.
"""

from sqlmodel import Session

from services.assessment.domain import PersonNotFound
from services.assessment.store import metadata
from shared.access import KIT, KIT_LEFT_OUT, Record, Told, kept_about
from shared.keys import PersonKeys

TOLD = (
    Told("case", "case", at="opened_at", source="assessment"),
    Told("entry", "entry", at="recorded_at", by="recorded_by", through=("case_id", "case")),
    Told("answered_request", "answered_request", at="answered_at", source="assessment", through=("case_id", "case")),
    Told("contest", "contest", source="you", through=("case_id", "case")),
    Told("telling", "to_be_told", at="heard_at", source="consent", through=("case_id", "case")),
    *KIT,
)
"""How each table is told."""

LEFT_OUT = {
    **KIT_LEFT_OUT,
    "absence": "who of the team is away: about staff, and about no person",
    "figures_counted": "how many persons, by table and row: about nobody",
}
"""Tables that are not told, and why."""


def kept(session: Session, keys: PersonKeys, person_id: str) -> list[Record]:
    """Return every record about a person; raise PersonNotFound, or KeyDestroyed when they were erased."""
    found = kept_about(session, keys, metadata, TOLD, person_id=person_id)
    if not found:
        raise PersonNotFound
    return [_by_its_kind(record) for record in found]


def _by_its_kind(record: Record) -> Record:
    """Name an entry by what it is: a fact, a note, a statement ..."""
    if record.kind != "entry":
        return record
    content = dict(record.content)
    return record.model_copy(update={"kind": content.pop("kind"), "content": content})
