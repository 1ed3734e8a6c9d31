"""Draws pairs of histories that an observer must not be able to tell apart, by construction.

Anna's released categories, her words about them, and what the observer does are drawn once. Everything else is drawn
anew for each history: her other facts and words, other recipients, other people, who may not exist at all.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random

from services.consent.domain import Kind, Place, Word
from services.consent.emergency_domain import EmergencyRecipient
from shared.contracts.categories import LIFE_DOMAINS, Category
from tests.consent import steps as past
from tests.consent.builders import BOTH_KINDS, CLINIC, DAY, DEBT_HELP, JOBCENTER, NOON, SECOND
from tests.consent.emergencies import told_in_an_emergency
from tests.consent.histories import OFFERED, Step

Timed = tuple[datetime, Step]
SPAN = 5 * DAY
FACTS = (
    Category.CONCLUSION,
    Category.RECOMMENDATION,
    Category.STATEMENT,
    Category.ATTENDANCE,
    Category.WORK,
    Category.CONTACT,
    Category.IDENTITY,
    Category.DEBTS,
    Category.MENTAL_HEALTH,
    Category.HOUSING,
)


ABOUT_ANYBODY = LIFE_DOMAINS | {Category.STATEMENT}


@dataclass(frozen=True, slots=True)
class Released:
    """What both histories of a pair have in common."""

    observer: str
    categories: tuple[Category, ...]
    steps: tuple[Timed, ...]
    asks: bool
    """Whether Anna says ask, and yes to messages: then the rest says no ask, which would be part of those messages."""

    @property
    def referral(self) -> str | None:
        """The referral by which the observer knows Anna, if it is a provider."""
        return None if self.observer == JOBCENTER else "refer-1"


def some_time(random: Random, *, odd: bool) -> datetime:
    """Draw a time; those of the common part and those of the rest never meet."""
    seconds = random.randrange(60, int(SPAN.total_seconds()), 2) + odd
    return NOON + seconds * SECOND


def draw_released(random: Random, observer: str) -> Released:
    """Draw the part that both histories have in common."""
    pool = [category for category in OFFERED[observer] if category in FACTS]
    categories = tuple(random.sample(pool, random.randrange(4)))
    referral = None if observer == JOBCENTER else "refer-1"
    asks = random.random() < 0.5
    steps: list[Timed] = []
    if observer == JOBCENTER:
        steps += [(NOON, past.commissioned("anna"))]
        steps += [(NOON + SECOND, past.commissioned("cem"))] * (random.random() < 0.3)
    else:
        needed = [*categories, *random.sample(pool, 2)]
        steps += [(NOON, past.came("anna")), (NOON + SECOND, past.asked_for("anna", observer, "refer-1", needed))]
        steps += [(some_time(random, odd=False), past.closed("anna", "refer-1"))] * (random.random() < 0.2)
    for number, category in enumerate(categories):
        steps += draw_facts(random, category, f"fact-{number}", odd=False)
        steps += draw_words(random, category, observer, referral, asks=asks)
    for at, _ in random.sample(steps, min(len(steps), random.randrange(3, 7))):  # the observer follows what happens
        steps.append((at + 2 * SECOND, past.opens(0.99)))
    for _ in range(random.randrange(1, 5)):
        steps.append((some_time(random, odd=False), draw_act_of(random, observer)))
    steps += [(NOON + day * DAY, past.calendar()) for day in (2, 4)]
    return Released(observer, categories, tuple(steps), asks)


def draw_facts(random: Random, category: Category, fact: str, *, odd: bool) -> list[Timed]:
    """Draw a fact of Anna's, its corrections and its removal."""
    steps: list[Timed] = []
    for version in random.sample([1, 2, 3], random.choice([1, 1, 2])):
        at = some_time(random, odd=odd)
        recorded_at = at - random.choice([timedelta(0), DAY])
        value = past.value(random)
        steps.append((at, past.known("anna", category, value, fact=fact, version=version, at=recorded_at)))
    if random.random() < 0.2:
        steps.append((some_time(random, odd=odd), past.removed("anna", fact=fact)))
    for no_more in (False, True):
        if random.random() < 0.3:
            steps.append((some_time(random, odd=odd), past.contested("anna", fact, no_more=no_more)))
    return steps


def draw_words(random: Random, category: Category, observer: str, referral: str | None, *, asks: bool) -> list[Timed]:
    """Draw what Anna says about a category that she releases at least once."""
    steps: list[Timed] = []
    for word in [Word.YES, *random.choices(list(Word), [4, 2, 3 * asks], k=random.choice([0, 0, 1, 2]))]:
        at, days = some_time(random, odd=False), random.choice([1, 2, 9])
        back = random.random() < 0.8
        if word is Word.ASK and random.random() < 0.7:
            steps.append((some_time(random, odd=False), past.answered("anna", observer, Word.YES)))
        said = past.said("anna", observer, {category: word}, referral=referral, reaches_back=back, days=days)
        steps += [(at, said), (at + days * DAY, past.expired("anna"))]
    if random.random() < 0.5:
        steps.append((some_time(random, odd=False), past.withdrawn("anna", observer, category)))
    if random.random() < 0.2:
        steps.append((some_time(random, odd=False), past.held("anna", observer)))
        steps.append((some_time(random, odd=False), past.lifted("anna")))
    if random.random() < 0.2:
        steps.append((some_time(random, odd=False), past.disputed("anna", observer, category)))
    return steps


