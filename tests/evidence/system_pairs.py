"""Histories that one recipient must not tell apart, drawn for the whole system: events, words, and what is nobody's.

Drawn once for a group: what the person releases to the observer, how they take it back. Drawn anew for each history:
everything else. Every text in it bears the canary, so that nothing of it may be found where it does not belong.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from services.consent.domain import referral_purpose
from shared.contracts.assessment import (
    AttendanceKind,
    AttendanceRecorded,
    ConclusionDrawn,
    Fact,
    FactRecorded,
    FactRemoved,
    RecommendationMade,
    StatementApproved,
)
from shared.contracts.categories import LIFE_DOMAINS, Category
from shared.contracts.envelope import CareEvent
from shared.contracts.intake import CaseOpened, Channel, Contact, ContactRecorded, Identity, IdentityRecorded, Origin
from shared.contracts.referral import ReferralRequested
from tests.consent.builders import CLINIC, JOBCENTER, JOBCENTERS_SIX

CANARY = "canary"
OFFERED = {
    JOBCENTER: JOBCENTERS_SIX,
    CLINIC: (Category.IDENTITY, Category.CONTACT, Category.MENTAL_HEALTH, Category.ADDICTION, Category.PHYSICAL_HEALTH),
}
KNOWN = (*OFFERED[JOBCENTER], *OFFERED[CLINIC][:1], *OFFERED[CLINIC][2:], Category.DEBTS, Category.HOUSING)
HISTORIES = 6
START = datetime.now(UTC)
LATER = START + timedelta(hours=2)
"""When what comes between the two looks was recorded: after every word, so that a yes from now on reaches it."""
FIRST, SECOND = 0, 1
"""What happens before the observer looks for the first time, and what between its two looks."""


@dataclass(slots=True)
class Words:
    """What a person says, or takes back, and to whom."""

    recipient_id: str
    words: dict[str, str]
    reaches_back: bool = True
    kinds: tuple[str, ...] = ("secrecy_release", "data_consent")
    place: str = "elsewhere"
    takes_back: bool = False
    holds: bool = False


@dataclass(slots=True)
class History:
    """One person's: what becomes known and what is said, before each of the two looks of the observer."""

    observer: str
    group: int
    person_id: str = field(default_factory=lambda: f"person-{secrets.token_hex(8)}")
    referral_id: str = field(default_factory=lambda: f"referral-{secrets.token_hex(8)}")
    commission_id: str | None = None
    events: tuple[list[CareEvent], list[CareEvent]] = field(default_factory=lambda: ([], []))
    words: tuple[list[Words], list[Words]] = field(default_factory=lambda: ([], []))

    def purpose_towards(self, recipient_id: str) -> str:
        """Return the purpose of a recipient in this history."""
        return "benefit" if recipient_id == JOBCENTER else referral_purpose(self.referral_id)

    def opening_event(self) -> CareEvent:
        """Return that the person has a case."""
        return CaseOpened(
            case_id=f"case-{self.person_id}",
            person_id=self.person_id,
            commission_id=self.commission_id,
            origin=Origin.COMMISSIONED if self.commission_id else Origin.SELF,
            opened_at=START,
            first_contact_by=START.date(),
        )

    def referral_event(self) -> CareEvent:
        """Return that the clinic is asked for help."""
        return ReferralRequested(
            referral_id=self.referral_id,
            case_id=f"case-{self.person_id}",
            person_id=self.person_id,
            recipient_id=CLINIC,
            service="day_clinic",
            needed=OFFERED[CLINIC],
            requested_at=START,
        )


def draw_group(seed: int, group: int) -> list[History]:
    """Draw histories that the group's observer must not tell apart."""
    random = Random(seed)  # noqa: S311  a seed, not a secret
    observer = JOBCENTER if random.random() < 0.6 else CLINIC
    released = random.sample(OFFERED[observer], random.choice([0, 1, 1, 2]))
    kept = [category for category in KNOWN if category not in released]
    contents = {category: _value(random) for category in released}
    corrected = [category for category in released if random.random() < 0.25]
    removed = [category for category in released if category not in corrected and random.random() < 0.15]
    reaches_back = random.random() < 0.8
    later = random.choice(["nothing", "takes back", "takes back", "a no", "a hold", "more"])
    more = _value(random)
    found = []
    for number in range(HISTORIES):
        history = History(observer, group)
        for category, value in contents.items():
            history.events[FIRST].append(known(history, category, value, fact=category.value))
            if category in corrected:
                fact, version = (category.value, 2) if reaches_back else ("another", 1)
                history.events[SECOND].append(known(history, category, more, fact=fact, version=version, at=LATER))
            if category in removed and category not in (Category.IDENTITY, Category.CONTACT):
                history.events[SECOND].append(_removed(history, category.value))
        if released:
            said = dict.fromkeys([category.value for category in released], "yes")
            history.words[FIRST].append(Words(observer, said, reaches_back=reaches_back))
        _say_later(history, later, released, observer)
        if number or random.random() < 0.7:  # else one of them has no trace of anything else
            _draw_rest(Random(seed * HISTORIES + number), history, released, kept)  # noqa: S311
        found.append(history)
    return found


