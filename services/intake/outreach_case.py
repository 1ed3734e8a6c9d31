"""A thread becomes a case, because the person says so and in no other way.

What was written down goes under the person's key, so that their access export and their erasure have it; the thread's
own key is destroyed. Of this the care circle hears what it hears of anybody who is met on the street: that there is a
case.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from services.intake import handlers, outreach_store, store
from services.intake.domain import CaseHasEnded, CaseNotFound, NotAcceptable
from services.intake.outreach_store import Thread
from services.intake.thread import News, Said, State, ThreadHasCase, after
from shared.contracts.intake import Contact, Identity, Origin
from shared.keys import KeyDestroyed, KeyNeverMade, UnreadableValue
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

Answer = dict[str, str]


@dataclass(frozen=True, slots=True)
class Wish:
    """That the person wants it: how they said so, in which language, to whom."""

    said: Said
    language: str = field(repr=False)
    told_to: str


@dataclass(frozen=True, slots=True)
class NewCase:
    """What the person tells for a case of their own; no name and no address is ordinary."""

    contact: Contact = field(repr=False)
    identity: Identity | None = field(repr=False)
    shielded: bool
    team_id: str


def open_case(work: UnitOfWork, *, thread_id: str, wish: Wish, new: NewCase) -> Answer:
    """Open the case of a thread, once."""
    thread = outreach_store.load(work.session, thread_id)
    if thread.state == State.CASE:
        return _answer(work, thread)
    after(State(thread.state), News.CASE_WISHED)
    opened = handlers.open_case(
        work,
        origin=Origin.STREET,
        contact=new.contact,
        identity=new.identity,
        team_id=new.team_id,
        shielded=new.shielded,
    )
    _become(work, thread, str(opened["person_id"]), wish)
    return _answer(work, thread)


def move_to_case(work: UnitOfWork, *, thread_id: str, wish: Wish, case_id: str) -> Answer:
    """Have a thread belong to the case that the person has already."""
    thread = outreach_store.load(work.session, thread_id)
    try:
        case = store.load_case(work.session, case_id)
    except CaseNotFound:
        raise NotAcceptable("case_id", "names no case") from None
    if thread.state == State.CASE:
        if thread.person_id != case.person_id:
            raise ThreadHasCase
        return _answer(work, thread)
    after(State(thread.state), News.CASE_WISHED)
    if case.ended_at is not None:
        raise CaseHasEnded
    _become(work, thread, case.person_id, wish)
    return _answer(work, thread)


def _become(work: UnitOfWork, thread: Thread, person_id: str, wish: Wish) -> None:
    former = thread.key_id

    def moved(place: str, sealed: bytes | None) -> bytes | None:
        value = _readable(lambda: work.unseal(former, place, sealed), place) if sealed is not None else None
        return None if value is None else work.seal(person_id, place, value)

    for contact in outreach_store.contacts_of(work.session, thread.thread_id):
        contact.content = moved(outreach_store.content_place(contact.contact_id), contact.content)
    thread.called = moved(outreach_store.called_place(thread.thread_id), thread.called)
    said = {"said": wish.said.value, "language": wish.language, "told_to": wish.told_to}
    thread.wish = work.seal(person_id, outreach_store.wish_place(thread.thread_id), said)
    for one in (thread, *outreach_store.joined_to(work.session, thread.thread_id)):
        one.person_id = person_id
    thread.state, thread.closed_at, thread.look_again_on = State.CASE.value, work.now, None
    outreach_store.settle(work.session, thread.thread_id, now=work.now, from_level=outreach_store.WARNING)
    work.destroys(former)


def _readable(read: Callable[[], object], place: str) -> object:
    """Return what can be read. What cannot is left behind: nobody waits for a case because of an old note."""
    try:
        return read()
    except KeyNeverMade:  # the store of keys is the wrong one: then nothing is lost yet, and nothing is done
        raise
    except (UnreadableValue, KeyDestroyed):
        log.error("words_left_behind", place=place)
        return None


def _answer(work: UnitOfWork, thread: Thread) -> Answer:
    case = store.case_of_person(work.session, str(thread.person_id))
    if case is None:  # a person has a case as long as anything is kept of them
        raise CaseNotFound
    return {
        "thread_id": thread.thread_id,
        "state": thread.state,
        "case_id": case.case_id,
        "person_id": case.person_id,
    }
