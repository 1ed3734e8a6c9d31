"""What leaves is built field by field: exactly what is allowed is in it, whatever else the facts hold."""

import json
from collections.abc import Iterable
from datetime import timedelta
from itertools import combinations
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.consent.decision import may_know
from services.consent.domain import KnownFact
from services.consent.release import (
    adds_nothing,
    hash_of,
    is_within,
    jobcenter_situation,
    names_told,
    provider_referral,
    released_fields,
    says_anything,
)
from shared.contracts.assessment import CONTESTABLE
from shared.contracts.categories import LIFE_DOMAINS, Category
from shared.contracts.released import RELEASED_FIELDS, JobcenterSituation, ProviderReferral
from tests.consent.builders import JOBCENTERS_SIX, NOON, a_known_fact, answers, asked

PROVIDERS = sorted(RELEASED_FIELDS[ProviderReferral])
Fields = dict[str, Any]


def marked(category: Category, part: str) -> str:
    """Return a text that stands for one field of one category and occurs nowhere else."""
    return f"mark_{category.value}_{part}"


def day_of(category: Category) -> str:
    """Return a day of its own for each category."""
    return (NOON.date() - timedelta(days=1000 + sorted(Category).index(category))).isoformat()


def a_marked_content(category: Category) -> Fields:
    """Return a content as the events bring it, a marker in every field, and some that nobody has ever heard of."""
    more = {
        "note": marked(category, "note"),
        "person_id": marked(category, "person"),
        "place": marked(category, "place"),
    }
    number = sorted(Category).index(category)
    if category in LIFE_DOMAINS:
        found = {"code": marked(category, "code"), "severity": 7000 + number, "amount_cents": 9_000_000 + number}
        return {**found, "recorded_on": day_of(category), "since_on": day_of(category), "contested": True, **more}
    note = {"contested": True}
    own: dict[Category, Fields] = {
        Category.IDENTITY: {"name": marked(category, "name"), "born_on": day_of(category)},
        Category.CONTACT: {"channel": marked(category, "channel"), "address": marked(category, "address")},
        Category.RECOMMENDATION: {"code": marked(category, "code"), "recommended_on": day_of(category), **note},
        Category.CONCLUSION: {"code": marked(category, "code"), "decided_on": day_of(category), **note},
        Category.STATEMENT: {"text": marked(category, "text"), "approved_on": day_of(category)},
        Category.ATTENDANCE: {"kind": marked(category, "kind"), "attended_on": day_of(category), **note},
        Category.APPOINTMENT: {"appointment_at": f"{day_of(category)}T09:00:00Z"},
        Category.OUTCOME: {"code": marked(category, "code")},
    }
    return {**own[category], **more}


EVERYTHING = [a_known_fact(category, content=a_marked_content(category)) for category in Category]
FIELDS_THAT_STAY = {"note", "person_id", "place", "contested"}  # contested says True, which is no marker


def subsets(categories: Iterable[Category]) -> list[frozenset[Category]]:
    """Return every subset."""
    pool = sorted(categories)
    return [frozenset(chosen) for size in range(len(pool) + 1) for chosen in combinations(pool, size)]


def markers_of(categories: Iterable[Category]) -> set[str]:
    """Return every marker that these categories may bring outside."""
    contents = [a_marked_content(category) for category in categories]
    return {str(value) for content in contents for name, value in content.items() if name not in FIELDS_THAT_STAY}


def markers_in(fields: Fields) -> set[str]:
    """Return every marker that a message holds."""
    text = json.dumps(fields)
    every = {str(value) for category in Category for value in a_marked_content(category).values()} - {"True"}
    return {marker for marker in every if marker in text}


def told(categories: frozenset[Category], offered: Iterable[Category], message: str) -> Fields:
    """Return what a recipient is told if the person said yes to these categories, and all facts are known."""
    said = [answer for category in categories for answer in answers(category)]
    known = may_know(asked(*offered), EVERYTHING, said, at=NOON)
    if message == "jobcenter":
        return released_fields(jobcenter_situation("BG-1", known))
    return released_fields(provider_referral("REF-1", "day_clinic", known))


@pytest.mark.parametrize("granted", subsets(JOBCENTERS_SIX), ids=lambda chosen: "+".join(sorted(chosen)) or "nothing")
def test_the_jobcenter_holds_exactly_what_was_released_to_it(granted: frozenset[Category]) -> None:
    fields = told(granted, JOBCENTERS_SIX, "jobcenter")

    assert markers_in(fields) == markers_of(granted)
    assert set(names_told(fields)) == {RELEASED_FIELDS[JobcenterSituation][item] for item in granted}