def draw_act_of(random: Random, observer: str) -> Step:
    """Draw something that the observer does."""
    if random.random() < 0.8:
        return past.opens(random.random() ** 0.4)  # the newer, the likelier
    if observer == JOBCENTER:
        return past.speaks({"command": "cancel_commission", "reference": random.choice(["BG cem", "BG nobody"])})
    return past.answers_what_it_holds(random.random())


def draw_rest(random: Random, common: Released) -> list[Timed]:
    """Draw what the observer must not notice: it is the observer's no part, whatever it is."""
    steps: list[Timed] = []
    kept = [category for category in FACTS if category not in common.categories]
    for number in range(random.randrange(4)):
        steps += draw_facts(random, random.choice(kept), f"rest-{number}", odd=True)
    for _ in range(random.randrange(4)):
        steps.append((some_time(random, odd=True), draw_kept_words(random, common, kept)))
    steps += draw_emergencies(random)
    steps += draw_third_persons(random, common)
    steps += draw_others(random, common)
    if random.random() < 0.7:
        steps += draw_somebody_else(random, common)
    return steps


def draw_emergencies(random: Random) -> list[Timed]:
    """Draw what is told about Anna without any grant: what the observer knows may be in it, and it must not notice."""
    steps: list[Timed] = []
    for _ in range(random.choice([0, 0, 1, 2])):
        recipient = random.choice(list(EmergencyRecipient))
        chosen = random.sample(list(Category), random.randrange(1, len(Category)))
        steps.append((some_time(random, odd=True), told_in_an_emergency("anna", recipient, chosen)))
    return steps


def draw_third_persons(random: Random, common: Released) -> list[Timed]:
    """Draw what is known about a child or a partner of Anna's, in what she released too: it is not hers to give."""
    steps: list[Timed] = []
    pool = [category for category in (*common.categories, *FACTS) if category in ABOUT_ANYBODY]
    for number in range(random.randrange(3)):
        category, fact, at = random.choice(pool), f"third-{number}", some_time(random, odd=True)
        for version in range(1, random.randrange(2, 4)):  # what comes later may well have lost it
            about = f"child-000{number}" if version == 1 or random.random() < 0.5 else None
            value, later = past.value(random), at + 2 * version * SECOND
            known = past.known("anna", category, value, fact=fact, version=version, at=later, about=about)
            steps.append((later, known))
        steps.append((at + DAY, past.contested("anna", fact)))
    return steps


def draw_kept_words(random: Random, common: Released, kept: list[Category]) -> Step:
    """Draw words towards the observer that release nothing, or the withdrawal of such."""
    closed = [category for category in OFFERED[common.observer] if category in kept]
    category = random.choice(closed)
    if random.random() < 0.2:
        return past.withdrawn("anna", common.observer, category)
    if random.random() < 0.2:
        return past.disputed("anna", common.observer, category)
    if random.random() < 0.2:  # said under pressure, and never confirmed
        said_there = partial(past.said, place=random.choice([Place.JOBCENTER_PREMISES, Place.JOBCENTER_DEVICE]))
        return said_there("anna", common.observer, {category: Word.YES}, referral=common.referral)
    if random.random() < 0.4:
        half = frozenset({Kind.DATA_CONSENT})  # one instrument is not enough
        return past.said("anna", common.observer, {category: Word.YES}, referral=common.referral, kinds=half)
    word = random.choice([Word.NO, Word.NO if common.asks else Word.ASK])
    return past.said("anna", common.observer, {category: word}, referral=common.referral, kinds=BOTH_KINDS)


def draw_others(random: Random, common: Released) -> list[Timed]:
    """Draw what other recipients are asked, told and have taken back."""
    steps: list[Timed] = []
    for number, other in enumerate(name for name in (CLINIC, DEBT_HELP) if name != common.observer):
        if random.random() < 0.5:
            continue
        referral, at = f"other-{number}", NOON + (2 * random.randrange(30, 9999) + 1) * SECOND
        offered = OFFERED[other]
        words = dict.fromkeys(random.sample(offered, random.randrange(1, len(offered) + 1)), Word.YES)
        steps += [
            (at, past.asked_for("anna", other, referral, offered)),
            (at + 2 * SECOND, past.said("anna", other, words, referral=referral)),
            (some_time(random, odd=True) + DAY, past.withdrawn("anna", other)),
            (some_time(random, odd=True) + DAY, past.closed("anna", referral)),
        ]
    return steps


def draw_somebody_else(random: Random, common: Released) -> list[Timed]:
    """Draw a person of whom the observer never hears: she came by herself."""
    other = DEBT_HELP if common.observer != DEBT_HELP else CLINIC
    at = some_time(random, odd=True)
    steps: list[Timed] = [
        (at, past.came("dora")),
        (at + 2 * SECOND, past.asked_for("dora", other, "refer-d", OFFERED[other])),
        (at + 4 * SECOND, past.said("dora", other, {Category.DEBTS: Word.YES}, referral="refer-d")),
    ]
    if common.observer == JOBCENTER:  # even a yes: nobody commissioned anything for her
        steps.append((at + 6 * SECOND, past.said("dora", JOBCENTER, {Category.WORK: Word.YES})))
    for number in range(random.randrange(3)):
        category, later = random.choice(FACTS), at + (8 + 2 * number) * SECOND
        value = past.value(random)
        steps.append((later, past.known("dora", category, value, fact=f"dora-{number}", version=1, at=later)))
    return steps
