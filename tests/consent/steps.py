"""What can happen in a history. Each function returns a step that draws nothing any more."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from services.consent import (
    answer_store,
    commissions,
    confirmation,
    contests,
    erasure,
    grants,
    holds,
    inquiries,
    opening,
)
from services.consent.declaration import Evidence
from services.consent.domain import BENEFIT, Kind, Place, Word, referral_purpose
from services.consent.errors import FactNotFound, GrantOver, NotAcceptable
from services.consent.notices import reconsider
from services.consent.timers import renew, unopened
from shared.contracts.categories import LIFE_DOMAINS, Category
from shared.contracts.envelope import Disclosable
from shared.contracts.intake import CaseShielded
from shared.contracts.requests import read_command
from tests.consent.billed import LINE
from tests.consent.builders import (
    BOTH_KINDS,
    DAY,
    JOBCENTER,
    SHA,
    a_case,
    a_closing,
    a_commission,
    a_conclusion,
    a_contact,
    a_declaration,
    a_finding,
    a_recommendation,
    a_referral,
    a_removal,
    a_statement,
    an_answer_to,
    an_attendance,
    an_identity,
    new_id,
)
from tests.consent.histories import Step, World

ONE_KIND = frozenset({Kind.DATA_CONSENT})


def commissioned(name: str, line: str = LINE) -> Step:
    """Have the Jobcenter commission help for a person whose case is opened."""

    def step(world: World) -> None:
        command = read_command(a_commission(f"BG {name}", budget_line=line))
        recipient_id = world.recipient(JOBCENTER)
        commissions.take_command(world.work, recipient_id=recipient_id, command=command, settings=world.gate.settings)
        commission_id = next(item.key_id for item in reversed(world.work.outgoing) if item.type.startswith("consent."))
        world.hear(a_case(world.person(name), commission_id))

    return step


def came(name: str) -> Step:
    """Have a person come by themselves."""
    return lambda world: world.hear(a_case(world.person(name)))


def known(
    name: str,
    category: Category,
    value: str,
    *,
    fact: str,
    version: int,
    at: datetime,
    about: str | None = None,
    contested: bool | None = None,
) -> Step:
    """Have a fact recorded or corrected; `about` names somebody else whom it is about."""

    def step(world: World) -> None:
        fact_id = f"{fact}-{world.mark}"
        event = an_event(world.person(name), category, value, fact_id=fact_id, version=version, at=at)
        changes = {"about_id": about, "contested": contested}
        world.hear(event.model_copy(update={key: item for key, item in changes.items() if item is not None}))

    return step


def contested(name: str, fact: str, *, no_more: bool = False) -> Step:
    """Have a person contest a finding, or no longer, if the gate knows it and it can be contested."""
    act = contests.withdraw if no_more else contests.contest

    def step(world: World) -> None:
        with suppress(FactNotFound, NotAcceptable):
            act(world.work, person_id=world.person(name), fact_id=f"{fact}-{world.mark}")

    return step


def an_event(
    person_id: str, category: Category, value: str, *, fact_id: str, version: int, at: datetime
) -> Disclosable:
    """Return the event that brings a value of a category."""
    if category in LIFE_DOMAINS:
        amount = int(value.encode().hex()[:8], 16)
        return a_finding(
            person_id,
            category,
            value,
            fact_id=fact_id,
            version=version,
            at=at,
            amount_cents=amount,
            contested=amount % 3 == 0,
        )
    builders: dict[Category, Callable[..., Disclosable]] = {
        Category.CONCLUSION: partial(a_conclusion, code=value),
        Category.RECOMMENDATION: partial(a_recommendation, code=value),
        Category.STATEMENT: partial(a_statement, text=f"{value} {'x' * (len(value) * 3)}"),
        Category.CONTACT: partial(a_contact, address=f"0201 {value}"),
        Category.IDENTITY: partial(an_identity, name=value),
        Category.ATTENDANCE: partial(an_attendance, on=at.date()),
    }
    return builders[category](person_id, fact_id=fact_id, version=version, at=at)


def removed(name: str, *, fact: str) -> Step:
    """Have a fact removed."""
    return lambda world: world.hear(a_removal(world.person(name), f"{fact}-{world.mark}", version=99))


def asked_for(name: str, provider: str, referral: str, needed: Iterable[Category]) -> Step:
    """Have a team ask a provider for help."""
    needs = tuple(needed)

    def step(world: World) -> None:
        referral_id = f"{referral}-{world.mark}"
        asked = a_referral(world.person(name), *needs, recipient_id=world.recipient(provider), referral_id=referral_id)
        world.hear(asked)

    return step


def closed(name: str, referral: str) -> Step:
    """Have a referral closed."""
    return lambda world: world.hear(a_closing(world.person(name), f"{referral}-{world.mark}"))


def said(
    name: str,
    towards: str,
    words: dict[Category, Word],
    *,
    referral: str | None = None,
    kinds: frozenset[Kind] = BOTH_KINDS,
    reaches_back: bool = True,
    days: int = 99,
    place: Place = Place.ELSEWHERE,
) -> Step:
    """Have a person give answers."""
    evidence = Evidence("paper", "de", "v1", SHA, None, "person_desk-1", place=place)

    def step(world: World) -> None:
        declared = a_declaration(
            world.person(name),
            recipient_id=world.recipient(towards),
            purpose=referral_purpose(f"{referral}-{world.mark}") if referral else BENEFIT,
            words=words,
            kinds=kinds,
            reaches_back=reaches_back,
            valid_for=days * DAY,
            evidence=evidence,
        )
        with suppress(NotAcceptable):  # the referral may be closed by now
            grants.record(world.work, declared)

    return step


def withdrawn(name: str, towards: str, *categories: Category) -> Step:
    """Have a person take answers back."""

    def step(world: World) -> None:
        chosen = frozenset(categories) or None
        recipient_id = world.recipient(towards)
        grants.withdraw(world.work, person_id=world.person(name), recipient_id=recipient_id, categories=chosen)

    return step


def shielded(name: str) -> Step:
    """Have it become known that a person is, or is related to, Jobcenter staff."""

    def step(world: World) -> None:
        person = world.person(name)
        world.hear(CaseShielded(case_id=f"case-{person}", person_id=person, shielded_at=world.work.now))

    return step


def held(name: str, towards: str) -> Step:
    """Have a person give the quiet signal."""
    return lambda world: holds.hold(world.work, person_id=world.person(name), recipient_id=world.recipient(towards))


def lifted(name: str) -> Step:
    """Have a person lift every hold."""

    def step(world: World) -> None:
        holds.lift(world.work, person_id=world.person(name), place=Place.ELSEWHERE)

    return step


def answered(name: str, towards: str, word: Word) -> Step:
    """Have a person give one word on every message that waits for it towards somebody."""

    def step(world: World) -> None:
        for waiting in inquiries.waiting_for(world.work, world.person(name)):
            if waiting["recipient_id"] == world.recipient(towards):
                inquiries.answer(
                    world.work,
                    inquiry_id=waiting["inquiry_id"],
                    word=word,
                    sha256=waiting["sha256"],
                    place=Place.ELSEWHERE,
                )
        reconsider(world.work, world.person(name))

    return step


def disputed(name: str, towards: str, *categories: Category) -> Step:
    """Have a person dispute every declaration towards somebody that is about nothing but these categories."""

    def step(world: World) -> None:
        about: dict[str, set[Category]] = {}
        for answer in answer_store.answers_of(world.work, world.person(name)):
            if answer.recipient_id == world.recipient(towards) and answer.ended_at is None:
                about.setdefault(answer.grant_id, set()).add(answer.category)
        for grant_id, meant in about.items():
            if meant <= set(categories):
                with suppress(GrantOver):
                    confirmation.dispute(world.work, grant_id=grant_id)

    return step


def expired(name: str) -> Step:
    """Have the calendar end a person's answers."""
    return lambda world: grants.expire(world.work, world.person(name))