@pytest.mark.parametrize("six", [PROVIDERS[:6], PROVIDERS[6:12], PROVIDERS[12:]], ids=["first", "second", "third"])
def test_a_provider_holds_exactly_what_was_released_to_it(six: list[Category]) -> None:
    for granted in subsets(six):
        fields = told(granted, six, "provider")

        assert markers_in(fields) == markers_of(granted)
        assert set(names_told(fields)) == {RELEASED_FIELDS[ProviderReferral][item] for item in granted}


def test_the_jobcenter_never_gets_a_seventh_category_whatever_is_granted_and_offered() -> None:
    fields = told(frozenset(Category), Category, "jobcenter")

    assert markers_in(fields) == markers_of(JOBCENTERS_SIX)


def test_attendance_and_outcome_never_leave_to_a_provider_whatever_is_granted_and_offered() -> None:
    fields = told(frozenset(Category), Category, "provider")

    assert markers_in(fields) == markers_of(set(Category) - {Category.ATTENDANCE, Category.OUTCOME})


def nothings_in(value: Any) -> list[Any]:  # Any: JSON values
    """Return every null, empty list and empty object inside a value."""
    if isinstance(value, dict) and value:
        return [found for item in value.values() for found in nothings_in(item)]
    if isinstance(value, list) and value:
        return [found for item in value for found in nothings_in(item)]
    return [value] if value is None or value in ([], {}, "") else []


@given(st.sets(st.sampled_from(sorted(Category))), st.booleans())
def test_absent_means_absent_there_is_no_null_and_no_empty_list(categories: set[Category], to_provider: bool) -> None:
    bare = {"code": "found", "severity": 0, "recorded_on": "2026-03-02", "channel": "in_person", "name": "Testperson"}
    known = [
        a_known_fact(category, content=bare if category in LIFE_DOMAINS | few else a_marked_content(category))
        for category in categories
    ]
    message = provider_referral("REF-1", "day_clinic", known) if to_provider else jobcenter_situation("BG-1", known)

    assert nothings_in(released_fields(message)) == []


few = {Category.CONTACT, Category.IDENTITY}


@given(st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_neither_the_order_nor_the_age_nor_the_ids_of_facts_show(random: Random) -> None:
    several = [
        *EVERYTHING,
        *(a_known_fact(fact.category, content={**fact.content, "code": "other"}) for fact in EVERYTHING),
    ]
    shuffled = [
        KnownFact(
            fact_id=str(random.random()),
            version=random.randrange(1, 99),
            category=fact.category,
            professional=fact.professional,
            content=dict(random.sample(list(fact.content.items()), len(fact.content))),
            first_recorded_at=NOON - timedelta(days=random.randrange(9)),
            first_received_at=NOON - timedelta(days=random.randrange(9)),
        )
        for fact in random.sample(several, len(several))
    ]

    one, other = provider_referral("R", "s", several), provider_referral("R", "s", shuffled)

    assert json.dumps(released_fields(one)) == json.dumps(released_fields(other))


def test_of_several_conclusions_the_newest_is_told() -> None:
    old, new = (
        a_known_fact(Category.CONCLUSION, content={"code": code, "decided_on": day})
        for code, day in (("z_old", "2026-03-01"), ("a_new", "2026-03-02"))
    )

    fields = released_fields(jobcenter_situation("BG-1", [new, old]))

    assert fields["conclusion"]["code"] == "a_new"


def to_jobcenter(*known: KnownFact) -> Fields:
    """Return what the Jobcenter is told of these facts."""
    return released_fields(jobcenter_situation("BG-1", known))


@pytest.mark.parametrize("category", sorted(CONTESTABLE))
def test_what_is_contested_leaves_with_the_note_and_what_is_not_without(category: Category) -> None:
    content = a_marked_content(category)
    contested = a_known_fact(category, content=content)
    plain = a_known_fact(category, content={name: item for name, item in content.items() if name != "contested"})
    message = JobcenterSituation if category is Category.ATTENDANCE else ProviderReferral
    build = to_jobcenter if message is JobcenterSituation else to_clinic

    with_note, without = (build(fact)[RELEASED_FIELDS[message][category]] for fact in (contested, plain))

    assert json.dumps(with_note).count('"contested": true') == 1
    assert "contested" not in json.dumps(without)
    assert json.dumps(with_note).replace(', "contested": true', "") == json.dumps(without)


def to_clinic(*known: KnownFact) -> Fields:
    """Return what a provider is told of these facts."""
    return released_fields(provider_referral("REF-1", "day_clinic", known))


def told_by(professional: bool, category: Category = Category.WORK, **content: str) -> KnownFact:
    """Return a fact that a professional found, or that the person alone told."""
    return a_known_fact(category, professional=professional, content={**a_marked_content(category), **content})


def test_a_message_bears_the_label_as_soon_as_anything_in_it_is_a_professionals() -> None:
    own, theirs = told_by(False, Category.CONTACT), told_by(True)

    assert to_jobcenter(own, theirs)["professional_secrecy"] is True
    assert to_jobcenter(theirs, own) == to_jobcenter(own, theirs)
    assert "professional_secrecy" not in to_jobcenter(own)


def test_the_label_follows_from_what_is_told_and_not_from_what_is_known_besides() -> None:
    told = told_by(False, Category.CONCLUSION, decided_on="2026-03-02")
    older = told_by(True, Category.CONCLUSION, decided_on="2026-03-01")
    never_told = told_by(True, Category.DEBTS)

    assert "professional_secrecy" not in to_jobcenter(told, older, never_told)


def test_of_two_that_say_the_same_the_label_is_the_stricter_one() -> None:
    same = told_by(False, Category.CONTACT), told_by(True, Category.CONTACT)

    assert to_jobcenter(*same)["professional_secrecy"] is True


def test_the_label_alone_says_nothing_and_takes_nothing_back() -> None:
    bare = {"type": "t", "reference": "r", "service": "s", "work": ["a"]}

    assert not says_anything({"type": "t", "reference": "r", "professional_secrecy": True})
    assert is_within(bare, {**bare, "professional_secrecy": True})
    assert hash_of(bare) != hash_of({**bare, "professional_secrecy": True})


parts = st.dictionaries(
    st.sampled_from(["conclusion", "work", "statements"]),
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=4) | st.sampled_from("abcd"),
)


