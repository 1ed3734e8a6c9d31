"""Handlers of a made-up service, and messages for them."""

from shared.bus import Line
from shared.contracts.assessment import CaseTaken
from shared.contracts.consent import PersonErased
from shared.contracts.intake import CaseEnded, CaseOpened
from shared.effect import Effects, Handlers
from shared.inbox import TooEarly
from shared.outbox import random_id
from shared.reader import Reader, Received
from shared.receiver import Receiver
from shared.service import Service
from shared.unit_of_work import UnitOfWork
from shared.zone import ZoneKeys
from tests.shared.builders import NOON, Kit, a_case, add

PERSON = "person-12"


class Cases:
    """The handlers of a made-up service: a case must have been opened before it can end."""

    def __init__(self) -> None:
        self.fails_with: Exception | None = None

    def open(self, work: UnitOfWork, event: CaseOpened) -> None:
        add(work.session, f"opened {event.case_id}")
        work.announce(
            CaseTaken(
                case_id=event.case_id,
                person_id=event.person_id,
                team_id="team-0001",
                responsible_id="worker-0001",
                taken_at=work.now,
            )
        )

    def end(self, work: UnitOfWork, event: CaseEnded) -> None:
        if self.fails_with is not None:
            raise self.fails_with
        if add(work.session, f"opened {event.case_id}", by=0) == 0:
            raise TooEarly
        add(work.session, f"ended {event.case_id}")

    def erase(self, work: UnitOfWork, event: PersonErased) -> None:
        work.destroys(event.person_id)

    def handlers(self) -> Handlers:
        """Return which handler takes which event."""
        return {CaseOpened: self.open, CaseEnded: self.end, PersonErased: self.erase}


def effects_of(kit: Kit, cases: Cases) -> Effects:
    """Put handlers and kit together; nothing is read from the wire here."""
    reader = Reader({}, ZoneKeys(None))  # type: ignore[arg-type]  # never asked
    return Effects(cases.handlers(), inbox=kit.inbox, parking=kit.parking, reader=reader)


def receiver_of(service: Service, cases: Cases) -> Receiver:
    """Return what handles parked messages of a service that runs without a broker."""
    return Receiver(
        service.name,
        cases.handlers(),
        writer=service.writer,
        inbox=service.inbox,
        parking=service.parking,
        zone_keys=service.zone_keys,
        line=Line("amqp://nowhere", name="none"),
    )


def opened(case_id: str = "case-0001", **changes: object) -> Received:
    """Return the news that a case was opened."""
    return Received(random_id(), random_id(), a_case(**{"case_id": case_id, "person_id": PERSON, **changes}))


def ended(case_id: str = "case-0001") -> Received:
    """Return the news that a case has ended."""
    return Received(random_id(), random_id(), CaseEnded(case_id=case_id, person_id=PERSON, ended_at=NOON))


async def give(kit: Kit, effects: Effects, received: Received) -> str:
    """Hand a message in the way the receiver does."""
    return await kit.writer.run(
        lambda work: effects.now_or_later(work, received), locks=lambda _session: {f"person:{received.event.key_id}"}
    )