def erased(name: str) -> Step:
    """Have a person erased, as the writer does: what it names is destroyed before anything else happens."""

    def step(world: World) -> None:
        erasure.request(world.work, person_id=world.person(name), requested_by="person_desk-1")
        world.work.session.flush()
        world.gate.service.keys.destroy_all(world.work.destroyed)

    return step


def calendar() -> Step:
    """Have the calendar send statuses, and unopened notices afresh."""

    def step(world: World) -> None:
        world.work.session.flush()
        commissions.notice_new_statuses(world.work, settings=world.gate.settings)
        world.work.session.flush()
        for release_id, _ in sorted(unopened(world.work, older_than=timedelta(hours=6)), key=age(world)):
            renew(world.work, release_id=release_id)

    return step


def age(world: World) -> Callable[[tuple[str, str]], int]:
    """Return by what a play's notices are put in order: when they were sent."""
    order = {item.message_id: place for place, item in enumerate(world.work.outgoing)}
    return lambda due: order.get(due[0], -1)


def opens(which: float) -> Step:
    """Have the observer open one of its notices, or one that nobody sent."""

    def step(world: World) -> None:
        notices = ["A" * 43, *world.notices()]
        notice_id = notices[int(which * len(notices))]
        recipient_id = world.recipient(world.observer)
        asked = opening.Opening(recipient_id, notice_id)
        [answer] = opening.open_notices([(world.work, asked)], settings=world.gate.settings)
        world.seen.append(("answer", answer))

    return step


def speaks(raw: dict[str, Any]) -> Step:
    """Have the observer give a command."""

    def step(world: World) -> None:
        faults = commissions.take_command(
            world.work,
            recipient_id=world.recipient(world.observer),
            command=read_command({**raw, "command_id": new_id()}),
            settings=world.gate.settings,
        )
        world.seen.append(("faults", faults))

    return step


def answers_what_it_holds(which: float) -> Step:
    """Have the observing provider answer a referral that it has opened."""

    def step(world: World) -> None:
        held = [
            item[1]["released"]["reference"] for item in world.seen if item[0] == "answer" and "released" in item[1]
        ]
        references = [*held, "nobody-knows-it"]
        speaks(an_answer_to(references[int(which * len(references))]))(world)

    return step


def value(random: Random) -> str:
    """Draw a code of any length."""
    return "".join(random.choices("abcdefgh", k=random.randrange(2, 30)))
