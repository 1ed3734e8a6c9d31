"""Outreach: what is written down of somebody who is met on the street, and how it is forgotten.

Nobody outside this service hears of a thread: nothing here announces anything. Whoever wants to be left alone, or to be
forgotten, is: the words go with their key, and what stays for some weeks is an id, so that a contact that is sent once
more does not begin it anew.
"""

from collections.abc import Collection

from services.intake import outreach_store
from services.intake.domain import NotAcceptable
from services.intake.outreach_store import Thread, ThreadContact
from services.intake.thread import ContactDiffers, Meeting, News, State, ThreadHasCase, ThreadNotFound, after
from shared.outbox import random_id
from shared.unit_of_work import UnitOfWork

Answer = dict[str, str]
"""What a request is answered with: ids, a state and a day."""


def open_thread(
    work: UnitOfWork, *, contact_id: str, meeting: Meeting, called: str | None, points: Collection[str], by: str
) -> Answer:
    """Begin a thread with its first contact; whoever writes it down is responsible. Sent again, it is the same."""
    known = work.session.get(ThreadContact, contact_id)
    if known is not None:
        thread = outreach_store.load(work.session, known.thread_id)
        _check_same(work, thread, known, meeting)
        return answer_of(thread)
    meeting.check(points=points, town=work.town, now=work.now, path="contact.")
    meeting.check_first(path="contact.")
    thread = Thread(
        thread_id=random_id(),
        state=State.OPEN.value,
        responsible_id=by,
        opened_at=work.now,
        last_contact_at=meeting.met_at,
        last_met_at=meeting.met_at,
        look_again_on=meeting.look_again(work.town),
    )
    if called is not None:
        thread.called = work.seal(thread.key_id, outreach_store.called_place(thread.thread_id), called)
    work.session.add(thread)
    work.session.flush()  # its contact refers to it
    _keep(work, thread, contact_id, meeting, by=by)
    return answer_of(thread)


def record(
    work: UnitOfWork, *, thread_id: str, contact_id: str, meeting: Meeting, points: Collection[str], by: str
) -> Answer:
    """Write down a contact, once, also long after it. The latest one says when somebody looks again."""
    thread = outreach_store.load(work.session, thread_id)
    known = work.session.get(ThreadContact, contact_id)
    if known is not None:
        _check_same(work, thread, known, meeting)
        return answer_of(thread)
    following = after(State(thread.state), meeting.news)
    meeting.check(points=points, town=work.town, now=work.now)
    if thread.closed_at is not None and meeting.met_at > thread.closed_at:
        raise ThreadHasCase
    if following is State.ENDED:
        _keep(work, thread, contact_id, None, by=by)
        end(work, thread)
        return answer_of(thread)
    _keep(work, thread, contact_id, meeting, by=by)
    if following is State.OPEN:
        _follow(work, thread, meeting)
    return answer_of(thread)


def hand_over(work: UnitOfWork, *, thread_id: str, to: str, workers: Collection[str]) -> Answer:
    """Have another outreach worker be responsible; what is overdue is told anew, so that they hear of it too."""
    if to not in workers:
        raise NotAcceptable("to", "must hold a token as outreach_worker")
    thread = outreach_store.load(work.session, thread_id)
    after(State(thread.state), News.HANDED_OVER)
    if thread.responsible_id != to:
        thread.responsible_id = to
        _plan_anew(work, thread)
    return answer_of(thread)


def join(work: UnitOfWork, *, thread_id: str, other_thread_id: str) -> Answer:
    """Have two threads of one person be one: contacts of both in it, and the earlier day of the two."""
    if thread_id == other_thread_id:
        raise NotAcceptable("other_thread_id", "must name another thread")
    thread = outreach_store.load(work.session, thread_id)
    try:
        other = outreach_store.load(work.session, other_thread_id)
    except ThreadNotFound:
        raise NotAcceptable("other_thread_id", "names no thread") from None
    if other.thread_id == thread.thread_id:
        return answer_of(thread)
    for one in (thread, other):
        after(State(one.state), News.JOINED)
    _take_words(work, thread, other)
    _take_days(work, thread, other)
    for joined in (other, *outreach_store.joined_to(work.session, other.thread_id)):
        joined.joined_thread_id = thread.thread_id
    _close(work, other, State.JOINED)
    work.destroys(other.thread_id)
    return answer_of(thread)


