"""What the gate would say to the three services: what the Jobcenter commissions and changes, what waits for a person,
whether they release what a provider needs, and what providers answer.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random

from services.referral.domain import Referral
from services.referral.state import State
from shared.contracts.consent import (
    Awaited,
    CommissionCancelled,
    CommissionChanged,
    CommissionReceived,
    Outcome,
    PersonAwaited,
    PlacesOffered,
    ProviderAnswer,
    ReferralAnswered,
    ReferralCleared,
    ReferralNotCleared,
    ReferralOpened,
    Service,
)
from shared.contracts.intake import Channel, Contact
from shared.outbox import random_id
from tests.simulation.people import NEEDS, Person
from tests.simulation.town import Town

FAILING = 0.08
"""The share of days on which a provider does nothing at all."""
CHANGED, CANCELLED, AWAITED = 0.01, 0.001, 0.02
"""How often, on a day, a commission gets another deadline, or is taken back, and something waits for a person."""
PROVIDERS = sorted({provider for _, provider, _, _ in NEEDS.values()})


class Gate:
    """Says it."""

    def __init__(self, town: Town, random: Random) -> None:
        self._town, self._random = town, random
        self.closed: set[str] = set()
        """Providers that have closed for good, and tell nobody."""
        self.said: dict[str, int] = {}

    @property
    def now(self) -> datetime:
        """Return the time of the town."""
        return self._town.clock.now

    def commission(self, person: Person) -> None:
        """The Jobcenter sends somebody."""
        person.commission_id = random_id()
        person.commissioned_until = (self.now + timedelta(days=90)).date()
        self._town.say(
            CommissionReceived(
                commission_id=person.commission_id,
                recipient_id="jobcenter-essen",
                service=Service.CLARIFICATION,
                deadline=person.commissioned_until,
                budget_line="ESF-12",
                received_at=self.now,
                contact=Contact(channel=Channel.IN_PERSON),
                shielded=True if person.of_staff else None,
            )
        )

    def think_again(self, people: Iterable[Person]) -> None:
        """The Jobcenter changes its mind about some of its commissions."""
        for person in people:
            drawn = self._random.random()
            if not person.commission_id or person.commissioned_until is None:
                continue
            if drawn < CANCELLED:
                person.commissioned_until = None
                self._town.say(CommissionCancelled(commission_id=person.commission_id, cancelled_at=self.now))
                self._count("commission cancelled")
            elif drawn < CANCELLED + CHANGED:
                person.commissioned_until -= timedelta(days=7)
                self._town.say(
                    CommissionChanged(
                        commission_id=person.commission_id,
                        deadline=person.commissioned_until,
                        budget_line="ESF-12",
                        changed_at=self.now,
                    )
                )
                self._count("commission changed")

    def await_(self, people: Iterable[Person]) -> None:
        """Something waits for some people: somebody has to tell them."""
        for person in people:
            if self._random.random() < AWAITED and person.person_id and person.ended_at is None:
                due_at = self.now + timedelta(days=5)
                self._town.say(
                    PersonAwaited(
                        item_id=random_id(),
                        person_id=person.person_id,
                        awaited=Awaited.WORD,
                        due_at=due_at,
                        at=self.now,
                    )
                )
                self._count("person awaited")

    def offer_places(self) -> None:
        """A provider says what it has free this week."""
        self._town.say(
            PlacesOffered(
                offer_id=random_id(),
                recipient_id="lvr-klinik",
                service="psychiatric_consultation",
                places=5,
                valid_until=self.now + timedelta(days=7),
                offered_at=self.now,
            )
        )
        self._count("places offered")

    def answer(self, referrals: Iterable[tuple[Referral, Person]]) -> None:
        """A day of people and providers: whoever does nothing today makes others wait."""
        silent = {provider for provider in PROVIDERS if self._random.random() < FAILING}
        for provider in sorted(silent - self.closed):
            self._count(f"day on which a provider did nothing: {provider}")
        for referral, person in referrals:
            if referral.recipient_id not in silent | self.closed and self._random.random() < 0.5:
                self._answer(referral, person)

    def _answer(self, referral: Referral, person: Person) -> None:
        state, referral_id = referral.standing.state, referral.referral_id
        if state in (State.CLEARED, State.OPENED) and person.takes_back and self._random.random() < 0.3:
            person.releases = False
            self._town.say(ReferralNotCleared(referral_id=referral_id, person_id=person.person_id, at=self.now))
            self._count("release taken back")
        elif state is State.REQUESTED:
            said = ReferralCleared if person.releases else ReferralNotCleared
            self._town.say(said(referral_id=referral_id, person_id=person.person_id, at=self.now))
        elif state is State.CLEARED:
            self._town.say(ReferralOpened(referral_id=referral_id, person_id=person.person_id, at=self.now))
        elif state is State.OPENED:
            answers = [ProviderAnswer.ACCEPTED, ProviderAnswer.WAITING_LIST, ProviderAnswer.DECLINED]
            self.pass_on(referral, self._random.choices(answers, weights=[65, 20, 15])[0])
        elif state is State.ACCEPTED:
            self.pass_on(referral, ProviderAnswer.APPOINTMENT_OFFERED)
        elif state is State.APPOINTMENT_TAKEN and (referral.standing.appointment_at or self.now) < self.now:
            came = self._random.random() < 0.8
            self.pass_on(referral, ProviderAnswer.ATTENDED if came else ProviderAnswer.NOT_ATTENDED)
            person.helped_at = person.helped_at or (self.now if came else None)
        elif state is State.ATTENDED and self._random.random() < 0.2:
            self.pass_on(referral, ProviderAnswer.ENDED)
            person.referred.discard(referral_id)

    def pass_on(self, referral: Referral, answer: ProviderAnswer) -> None:
        """Pass a provider's answer on."""
        is_offer, is_end = answer is ProviderAnswer.APPOINTMENT_OFFERED, answer is ProviderAnswer.ENDED
        self._town.say(
            ReferralAnswered(
                referral_id=referral.referral_id,
                person_id=referral.person_id,
                answered_at=self.now,
                answer=answer,
                appointment_at=self.now + timedelta(days=6) if is_offer else None,
                outcome=Outcome.HELPED if is_end else None,
            )
        )
        self._count(f"provider: {answer.value}")

    def _count(self, what: str) -> None:
        self.said[what] = self.said.get(what, 0) + 1
