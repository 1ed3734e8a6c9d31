"""The rules of consent once more, put to an engine that others built and proved: Cedar (cedarpolicy.com).

Each answer becomes policies in Cedar's language, with its raw values as literals, so that Cedar itself compares times
and words; what holds for every fact are policies of their own. Cedar denies what nobody permits, and one `forbid` beats
every `permit`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import cedarpy

from services.consent.decision import View
from services.consent.domain import Answer, Asked, Kind, KnownFact
from tests.consent.builders import NOON

NEVER = -(10**12)
ALWAYS = """
permit(principal, action == Action::"need", resource) unless {
  context.kinds.isEmpty() || context.kinds.contains(context.kind)
    || (context.kind == "secrecy_release" && resource.professional)
};
forbid(principal, action, resource) unless { context.offered.contains(resource.category) };
forbid(principal, action, resource) when { resource has about };
forbid(principal, action, resource) when { resource has only_for && resource.only_for != context.purpose };
"""
"""What holds whatever was said. The first says that a kind which is not needed is no hindrance."""


def may_know_by_cedar(
    asked: Asked, facts: Sequence[KnownFact], answers: Sequence[Answer], *, at: datetime, view: View
) -> set[str]:
    """Return the ids of the facts that Cedar lets this recipient know."""
    if not facts:
        return set()
    requests = [_request(asked, place, kind, at, view) for place in range(len(facts)) for kind in Kind]
    policies = ALWAYS + "".join(_policies(answer) for answer in answers)
    entities = [_entity(place, fact) for place, fact in enumerate(facts)]
    results = cedarpy.is_authorized_batch(requests, policies, entities)
    assert not any(result.diagnostics.errors for result in results)
    allowed = [result.allowed for result in results]
    kinds = len(Kind)
    return {fact.fact_id for place, fact in enumerate(facts) if all(allowed[place * kinds : (place + 1) * kinds])}


def _policies(answer: Answer) -> str:
    """Return what one answer permits, and what it forbids."""
    ends = _seconds(answer.expires_at) if answer.expires_at else NEVER
    concerns = (
        f'context.person == "{answer.person_id}" && context.recipient == "{answer.recipient_id}"'
        f' && context.purpose == "{answer.purpose}" && resource.category == "{answer.category.value}"'
    )
    word, is_a_no = f'"{answer.word.value}"', f'"{answer.word.value}" == "no"'
    waits = f"context.at < {_seconds(answer.confirm_by)}" if answer.confirm_by else "true"
    in_time = f"{_text(answer.ended_at is None)} && ({is_a_no} || (context.at < {ends} && {waits}))"
    # What waits for its confirmation does not count; what is disputed counts, as something that closes.
    counts = f"{in_time} && ({_text(answer.confirm_by is None)} || {_text(answer.is_disputed)})"
    free = f"!{_text(answer.is_disputed)} && !{_text(answer.is_held)}"
    by_yes = f'{word} == "yes" && {free}'
    by_word = f'{word} == "ask" && {free} && (context.view == "ASK" || context.view == "KEEP_ASKED")'
    held = f"{_text(answer.is_held)} && !{_text(answer.is_disputed)} && !({is_a_no})"
    keeps = f'{held} && (context.view == "KEEP_ASKED" || (context.view == "KEEP" && {word} == "yes"))'
    opens = f"(({by_yes}) || ({by_word}) || ({keeps}))"
    given = _seconds(answer.given_at)
    newer = f"(resource has recorded && resource.recorded > {given} && resource.received > {given})"
    reaches = f'({_text(answer.reaches_back)} || {newer}) && context.kind == "{answer.kind.value}"'
    here = f"{concerns} && {counts}"
    return (
        f'permit(principal, action == Action::"need", resource) when {{ {here} && {opens} && {reaches} }};\n'
        f"forbid(principal, action, resource) when {{ {here} && !{opens} }};\n"
    )


def _request(asked: Asked, place: int, kind: Kind, at: datetime, view: View) -> dict[str, Any]:
    return {
        "principal": 'Recipient::"observer"',
        "action": 'Action::"need"',
        "resource": f'Fact::"{place}"',
        "context": {
            "person": asked.person_id,
            "recipient": asked.recipient_id,
            "purpose": asked.purpose,
            "offered": [category.value for category in asked.categories],
            "kinds": [one.value for one in asked.kinds],
            "kind": kind.value,
            "at": _seconds(at),
            "view": view.name,
        },
    }


def _entity(place: int, fact: KnownFact) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "category": fact.category.value,
        "professional": fact.professional,
        "received": _seconds(fact.first_received_at),
    }
    if fact.first_recorded_at is not None:
        attributes["recorded"] = _seconds(fact.first_recorded_at)
    if fact.only_for is not None:
        attributes["only_for"] = fact.only_for
    if fact.about_id is not None:
        attributes["about"] = fact.about_id
    return {"uid": {"__entity": {"type": "Fact", "id": str(place)}}, "attrs": attributes, "parents": []}


def _seconds(moment: datetime) -> int:
    return round((moment - NOON).total_seconds())


def _text(value: bool) -> str:
    return "true" if value else "false"
