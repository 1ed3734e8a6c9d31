"""What the gate does by the clock: expiry, statuses, renewed notices, heartbeats, heads of the ledger. Each survives a
restart: the tables say what is due (of the heads their file), and a lease says which instance does it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from secrets import token_urlsafe
from time import monotonic

import structlog
from sqlmodel import col, select

from services.consent import (
    capacity_query,
    commissions,
    emergency,
    emergency_view,
    erasures,
    figures,
    funding,
    grants,
    inquiries,
    lapse,
    reconsideration,
    release_store,
    reminders,
    statement,
    store,
    voucher_store,
)
from services.consent.head_export import HeadExport
from services.consent.heartbeat import Draw, Rhythms, exponential
from services.consent.outside import Outside
from services.consent.recipient_tables import RecipientRow
from services.consent.settings import ConsentSettings
from services.consent.tables import LeaseRow, ReleaseRow
from shared.bus import BrokerTrouble
from shared.database import Database
from shared.outbox import Outbox, random_id
from shared.timer import again
from shared.unit_of_work import UnitOfWork
from shared.writer import StoreUnavailable, Writer
from shared.zone import read_zone_keys

log = structlog.get_logger()

RENEWED_AT_ONCE = 500
LOUD_EVERY_SECONDS = 60.0
HEADS_LEASE_SECONDS = 60.0
GRACE_SECONDS = 15.0
"""How much later than three periods the calendar may be gone through before that is an alarm."""


class Timers:
    """Runs what is due, again and again."""

    def __init__(
        self,
        settings: ConsentSettings,
        database: Database,
        writer: Writer,
        outside: Outside,
        heads: HeadExport,
        *,
        outbox: Outbox,
        clock: Callable[[], datetime],
        draw: Draw | None = None,
    ) -> None:
        self._settings = settings
        self._database = database
        self._writer = writer
        self._outside = outside
        self._heads = heads
        self._outbox = outbox
        self._clock = clock
        self._rhythms = Rhythms(draw or exponential(settings.heartbeat_seconds))
        self._holder = token_urlsafe(16)
        self._was_loud: float | None = None
        self._figures_loud_at: float | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._calendar_at: float | None = None

    def start(self) -> None:
        """Begin."""
        every = self._settings.timer_seconds
        self._calendar_at = monotonic()
        self._tasks = [
            asyncio.create_task(again(lambda: 1.0, self._follow_recipients)),
            asyncio.create_task(again(lambda: every, self.run_calendar)),
            asyncio.create_task(again(lambda: every, self.export_heads)),
            asyncio.create_task(again(lambda: self._rhythms.pause(now=self._clock()), self.send_heartbeats)),
            asyncio.create_task(again(lambda: every, self.watch_emergencies)),
            asyncio.create_task(again(lambda: 1.0, self.work_off_queue)),
        ]

    async def stop(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def make_progress(self) -> bool:
        """Whether the calendar was gone through not long ago, here or where the lease is."""
        if self._calendar_at is None:
            return False
        return monotonic() - self._calendar_at < 3 * self._settings.timer_seconds + GRACE_SECONDS

    async def _follow_recipients(self) -> None:
        await self._outside.follow(await asyncio.to_thread(self._registered))

    def _registered(self) -> list[RecipientRow]:
        with self._database.read() as session:
            return store.active_recipients(session, at=self._clock())

    async def run_calendar(self) -> None:
        """Do what is due by now: answers end, inquiries lapse, reminders, statuses, unopened notices sent afresh."""
        if await self._holds("calendar", seconds=self._settings.timer_seconds * 3):
            steps = (
                self._end_answers,
                self._lapse_inquiries,
                self._remind,
                self._warn_of_lapses,
                self._notice_statuses,
                self._ask_for_capacity,
                self._renew_notices,
                self._give_up_notices,
                self._look_after_erasures,
                self._look_after_figures,
                self._look_after_billing,
            )
            for step in steps:
                await self._guarded(step)
        self._calendar_at = monotonic()

    async def _end_answers(self) -> None:
        for person_id in await self._writer.run(grants.persons_with_expired_answers):
            await self._locked(f"person:{person_id}", partial(grants.expire, person_id=person_id))

    async def _lapse_inquiries(self) -> None:
        for inquiry_id, person_id in await self._writer.run(inquiries.unanswered):
            await self._locked(f"person:{person_id}", partial(inquiries.lapse, inquiry_id=inquiry_id))

    async def _remind(self) -> None:
        for grant_id, person_id in await self._writer.run(reminders.due):
            await self._locked(f"person:{person_id}", partial(reminders.remind, grant_id=grant_id))

    async def _warn_of_lapses(self) -> None:
        await self._writer.run(partial(lapse.warn, zone=self._settings.zone(), name_in_logs=self._outside.name_in_logs))

    async def _notice_statuses(self) -> None:
        await self._writer.run(partial(commissions.notice_new_statuses, settings=self._settings))

    async def _ask_for_capacity(self) -> None:
        for recipient_id in await self._writer.run(capacity_query.providers_to_ask):
            await self._locked(f"recipient:{recipient_id}", partial(capacity_query.ask, recipient_id=recipient_id))

    async def _renew_notices(self) -> None:
        for release_id, person in await self._writer.run(partial(unopened, older_than=self._settings.renew_after())):
            await self._locked(f"person:{person}", partial(renew, release_id=release_id))

    async def _look_after_erasures(self) -> None:
        """Complete erasures, and be loud about those that somebody has not confirmed in time."""
        zone_keys = await asyncio.to_thread(read_zone_keys, self._settings.zone_keys_file)
        days = [key.created_on for key in zone_keys]
        overdue = await self._writer.run(partial(erasures.look_after, zone_keys_of=days))
        if not overdue or (self._was_loud is not None and monotonic() - self._was_loud < LOUD_EVERY_SECONDS):
            return
        self._was_loud = monotonic()
        for one in overdue:
            log.error("erasure_overdue", erasure_id=one.erasure_id, waits_for=list(one.waits_for))

    async def _look_after_figures(self) -> None:
        """Publish each quarter that is told, release what is published, and be loud about who has not told one."""
        publish = partial(figures.publish, secret=self._settings.rounding_key())
        await self._writer.run(publish, locks=lambda _: {"figures"})
        await self._writer.run(figures.release, locks=lambda _: {"figures"})
        if self._figures_loud_at is not None and monotonic() - self._figures_loud_at < LOUD_EVERY_SECONDS:
            return
        self._figures_loud_at = monotonic()
        for quarter, producers in (await asyncio.to_thread(self._missing_figures)).items():
            log.error("figures_missing", quarter=quarter, waits_for=producers)

    def _missing_figures(self) -> figures.Missing:
        with self._database.read() as session:
            return figures.missing(session, now=self._clock(), town=self._settings.town)

    async def _look_after_billing(self) -> None:
        """Spend what was funded on what is owed, and make the statements that are due."""
        for recipient_id in await self._writer.run(statement.billed_recipients):
            account = voucher_store.lock_of(recipient_id)
            for step in (funding.look_after, statement.issue):
                await self._locked(account, partial(step, recipient_id=recipient_id, settings=self._settings))

    async def _give_up_notices(self) -> None:
        await self._writer.run(partial(give_up_notices, outbox=self._outbox))

    async def watch_emergencies(self) -> None:
        """Be loud, every time, about emergencies that nobody confirmed or reviewed, or that the person knows not of."""
        if not await self._holds("emergencies", seconds=self._settings.timer_seconds * 3):
            return
        found = await self._writer.run(lambda work: emergency_view.overdue(work.session, work.keys, now=work.now))
        if found.reviews:
            log.error("emergency_reviews_overdue", count=len(found.reviews), emergency_ids=found.reviews)
        if found.tellings:
            log.error("persons_not_told_in_time", count=len(found.tellings), emergency_ids=found.tellings)
        for emergency_id, person_id in found.unannounced:
            await self._locked(f"person:{person_id}", partial(emergency.announce_overdue, emergency_id=emergency_id))

    async def export_heads(self) -> None:
        """Export the heads of the ledger when it is time, at the start and every `HEADS_SECONDS`.

        The lease is short: it keeps two instances from writing at once, and a restart from waiting.
        """
        if self._heads.is_due() and await self._holds("heads", seconds=HEADS_LEASE_SECONDS):
            await asyncio.to_thread(self._heads.export)

    async def work_off_queue(self) -> None:
        """Reconsider whom a recipient's ending, change or return concerns, until nobody is left in the queue."""
        while await self._holds("reconsideration", seconds=30) and await reconsideration.work_off(self._writer):
            pass

    async def _locked(self, name: str, handler: Callable[[UnitOfWork], object]) -> None:
        """Do one thing under its lock."""

        async def step() -> None:
            await self._writer.run(handler, locks=lambda _: {name})

        await self._guarded(step)

    async def _guarded(self, step: Callable[[], Awaitable[None]]) -> None:
        """Do one thing; if it fails, the next one is done all the same."""
        try:
            await step()
        except StoreUnavailable:
            raise
        except Exception as error:
            log.error("timer_step_failed", exc_info=error)

    async def send_heartbeats(self) -> None:
        """Send each recipient whose time has come a notice that stands for nothing: an empty opening has many causes.

        Every instance keeps times of its own, and the one that holds the lease sends. With exponential gaps neither a
        restart nor a change of the holder shows.
        """
        due = self._rhythms.due(self._outside.lines_up(), now=self._clock())
        if not due or not await self._holds("heartbeat", seconds=self._settings.heartbeat_seconds * 2):
            return
        for recipient_id in due:
            try:
                await self._outside.publish_notice(recipient_id, random_id())
            except BrokerTrouble as error:
                name = self._outside.name_in_logs(recipient_id)
                log.warning("heartbeat_not_sent", recipient=name, error=type(error).__name__)

    async def _holds(self, name: str, *, seconds: float) -> bool:
        return await self._writer.run(
            partial(hold_lease, name=name, holder=self._holder, length=timedelta(seconds=seconds)),
            locks=lambda _: {f"lease:{name}"},
        )


