"""How people, teams, leads and providers of the town live through ninety days, deed by deed, through real use cases.

Staff work off their lists, the most urgent first, as far as the day goes; some are away; providers sometimes do not
open, do not answer, or decline. So steps do become overdue. What is overdue and told to the lead, the lead sees to.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

from pydantic import TypeAdapter
from sqlmodel import select

from services.assessment import absence, concern, finding, handlers, telling
from services.assessment.child_protection import Move, Reason
from services.assessment.domain import Kind as EntryKind
from services.assessment.domain import NothingToConfirm, SamePerson, SomethingIsOwed, Vocabulary
from services.assessment.steps import ContactOutcome, NextStep
from services.assessment.store import Case as AssessmentCase
from services.assessment.store import entries_of, open_cases, open_tellings
from services.assessment.teams import Teams
from services.intake import acute, care_store, store
from services.intake import handlers as intake_handlers
from services.intake.acute import NeedKind, NeedOutcome
from services.intake.store import Case
from services.referral import handlers as referral_handlers
from services.referral.directory import read_directory
from services.referral.domain import Referral
from services.referral.errors import NoticesNotGiven
from services.referral.settings import DIRECTORY_FILE
from services.referral.state import State
from services.referral.store import Referrals
from shared.contracts.assessment import AttendanceKind, Fact, LifeDomain
from shared.contracts.consent import ProviderAnswer
from shared.contracts.intake import Channel, Contact, Origin
from shared.town import USUAL
from tests.simulation.gate import Gate
from tests.simulation.oracle import ACKNOWLEDGE_WITHIN, Oracle
from tests.simulation.people import NEEDS, Person, Way
from tests.simulation.town import TEAMS, Town

VOCABULARY = Vocabulary.from_json(Path("services/assessment/vocabulary.json").read_text(encoding="utf-8"))
DIRECTORY = read_directory(USUAL / DIRECTORY_FILE)
LIFE_DOMAIN: TypeAdapter[LifeDomain] = TypeAdapter(LifeDomain)
NOTICES = {"language": "de", "text_version": "2026-10", "text_sha256": "5e" * 32}
AWAY, ACKNOWLEDGED, AT_ONCE = 0.12, 0.8, 64
FIELD_TEAM = "team-nord"
ON_DUTY = ("intake-1", "lead-1", "on-call-1")
"""Who sees to an acute need: the team, a quarter of an hour later the lead, then whoever is on call."""
CONCERNED = (Move.TAKE_ADVICE, Move.TELL_FAMILY, Move.CLOSE)
PATIENCE = timedelta(days=4)
"""How long a team waits after a day that somebody else has let pass."""


@dataclass(frozen=True, slots=True)
class Staff:
    """How many there are for how many people, and how much each gets done in half a day."""

    assessors: int
    intake: int
    leads: int
    deeds: int = 6

    @classmethod
    def of(cls, people: int) -> "Staff":
        """Return a staff that is a little too small, as everywhere."""
        return cls(assessors=max(3, people // 80), intake=max(2, people // 250), leads=max(1, people // 600))


class Life:
    """Lets the town live."""

    def __init__(self, town: Town, people: list[Person], random: Random, staff: Staff) -> None:
        self._town, self._people, self._random, self._staff = town, people, random, staff
        self._assessors = [f"assessor-{number:02}" for number in range(staff.assessors)]
        self.oracle = Oracle(staff={*self._assessors, *ON_DUTY, *TEAMS.values(), FIELD_TEAM})
        self.gate = Gate(town, random)
        self.away: set[str] = set()
        """Who is away this week."""
        self.off_the_list: set[str] = set()
        """Of whom the services know that they are away."""
        self._arriving = list(reversed(people))
        self._in_need: list[Person] = []
        self._unseen: list[tuple[Person, str]] = []
        self._unhelped: list[tuple[Person, str]] = []
        self.by_case: dict[str, Person] = {}
        self.deeds: dict[str, int] = {}

    @property
    def now(self) -> datetime:
        """Return the time of the town."""
        return self._town.clock.now

    def begin_week(self) -> None:
        """Draw who is away this week."""
        self.away = {name for name in self._assessors if self._random.random() < AWAY}
        self.off_the_list = set()
        self.gate.offer_places()
        self._count("weeks that somebody was away", len(self.away))

    async def half_a_day(self) -> None:
        """Let everybody do what they get done in half a working day."""
        await self._take_off_the_list()
        await self.arrive()
        await self._town.settle()
        await self.look()
        for part in (self._intake_works, self._assessors_work, self._lead_works):
            await part()
            await self._town.settle()

    async def others_day(self) -> None:
        """Let the Jobcenter, people and providers do what they do, as the gate passes it on."""
        here = [person for person in self._people if person.case_id]
        self.gate.think_again(here)
        self.gate.await_(here)
        if "referral" in self._town.up:
            referrals = [
                (one, self.by_case[one.case_id]) for one in self._open_referrals() if one.case_id in self.by_case
            ]
            self.gate.answer(referrals)
            offered = [one for one, _ in referrals if one.standing.state is State.APPOINTMENT_OFFERED]
            await self._all(self._act_on(one) for one in offered if self._random.random() < 0.5)  # the person says yes
        await self._town.settle()

    async def _take_off_the_list(self) -> None:
        """Write down who is away: their cases go to the team, and nobody waits for them."""
        if "assessment" not in self._town.up or self.off_the_list == self.away:
            return
        for name in sorted(self.away):
            act = partial(
                absence.record,
                member_id=name,
                from_on=self.now.date(),
                until_on=(self.now + timedelta(days=4)).date(),
                deputy_id=None,
                teams=Teams(),
            )
            await self._town.do("assessment", act)
        self.off_the_list = set(self.away)

    async def look(self) -> None:
        """Have the care watch look, if intake runs; nothing acute may be silent then."""
        if "intake" in self._town.up:
            await self._town.intake.timer.look()
            self.oracle.hear_needs(self._town.intake, now=self.now)

    async def arrive(self) -> None:
        """Let come whoever comes; by themselves or from the street only when somebody is there."""
        come = []
        while self._arriving and self._arriving[-1].arrives_at <= self.now:
            come.append(self._arriving.pop())
        for person in come:
            if person.origin is Origin.COMMISSIONED:
                self.gate.commission(person)
        by_hand = [person for person in come if person.origin is not Origin.COMMISSIONED]
        if "intake" not in self._town.up:
            self._arriving += reversed(by_hand)
            by_hand = []
        await self._all(self._open_by_hand(person) for person in by_hand)
        self._in_need += [person for person in come if person.acute and person not in self._arriving]
        await self._town.settle()
        if "intake" in self._town.up:
            self._find_commissioned()
            await self._see_to_acute_needs()

    async def _open_by_hand(self, person: Person) -> None:
        act = partial(
            intake_handlers.open_case,
            origin=person.origin,
            contact=Contact(channel=Channel.IN_PERSON),
            identity=None,
            team_id=TEAMS["intake"],
            shielded=person.of_staff,
        )
        answer = await self._town.do("intake", act)
        self._is(person, str(answer["case_id"]), str(answer["person_id"]))

    def _find_commissioned(self) -> None:
        sent = {person.commission_id: person for person in self._people if person.commission_id and not person.case_id}
        if not sent:
            return
        with self._town.intake.database.read() as session:
            found = select(store.Commission.commission_id, Case.case_id, Case.person_id).join(Case)
            for commission_id, case_id, person_id in session.exec(found):
                if commission_id in sent:
                    self._is(sent[commission_id], case_id, person_id)

    def _is(self, person: Person, case_id: str, person_id: str) -> None:
        person.case_id, person.person_id = case_id, person_id
        self.by_case[case_id] = person

    async def _see_to_acute_needs(self) -> None:
        """Report, and let somebody acknowledge within minutes: the team, else the lead, else whoever is on call.

        Sometimes nobody does, or help comes late: then the alarms go on until the next half day.
        """
        if self._unhelped:
            await self.look()
        await self._all(self._help(person, need_id, by="lead-1") for person, need_id in self._unhelped)
        self._unhelped = []
        known = [person for person in self._in_need if person.case_id]
        self._in_need = [person for person in self._in_need if not person.case_id]
        for person in known:
            await self._report(person)
        for by, minutes in zip(ON_DUTY, (1, 15, 15), strict=True) if self._unseen else ():
            self._town.clock.now += timedelta(minutes=minutes)
            await self.look()
            seen = [one for one in self._unseen if self._random.random() < ACKNOWLEDGED]
            self._unseen = [one for one in self._unseen if one not in seen]
            await self._all(self._see_to(person, need_id, by=by) for person, need_id in seen)

    async def _report(self, person: Person) -> None:
        act = partial(
            acute.report,
            case_id=person.case_id,
            kind=NeedKind(person.acute or "hunger"),
            by="intake-1",
            within=ACKNOWLEDGE_WITHIN,
        )
        need = await self._town.do("intake", act, lock=person.person_id)
        person.needs_help_now = True
        self._unseen.append((person, need.need_id))

    async def _see_to(self, person: Person, need_id: str, *, by: str) -> None:
        await self._town.do("intake", partial(acute.acknowledge, need_id=need_id, by=by), lock=person.person_id)
        self._count(f"acute need acknowledged by {by}")
        if self._random.random() < ACKNOWLEDGED:
            await self._help(person, need_id, by=by)
        else:
            self._unhelped.append((person, need_id))

    async def _help(self, person: Person, need_id: str, *, by: str) -> None:
        settle = partial(acute.settle, need_id=need_id, outcome=NeedOutcome.HELPED, by=by)
        await self._town.do("intake", settle, lock=person.person_id)
        person.needs_help_now = False
        self._count("acute need helped")

    async def _intake_works(self) -> None:
        if "intake" not in self._town.up:
            return
        with self._town.intake.database.read() as session:
            cases = [case for case in store.open_cases(session) if case.case_id in self.by_case]
        due = [case for case in cases if case.next_step == "give_notices" or case.due_on <= self.now.date()]
        await self._all(self._intake_deed(case) for case in due[: self._staff.intake * self._staff.deeds * 3])

    async def _intake_deed(self, case: Case) -> None:
        person, case_id = self.by_case[case.case_id], case.case_id
        if case.next_step == "give_notices":
            act = partial(intake_handlers.give_notices, case_id=case_id, proof=NOTICES, given_by="intake-1")
        elif case.next_step == "close" and not person.referred and not person.needs_help_now:
            act = partial(intake_handlers.end_case, case_id=case_id)
            person.ended_at = self.now
        else:
            act = partial(intake_handlers.review_case, case_id=case_id)
        if person.loses_phone and case.next_step != "give_notices":
            person.loses_phone = False
            lost = partial(
                intake_handlers.record_contact,
                case_id=case_id,
                contact=Contact(channel=Channel.LETTER, address="synthetic, c/o shelter"),
            )
            await self._town.do("intake", lost, lock=person.person_id)
        await self._town.do("intake", act, lock=person.person_id)
        self._count(f"intake: {case.next_step}")

    async def _assessors_work(self) -> None:
        if "assessment" not in self._town.up:
            return
        with self._town.service("assessment").database.read() as session:
            cases = [case for case in open_cases(session) if case.finished_at is None and case.case_id in self.by_case]
        present = [name for name in self._assessors if name not in self.away]
        for name in present:
            mine = [case for case in cases if case.responsible_id == name and self._is_time(case)]
            await self._all(self._assess(case, name) for case in mine[: self._staff.deeds])
        left = [case for case in cases if case.responsible_id == FIELD_TEAM and self._is_time(case)]
        for case, name in zip(left, present, strict=False):  # what whoever is away has left to the team
            await self._take(case, self.by_case[case.case_id], name)
            await self._assess(case, name)
        free = [case for case in cases if case.next_step == NextStep.TAKE]
        room = len(present) * 2
        await self._all(self._assess(case, self._random.choice(present)) for case in free[:room])
        await self._team_turns(set(present))

    def _is_time(self, case: AssessmentCase) -> bool:
        """Talks and conclusions are worked on before their day, the rest on it; but nothing before the notices."""
        if not self._may_begin(case):
            return False
        ahead = {NextStep.TALK: 8, NextStep.CONCLUDE: 20}.get(NextStep(case.next_step), 0)
        return case.due_on <= (self.now + timedelta(days=ahead)).date()

    def _may_begin(self, case: AssessmentCase) -> bool:
        """Before the notices somebody is taken care of and contacted, and nothing else."""
        is_first = case.next_step in (NextStep.TAKE, NextStep.CONTACT, NextStep.FINISH)
        return is_first or case.notices_given_at is not None

    async def _assess(self, case: AssessmentCase, by: str) -> None:
        person = self.by_case[case.case_id]
        deeds: dict[NextStep, Callable[[AssessmentCase, Person, str], Awaitable[None]]] = {
            NextStep.TAKE: self._take,
            NextStep.CONTACT: self._try_contact,
            NextStep.TALK: self._talk,
            NextStep.CONCLUDE: self._conclude,
            NextStep.CONFIRM: self._confirm,
            NextStep.TELL: self._tell,
        }
        await deeds.get(NextStep(case.next_step), self._follow_up)(case, person, by)
        self._count(f"assessment: {case.next_step}")

    async def _take(self, case: AssessmentCase, person: Person, by: str) -> None:
        act = partial(handlers.take_case, case_id=case.case_id, team_id=FIELD_TEAM, responsible_id=by)
        await self._town.do("assessment", act, lock=person.person_id)

    async def _try_contact(self, case: AssessmentCase, person: Person, by: str) -> None:
        outcome = ContactOutcome(person.answers(self._random))
        act = partial(
            handlers.record_contact_attempt, case_id=case.case_id, channel=Channel.LETTER, outcome=outcome, by=by
        )
        await self._town.do("assessment", act, lock=person.person_id)
        if outcome is ContactOutcome.REACHED:
            person.reached_at = person.reached_at or self.now

    async def _talk(self, case: AssessmentCase, person: Person, by: str) -> None:
        act = partial(
            handlers.record_attendance,
            case_id=case.case_id,
            kind=AttendanceKind.FIRST_TALK,
            attended_on=self.now.date(),
            by=by,
        )
        await self._town.do("assessment", act, lock=person.person_id)
        person.talked_at = person.talked_at or self.now
        if person.child:
            await self._protect(case, person, by)

    async def _protect(self, case: AssessmentCase, person: Person, by: str) -> None:
        """A child is worried about: ask for advice, tell the family, and see that they accept help."""
        if not person.concern_id:
            noted = partial(concern.note_concern, case_id=case.case_id, by=by)
            answer = await self._town.do("assessment", noted, lock=person.person_id)
            person.concern_id = str(answer["concern_id"])
            return
        move = CONCERNED[person.concern_moves]
        reason = Reason.HELP_ACCEPTED if move is Move.CLOSE else None
        act = partial(
            concern.move_on, case_id=case.case_id, concern_id=person.concern_id, move=move, reason=reason, by=by
        )
        await self._town.do("assessment", act, lock=person.person_id)
        person.concern_moves += 1
        person.child = move is not Move.CLOSE

    async def _tell(self, case: AssessmentCase, person: Person, by: str) -> None:
        """Tell the person what waits for them."""
        with self._town.service("assessment").database.read() as session:
            owed = open_tellings(session, case.case_id)
        for one in owed:
            act = partial(telling.tell, case_id=case.case_id, telling_id=one.telling_id, by=by)
            await self._town.do("assessment", act, lock=person.person_id)

    async def _conclude(self, case: AssessmentCase, person: Person, by: str) -> None:
        for need in person.needs:
            fact = Fact(code=NEEDS[need][3], severity=3)
            act = partial(
                finding.record_fact,
                case_id=case.case_id,
                life_domain=LIFE_DOMAIN.validate_python(need),
                fact=fact,
                contested=None,
                about_somebody_else=False,
                vocabulary=VOCABULARY,
                by=by,
            )
            await self._town.do("assessment", act, lock=person.person_id)
        code = "work_possible_with_support" if person.needs else "regular_work_possible_now"
        draw = partial(
            finding.draw_conclusion,
            case_id=case.case_id,
            code=code,
            derived_from=None,
            vocabulary=VOCABULARY,
            by=by,
        )
        await self._town.do("assessment", draw, lock=person.person_id)
        person.concluded_at = person.concluded_at or self.now
        await self._refer(person, by)

    async def _refer(self, person: Person, by: str) -> None:
        if "referral" not in self._town.up:
            return
        for need in person.needs:
            _, recipient_id, service, _ = NEEDS[need]
            act = partial(
                referral_handlers.request_referral,
                directory=DIRECTORY,
                case_id=person.case_id,
                recipient_id=recipient_id,
                service=service,
                responsible_id=by,
            )
            try:
                referral = await self._town.do("referral", act, lock=person.person_id)
            except NoticesNotGiven:  # that they were given is still on its way
                self._count("referral asked for too early")
                continue
            person.referred.add(referral.referral_id)

    async def _confirm(self, case: AssessmentCase, person: Person, by: str) -> None:
        with self._town.service("assessment").database.read() as session:
            facts = [versions[-1] for versions in entries_of(session, case.case_id, EntryKind.FACT)]
        for fact in facts:
            second = "lead-1" if fact.recorded_by == by else by
            act = partial(
                finding.confirm_fact, case_id=case.case_id, fact_id=fact.entry_id, version=fact.version, by=second
            )
            try:
                await self._town.do("assessment", act, lock=person.person_id)
            except (NothingToConfirm, SamePerson):
                continue

    async def _follow_up(self, case: AssessmentCase, person: Person, by: str) -> None:
        """Look after somebody again; whoever has no help under way is finished with."""
        if person.referred and person.way is not Way.REFUSES:
            await self._try_contact(case, person, by)
            return
        finish = partial(handlers.finish_case, case_id=case.case_id)
        try:
            await self._town.do("assessment", finish, lock=person.person_id)
        except SomethingIsOwed:  # that first, though its day has not come
            self._count("finished with too early")
            await self._tell(case, person, by)
            await self._confirm(case, person, by)
            if person.child:
                await self._protect(case, person, by)

    async def _team_turns(self, present: set[str]) -> None:
        """Let the team act where it is its turn, or where a provider or person has let a day pass."""
        if "referral" not in self._town.up:
            return
        mine = [one for one in self._open_referrals() if one.responsible_id in present and self._is_for_team(one)]
        await self._all(self._act_on(referral) for referral in mine[: len(present) * 2])

    def _is_for_team(self, referral: Referral) -> bool:
        plan, due_at = referral.standing.plan, referral.standing.due_at
        is_late = due_at is not None and due_at + PATIENCE <= self.now
        return is_late or (
            plan is not None and plan.owner == "team" and referral.standing.state is not State.WAITING_LIST
        )

    async def _act_on(self, referral: Referral) -> None:
        """Ask again for a place, take an appointment with the person, or close it and look for something else."""
        person = self.by_case.get(referral.case_id)
        if person is None:
            return
        state = referral.standing.state
        if state is State.APPOINTMENT_OFFERED:
            act = partial(referral_handlers.take_appointment, referral_id=referral.referral_id)
        elif state is State.WAITING_LIST and self._random.random() < 0.6:
            self.gate.pass_on(referral, ProviderAnswer.ACCEPTED)
            return
        else:
            act = partial(referral_handlers.close_referral, referral_id=referral.referral_id)
            person.referred.discard(referral.referral_id)
        await self._town.do("referral", act, lock=person.person_id)
        self._count(f"referral: {state.value}")

    async def _lead_works(self) -> None:
        """See to what reached the lead or whoever is on call, the oldest first, as far as the day goes."""
        if "intake" not in self._town.up:
            return
        with self._town.intake.database.read() as session:
            alarms = care_store.open_alarms(session)
        keys = list(dict.fromkeys(alarm.strand_key for alarm, _, _ in alarms if alarm.rung != "responsible"))
        for key in keys[: self._staff.leads * self._staff.deeds * 4]:
            await self._lead_acts(key)

    async def _lead_acts(self, strand_key: str) -> None:
        source, strand_id = strand_key.split(".", 1)
        if source == "intake":
            with self._town.intake.database.read() as session:
                case = store.load_case(session, strand_id)
            if case.ended_at is None and strand_id in self.by_case:
                await self._intake_deed(case)
        elif source == "assessment" and "assessment" in self._town.up and strand_id in self.by_case:
            await self._lead_assesses(strand_id)
        elif source == "referral" and "referral" in self._town.up:
            with self._town.service("referral").database.read() as session:
                referral = Referrals(session, self._town.service("referral").keys).get(strand_id)
            if not referral.is_over() and self._is_for_team(referral):
                await self._act_on(referral)

    async def _lead_assesses(self, case_id: str) -> None:
        """Hand the case to somebody who is there, who does at once what is overdue."""
        with self._town.service("assessment").database.read() as session:
            case = session.get_one(AssessmentCase, case_id)
        if case.ended_at is not None or case.finished_at is not None or case.due_on >= self.now.date():
            return
        if not self._may_begin(case):
            return
        present = [name for name in self._assessors if name not in self.away]
        if not present:  # nobody to hand it to this week: the alarm stays, and goes on
            return
        by = self._random.choice(present)
        if case.taken_at is not None and case.responsible_id not in present:
            await self._take(case, self.by_case[case_id], by)
        await self._assess(case, by)

    def _open_referrals(self) -> list[Referral]:
        service = self._town.service("referral")
        with service.database.read() as session:
            return Referrals(session, service.keys).open()

    def _count(self, deed: str, times: int = 1) -> None:
        self.deeds[deed] = self.deeds.get(deed, 0) + times

    async def _all(self, deeds: Iterable[Awaitable[None]]) -> None:
        """Let many people work at the same time."""
        waiting = list(deeds)
        for begin in range(0, len(waiting), AT_ONCE):
            await asyncio.gather(*waiting[begin : begin + AT_ONCE])


def is_working_day(day: date) -> bool:
    """Say whether offices are open."""
    return day.weekday() < 5  # Saturday is day 5
