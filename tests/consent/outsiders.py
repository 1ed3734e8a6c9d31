"""What somebody outside may try: commands and openings of every kind, by every recipient, valid or not.

An act is drawn before anything is known of the gate on which it is tried: it names things by their number there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from services.consent import store
from services.consent.recipient_tables import RecipientRow
from services.consent.tables import AnswerRow, FactRow, GrantRow, PersonRow, ReleaseRow, SubjectRow
from shared.contracts.consent import Service
from shared.contracts.envelope import canonical
from shared.keys import UnreadableValue
from shared.unit_of_work import UnitOfWork
from tests.consent.builders import a_cancellation, a_commission, an_answer_to
from tests.consent.gate import Gate
from tests.consent.wire import Wire

NOBODY = "nobody-there"

Name = tuple[str, str]
"""Whose something is, and what it is called."""


@dataclass(frozen=True, slots=True)
class Names:
    """All names that are of any use to somebody who tries: far more than any recipient has."""

    recipients: list[str]
    references: list[Name]
    notices: list[Name]
    inside: list[Name]
    """Ids that never leave: of persons, facts, grants, answers, commissions and referrals."""

    def pick(self, kind: str, number: int) -> Name:
        """Return one of a kind."""
        names: list[Name] = getattr(self, kind)
        return names[-number % len(names)]

    def sender(self, owner: str, number: int | None) -> str:
        """Return who tries: whose it is, or anybody."""
        return owner if number is None else self.recipients[number % len(self.recipients)]


Act = Callable[[Names, Wire], list[str]]
"""Something that is tried; returns how it was answered each time."""


def names_in(gate: Gate) -> Names:
    """Return the names of a gate as it is now, what is newest last."""
    subjects = gate.rows(SubjectRow)
    with gate.service.database.read() as session:
        work = UnitOfWork(session, gate.service.keys, now=gate.clock.now)
        references = [(row.recipient_id, _reference(work, row)) for row in subjects]
    releases = sorted(gate.rows(ReleaseRow), key=lambda row: (row.created_at, row.release_id))
    ids = [
        *(row.person_id for row in gate.rows(PersonRow)),
        *(row.fact_id for row in gate.rows(FactRow)),
        *(row.grant_id for row in gate.rows(GrantRow)),
        *(row.answer_id for row in gate.rows(AnswerRow)),
        *(row.subject_id for row in subjects),
    ]
    return Names(
        [NOBODY, *(row.recipient_id for row in gate.rows(RecipientRow))],
        [(NOBODY, "BG nobody"), *references],
        [(NOBODY, "A" * 43), *((row.recipient_id, row.release_id) for row in releases)],
        [(NOBODY, name) for name in (NOBODY, *ids)],
    )


def _reference(work: UnitOfWork, subject: SubjectRow) -> str:
    try:
        return store.reference_of(work, subject)
    except UnreadableValue:
        return "erased"


ANSWERS: tuple[dict[str, Any], ...] = (
    {"answer": "accepted"},
    {"answer": "attended"},
    {"answer": "appointment_offered", "appointment_at": "2026-03-20T09:00:00+01:00"},
    {"answer": "ended", "outcome": "not_helped"},
    {"answer": "ended"},
    {"answer": "yes"},
)
SMUGGLED: tuple[dict[str, Any], ...] = (
    {"grant": {"word": "yes", "categories": ["addiction", "mental_health"]}},
    {"word": "yes", "kinds": ["data_consent", "secrecy_release"]},
    {"categories": ["debts"]},
    {"recipient_id": NOBODY},
    {"person_id": "person-1"},
    {"needed": ["addiction"]},
    {"reference": None},
    {"reference": ["BG-1"]},
    {"command_id": "short"},
    {"command": "withdraw_grant"},
    {"command": "grant"},
    {"deadline": "2020-01-01"},
    {"contact": {"channel": "phone", "address": "0201 555 0100", "diagnosis": "F32"}},
)
JUNK = (b"", b"{}", b"null", b"[]", b'{"open": null}', b'{"open": "' + b"x" * 2000 + b'"}', b"{" * 900)

numbers = st.integers(min_value=0, max_value=999)
senders = st.one_of(st.none(), st.none(), numbers)
times = st.sampled_from([1, 1, 2])


@st.composite
def commands(draw: st.DrawFn) -> Act:
    """Draw a command of anybody's about anything, perhaps with what does not belong there, perhaps repeated."""
    sender, number, often = draw(senders), draw(numbers), draw(times)
    where = draw(st.sampled_from(["references", "references", "references", "notices", "inside"]))
    service, answer = draw(st.sampled_from(Service)).value, draw(st.sampled_from(ANSWERS))
    kind = draw(st.sampled_from(["commission", "cancel", "answer", "answer"]))
    smuggled: dict[str, Any] = draw(st.one_of(st.just({}), st.just({}), st.sampled_from(SMUGGLED)))

    def act(names: Names, wire: Wire) -> list[str]:
        owner, name = names.pick(where, number)
        made: dict[str, dict[str, Any]] = {
            "commission": a_commission(f"BG {number}", service=service),
            "cancel": a_cancellation(name),
            "answer": {**an_answer_to(name), **answer},
        }
        command = {**made[kind], **smuggled}
        return [str(wire.send(command, names.sender(owner, sender))["result"]) for _ in range(often)]

    return act


@st.composite
def answers_to_ones_own(draw: st.DrawFn) -> Act:
    """Draw an answer that is in order; all but referrals refuse it."""
    number, answer = draw(numbers), draw(st.sampled_from(ANSWERS[:4]))

    def act(names: Names, wire: Wire) -> list[str]:
        owner, name = names.pick("references", number)
        return [str(wire.send({**an_answer_to(name), **answer}, owner)["result"])]

    return act


@st.composite
def openings(draw: st.DrawFn) -> Act:
    """Draw an opening by anybody of a notice, or of what is none; perhaps repeated."""
    sender, number, often = draw(senders), draw(numbers), draw(times)
    where = draw(st.sampled_from(["notices", "notices", "notices", "notices", "references", "inside"]))
    smuggled: dict[str, Any] = draw(st.sampled_from([{}, {}, {}, {"word": "yes"}, {"recipient_id": NOBODY}]))

    def act(names: Names, wire: Wire) -> list[str]:
        owner, name = names.pick(where, number)
        asked = canonical({"open": name, **smuggled})
        return [str(wire.open_bytes(asked, names.sender(owner, sender))["result"]) for _ in range(often)]

    return act


@st.composite
def openings_of_ones_own(draw: st.DrawFn) -> Act:
    """Draw that who got one of the newest notices opens it; perhaps repeated."""
    number, often = draw(st.integers(min_value=1, max_value=4)), draw(times)

    def act(names: Names, wire: Wire) -> list[str]:
        owner, name = names.pick("notices", number)
        return [str(wire.open(name, owner)["result"]) for _ in range(often)]

    return act


@st.composite
def noise(draw: st.DrawFn) -> Act:
    """Draw bytes that are neither."""
    sender, body = draw(numbers), draw(st.one_of(st.binary(max_size=60), st.sampled_from(JUNK)))

    def act(names: Names, wire: Wire) -> list[str]:
        recipient_id = names.sender(NOBODY, sender)
        return [str(one(body, recipient_id)["result"]) for one in (wire.open_bytes, wire.send_bytes)]

    return act


tried = st.one_of(
    openings_of_ones_own(), openings_of_ones_own(), openings(), commands(), answers_to_ones_own(), noise()
)
acts = st.lists(tried, min_size=6, max_size=16)