def forget(work: UnitOfWork, *, thread_id: str) -> None:
    """Forget a thread because the person wants it; a second time changes nothing."""
    thread = outreach_store.load(work.session, thread_id)
    if thread.state != State.ENDED:
        after(State(thread.state), News.FORGETTING_WISHED)
        end(work, thread)


def end(work: UnitOfWork, thread: Thread) -> None:
    """End a thread and forget every word of it, and of those that were joined to it; no reason is kept."""
    work.session.flush()
    for contact in outreach_store.contacts_of(work.session, thread.thread_id):
        contact.content = None
    for one in (thread, *outreach_store.joined_to(work.session, thread.thread_id)):
        _close(work, one, State.ENDED)
        one.last_contact_at = one.last_met_at = None
        work.narrows(one)
    work.destroys(thread.thread_id)


def answer_of(thread: Thread) -> Answer:
    """Say where a thread stands."""
    answer = {"thread_id": thread.thread_id, "state": thread.state}
    return answer if thread.look_again_on is None else {**answer, "look_again_on": thread.look_again_on.isoformat()}


def _keep(work: UnitOfWork, thread: Thread, contact_id: str, meeting: Meeting | None, *, by: str) -> None:
    place, sealed = outreach_store.content_place(contact_id), None
    if meeting is not None:
        sealed = work.seal(thread.key_id, place, outreach_store.as_value(meeting))
    row = ThreadContact(
        contact_id=contact_id, thread_id=thread.thread_id, recorded_at=work.now, recorded_by=by, content=sealed
    )
    work.session.add(row)


def _check_same(work: UnitOfWork, thread: Thread, known: ThreadContact, meeting: Meeting) -> None:
    """Refuse another contact under a known id. Of one whose words are gone nobody can say, and nobody has to."""
    if known.thread_id != thread.thread_id:
        raise ContactDiffers
    before = outreach_store.meeting_of(work.keys, thread.key_id, known)
    if before is not None and before != meeting:
        raise ContactDiffers


def _follow(work: UnitOfWork, thread: Thread, meeting: Meeting) -> None:
    if meeting.news is News.MET and (thread.last_met_at is None or thread.last_met_at < meeting.met_at):
        thread.last_met_at = meeting.met_at
        outreach_store.settle(work.session, thread.thread_id, now=work.now, from_level=outreach_store.WARNING)
    if thread.last_contact_at is None or thread.last_contact_at <= meeting.met_at:
        thread.last_contact_at = meeting.met_at
        thread.look_again_on = meeting.look_again(work.town)
        _plan_anew(work, thread)


def _plan_anew(work: UnitOfWork, thread: Thread) -> None:
    thread.number += 1
    outreach_store.settle(work.session, thread.thread_id, now=work.now)


def _take_words(work: UnitOfWork, thread: Thread, other: Thread) -> None:
    """Move the other thread's words under this one's key; if one cannot be read, both stay as they are."""
    for contact in outreach_store.contacts_of(work.session, other.thread_id):
        place = outreach_store.content_place(contact.contact_id)
        if contact.content is not None:
            contact.content = work.seal(thread.key_id, place, work.unseal(other.key_id, place, contact.content))
        contact.thread_id = thread.thread_id
    if thread.called is None and other.called is not None:
        called = work.unseal(other.key_id, outreach_store.called_place(other.thread_id), other.called)
        thread.called = work.seal(thread.key_id, outreach_store.called_place(thread.thread_id), called)


def _take_days(work: UnitOfWork, thread: Thread, other: Thread) -> None:
    days = [one.look_again_on for one in (thread, other) if one.look_again_on is not None]
    contacts = [one.last_contact_at for one in (thread, other) if one.last_contact_at is not None]
    meetings = [one.last_met_at for one in (thread, other) if one.last_met_at is not None]
    thread.last_contact_at, thread.last_met_at = max(contacts, default=None), max(meetings, default=None)
    if days and min(days) != thread.look_again_on:
        thread.look_again_on = min(days)
        _plan_anew(work, thread)


def _close(work: UnitOfWork, thread: Thread, state: State) -> None:
    thread.state = state.value
    thread.closed_at = work.now
    thread.look_again_on = thread.called = thread.wish = None
    outreach_store.forget_alarms(work.session, thread.thread_id)
