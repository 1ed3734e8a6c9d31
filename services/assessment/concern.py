"""What the team does about a concern for a child. A concern is kept as a private note: each move is its next version,
with its time and the named human who made it. Nothing of it is announced but that a talk is owed, by a day.
"""

from services.assessment import store
from services.assessment.child_protection import CONCERN, REASONS, SECOND_PERSON, Concern, Move, Reason, Stage
from services.assessment.domain import EntryNotFound, Kind, MoveNotPossible, NotAcceptable, SamePerson
from services.assessment.planning import Answer, plan
from services.assessment.store import Case, Entry
from shared.unit_of_work import UnitOfWork


def note_concern(work: UnitOfWork, *, case_id: str, by: str) -> Answer:
    """Write down that there is a concern; what it is stands in a note, in the team's own words."""
    case = store.load_open_case(work.session, case_id)
    entry = _write(work, case, Concern(noted_by=by), by=by)
    return {"concern_id": entry.entry_id, "stage": Stage.NOTED.value}


def move_on(work: UnitOfWork, *, case_id: str, concern_id: str, move: Move, reason: Reason | None, by: str) -> Answer:
    """Make the next move: also after the end of the case. The same move again changes nothing."""
    case = store.load_case(work.session, case_id)
    newest = store.load_versions(work.session, case_id, concern_id, Kind.NOTE)[-1]
    said = store.content_of(work.keys, case, newest)
    if CONCERN not in said:
        raise EntryNotFound
    concern = Concern(said["noted_by"], Stage(said[CONCERN]))
    if said.get("move") == move:
        return {"concern_id": concern_id, "stage": concern.stage.value}
    _check(concern, move, reason, by=by)
    stage = concern.moves()[move]
    _write(work, case, Concern(concern.noted_by, stage), by=by, after=newest, move=move, reason=reason)
    return {"concern_id": concern_id, "stage": stage.value}


def _check(concern: Concern, move: Move, reason: Reason | None, *, by: str) -> None:
    if move not in concern.moves():
        raise MoveNotPossible
    possible = REASONS.get(move, frozenset())
    if possible and reason not in possible:
        raise NotAcceptable("reason", f"must be one of {', '.join(sorted(possible))}")
    if not possible and reason is not None:
        raise NotAcceptable("reason", "does not go with this move")
    if move in SECOND_PERSON and by == concern.noted_by:
        raise SamePerson


def _write(
    work: UnitOfWork,
    case: Case,
    concern: Concern,
    *,
    by: str,
    after: Entry | None = None,
    move: Move | None = None,
    reason: Reason | None = None,
) -> Entry:
    content = {CONCERN: concern.stage.value, "noted_by": concern.noted_by}
    content |= {name: code.value for name, code in {"move": move, "reason": reason}.items() if code is not None}
    entry = store.add_version(work, case, Kind.NOTE, content, by=by, after=after)
    plan(work, case)
    return entry