def _say_later(history: History, later: str, released: list[Category], observer: str) -> None:
    if not released or later == "nothing":
        return
    said = dict.fromkeys([released[0].value], "no")
    if later == "more":
        said = dict.fromkeys([released[0].value], "yes")
    history.words[SECOND].append(Words(observer, said, takes_back=later == "takes back", holds=later == "a hold"))


def _draw_rest(random: Random, history: History, released: list[Category], kept: list[Category]) -> None:
    observer = history.observer
    for number in range(random.randrange(3)):
        event = known(history, random.choice(kept), _value(random), fact=f"rest-{number}")
        history.events[random.randrange(2)].append(event)
    if released and random.random() < 0.3:
        about = [one for one in released if one in LIFE_DOMAINS | {Category.STATEMENT}]
        if about:
            history.events[random.randrange(2)].append(
                known(history, about[0], _value(random), fact="childs", about_id=f"child-{secrets.token_hex(4)}")
            )
    closed = [category for category in OFFERED[observer] if category not in released]
    if random.random() < 0.35:
        kinds, place, word = random.choice(
            [
                (("data_consent",), "elsewhere", "yes"),
                (("secrecy_release", "data_consent"), "elsewhere", "no"),
                (("secrecy_release", "data_consent"), "jobcenter_premises", "yes"),
                (("secrecy_release", "data_consent"), "elsewhere", "ask"),
            ]
        )
        said = {random.choice(closed).value: word}
        history.words[random.randrange(2)].append(Words(observer, said, kinds=kinds, place=place))
    if observer == JOBCENTER and random.random() < 0.2:  # something is told to somebody else
        history.events[FIRST].append(history.referral_event())
        history.words[FIRST].append(Words(CLINIC, {Category.ADDICTION.value: "yes"}))
        history.events[FIRST].append(known(history, Category.ADDICTION, _value(random), fact="rest-clinic"))


def known(
    history: History,
    category: Category,
    value: str,
    *,
    fact: str,
    version: int = 1,
    about_id: str | None = None,
    at: datetime = START,
) -> CareEvent:
    """Return that something became known; every text bears the canary."""
    base: dict[str, Any] = {
        "fact_id": f"{fact}-{history.person_id}",
        "version": version,
        "person_id": history.person_id,
        "recorded_at": at,
    }
    case: dict[str, Any] = {**base, "case_id": f"case-{history.person_id}"}
    if category in LIFE_DOMAINS:
        domain: Any = category
        return FactRecorded(**case, about_id=about_id, life_domain=domain, fact=Fact(code=f"{CANARY}_{value}"))
    made: dict[Category, Callable[[], CareEvent]] = {
        Category.CONCLUSION: lambda: ConclusionDrawn(**case, code=f"{CANARY}_{value}"),
        Category.RECOMMENDATION: lambda: RecommendationMade(**case, code=f"{CANARY}_{value}"),
        Category.STATEMENT: lambda: StatementApproved(
            **case, text=f"{CANARY} {value} " * (1 + len(value) % 5), about_id=about_id
        ),
        Category.ATTENDANCE: lambda: AttendanceRecorded(
            **case, kind=AttendanceKind.TALK, attended_on=(at - timedelta(days=int(value, 16) % 99)).date()
        ),
        Category.CONTACT: lambda: ContactRecorded(
            **base, contact=Contact(channel=Channel.PHONE, address=f"{CANARY} {value}")
        ),
        Category.IDENTITY: lambda: IdentityRecorded(**base, identity=Identity(name=f"{CANARY} {value}", born_on=None)),
    }
    return made[category]()


def _removed(history: History, fact: str) -> CareEvent:
    return FactRemoved(fact_id=f"{fact}-{history.person_id}", version=9, person_id=history.person_id, removed_at=START)


def _value(random: Random) -> str:
    return f"{random.getrandbits(random.choice([8, 40, 120])):x}"