@given(parts)
def test_what_was_told_is_within_itself_and_says_something_unless_it_is_empty(fields: Fields) -> None:
    assert is_within(fields, fields)
    assert says_anything({"type": "t", "reference": "r", "service": "s", **fields}) is bool(fields)


@given(parts, parts)
def test_what_was_told_is_within_what_is_allowed_when_each_item_of_it_still_is(one: Fields, two: Fields) -> None:
    def items(fields: Fields) -> set[tuple[str, str]]:
        return {(name, item) for name, value in fields.items() for item in value}

    assert is_within(one, two) is (items(one) <= items(two))


@given(parts, parts)
def test_two_messages_have_one_hash_only_if_they_say_the_same(one: Fields, two: Fields) -> None:
    turned = dict(reversed(one.items()))

    assert hash_of(one) == hash_of(turned)
    assert (hash_of(one) == hash_of(two)) is (one == two)


@pytest.mark.parametrize(
    "build", [lambda known: jobcenter_situation("R", known), lambda k: provider_referral("R", "s", k)]
)
def test_a_finding_is_told_with_each_of_its_dates_and_its_origin(build: Any) -> None:
    content = {"code": "found", "severity": 3, "recorded_on": "2026-02-11", "since_on": "2019-01-05", "amount_cents": 7}
    fact = a_known_fact(Category.WORK, content=content)

    told = released_fields(build([fact]))

    assert told["work"] == [content]
    assert told["professional_secrecy"] is True


def test_what_adds_nothing_is_within_and_binds_to_no_secrecy_beyond() -> None:
    one, two = {"code": "one"}, {"code": "two"}
    before, bound = {"type": "t", "work": [one, two]}, {"type": "t", "work": [one], "professional_secrecy": True}

    assert adds_nothing({"type": "t", "work": [one]}, before)
    assert not adds_nothing({"type": "t", "work": [{"code": "three"}]}, before)
    assert not adds_nothing(bound, before)
    assert adds_nothing(bound, bound)
    assert adds_nothing({"type": "t", "work": [one]}, bound)
    assert not adds_nothing(before, bound)


def test_a_thing_that_stands_alone_is_one_item_whole() -> None:
    told = {"type": "t", "conclusion": {"code": "one", "decided_on": "2026-02-11"}}

    assert not is_within(told, {"type": "t", "conclusion": {"code": "two", "decided_on": "2026-02-11"}})
    assert is_within(told, {**told, "work": []})
