"""The use cases of packets: hand one out to a worker, and hear what was noted without network. Each may run twice."""

from collections.abc import Mapping
from datetime import datetime

import structlog

from services.referral import visiting
from services.referral.errors import FieldRefused, NotPermitted, TooEarlyToSetOut, VisitOver, WindowOver
from services.referral.packet import packet_of, read_public_key, seal
from services.referral.packet_store import Packets
from services.referral.reconciliation import Effect, consequence, in_order
from services.referral.tables import PacketRow, VisitRow
from services.referral.visit import Agreed, Over, UnderWay, Visit
from services.referral.visit_state import VisitDeed
from services.referral.visit_store import Visits
from shared.contracts.packet import Journal, JournalEntry, SettledEntry, SettledJournal, Settlement
from shared.keys import KeyDestroyed, UnreadableValue
from shared.outbox import random_id
from shared.unit_of_work import UnitOfWork
from shared.web import Caller

log = structlog.get_logger()


def set_key(work: UnitOfWork, *, worker_id: str, jwk: Mapping[str, str]) -> datetime:
    """Keep the key for which a worker's next packets are sealed."""
    read_public_key(jwk)
    return _packets(work).set_key(worker_id, jwk, now=work.now)


def hand_out(work: UnitOfWork, *, visit_id: str, to: Caller) -> str | None:
    """Seal a visit's packet for one of its workers; None, and audited, if it is not the visit of whoever asks."""
    visit = Visits(work.session, work.keys).get(visit_id)
    if isinstance(visit, Over):
        raise VisitOver
    if to.caller_id not in visit.plan.workers:
        _refuse(work, visit_id, to, VisitDeed.TAKE_PACKET)
        return None
    if not isinstance(visit, Agreed | UnderWay):
        raise NotPermitted
    key = read_public_key(_packets(work).key_of(to.caller_id))
    packet = packet_of(visit, packet_id=random_id(), now=work.now)
    _packets(work).add(
        PacketRow(
            packet_id=packet.packet_id,
            visit_id=visit_id,
            worker_id=to.caller_id,
            plan_sha256=packet.permission.plan_sha256,
            issued_at=packet.issued_at,
        )
    )
    log.info("packet_handed_out", visit_id=visit_id, packet_id=packet.packet_id, to=to.caller_id)
    return seal(packet, key)


def hear(work: UnitOfWork, *, visit_id: str, journal: Journal, by: Caller) -> SettledJournal:
    """Take what a worker noted without network; what was heard before changes nothing."""
    settled: dict[str, Settlement] = {}
    for entry in in_order(journal.entries):
        if entry.visit_id != visit_id:
            raise FieldRefused("entries.visit_id", "must be the visit of the path")
        settlement = _settle(work, entry, by)
        settled.setdefault(entry.entry_id, settlement)  # one that is handed in twice at once is known the second time
    log.info("journal_heard", visit_id=visit_id, by=by.caller_id)
    return SettledJournal(
        entries=tuple(SettledEntry(entry_id=one.entry_id, settled=settled[one.entry_id]) for one in journal.entries)
    )


def _settle(work: UnitOfWork, entry: JournalEntry, by: Caller) -> Settlement:
    packets, visits = _packets(work), Visits(work.session, work.keys)
    row = visits.row(entry.visit_id)
    packet = packets.packet(entry.packet_id, visit_id=entry.visit_id, worker_id=by.caller_id)
    if packets.has_heard(entry):
        return Settlement.KNOWN
    visit = _readable(visits, row)
    follows = consequence(
        entry,
        visit,
        plan_sha256=packet.plan_sha256,
        ended_by_note=packets.is_ended_by_note(entry.visit_id),
    )
    packets.keep_heard(entry, is_sealed=not isinstance(visit, Over | None), has_ended=follows.effect is Effect.END)
    _have_effect(work, entry, follows.effect, by)
    if follows.is_late_start:
        _refuse(work, entry.visit_id, by, VisitDeed.SET_OUT)
        log.warning("visit_after_revocation", visit_id=entry.visit_id, by=by.caller_id)
    return follows.settled


def _readable(visits: Visits, row: VisitRow) -> Visit | None:
    try:
        return visits.read(row)
    except (UnreadableValue, KeyDestroyed):
        log.error("visit_unreadable", visit_id=row.visit_id)
        return None


def _have_effect(work: UnitOfWork, entry: JournalEntry, effect: Effect, by: Caller) -> None:
    if effect is Effect.END:
        visiting.say_no(work, visit_id=entry.visit_id, by=by.caller_id)  # every end is this one: nothing tells which
    if effect is Effect.START and entry.at is not None:
        try:
            visiting.start(work, visit_id=entry.visit_id, at=entry.at)
        except (TooEarlyToSetOut, WindowOver):
            raise FieldRefused("entries.at", "lies outside of the time that the person permitted") from None


def _refuse(work: UnitOfWork, visit_id: str, caller: Caller, deed: VisitDeed) -> None:
    visiting.audit(work, visit_id=visit_id, by=caller.caller_id, role=caller.role, deed=deed, was_refused=True)


def _packets(work: UnitOfWork) -> Packets:
    return Packets(work.session, work.keys)