def hold_lease(work: UnitOfWork, *, name: str, holder: str, length: timedelta) -> bool:
    """Take or keep a lease; say whether this holder has it now."""
    lease = work.session.get(LeaseRow, name) or LeaseRow(name=name, holder=holder, until=work.now)
    if lease.holder != holder and work.now < lease.until <= work.now + length:  # further ahead a clock was wrong
        return False
    lease.holder, lease.until = holder, work.now + length
    work.session.add(lease)
    return True


def give_up_notices(work: UnitOfWork, *, outbox: Outbox) -> None:
    """Let go of notices to recipients that have been ended. Their releases are renewed if those return."""
    ended = work.session.exec(select(RecipientRow.recipient_id).where(col(RecipientRow.ended_at).is_not(None))).all()
    if ended:
        outbox.give_up(work.session, ended, now=work.now)


def unopened(work: UnitOfWork, *, older_than: timedelta) -> list[tuple[str, str]]:
    """Return what was not opened for a long time, with the person (or subject) whose lock it needs."""
    served = [row.recipient_id for row in store.active_recipients(work.session, at=work.now)]
    old = select(ReleaseRow).where(
        ReleaseRow.state == release_store.WAITING,
        col(ReleaseRow.created_at) < work.now - older_than,
        col(ReleaseRow.recipient_id).in_(served),
    )
    rows = work.session.exec(old.order_by(col(ReleaseRow.created_at), ReleaseRow.release_id).limit(RENEWED_AT_ONCE))
    return [(row.release_id, row.person_id or row.subject_id) for row in rows]


def renew(work: UnitOfWork, *, release_id: str) -> None:
    """Send a fresh notice for what was not opened: an inbox can be purged, the gate's table is the truth."""
    release = work.session.get(ReleaseRow, release_id)
    if release is None or release.state != release_store.WAITING:
        return
    release_store.send_afresh(work, release)
