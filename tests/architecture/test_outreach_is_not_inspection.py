"""Outreach is not inspection: no benefit-side account, grant or key can ever come to anything of a home visit.

A visit is walked along every way on which something could leave the referral service: what it announces and who can
read that, what the gate hears and could release, who holds which key, and who is let in.
"""

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.definitions import care_definitions, merge, recipient_definitions
from services.referral.visit import Permission, Plan
from services.referral.visit_state import VISIT_DONE_BY, Who
from services.referral.visit_store import key_id
from shared.contracts.catalogue import EVENTS
from shared.contracts.categories import Category
from shared.contracts.consent import GrantRecorded
from shared.contracts.envelope import Disclosable
from shared.contracts.released import RELEASED_FIELDS
from shared.keys import PersonKeys, UnreadableValue
from shared.topology import GATE, OPERATOR, PROVISIONER, SERVICES, SUBSCRIPTIONS, readers_of
from shared.web import Role
from tests.referral.builders import CASE, PERSON, Desk, running_desk
from tests.referral.visits import PLACE, agreed, do, permit, under_way

ROOT = Path(__file__).parents[2]
STEP, WORK = "referral.step_planned.v1", "referral.work_done.v1"
BENEFIT_SIDE = ("jobcenter-essen", "billing", "steering", "lvr-klinik")
"""Recipients as the gate registers them: all get the same zone, whatever they are."""
OF_A_VISIT = {field.name for field in (*fields(Plan), *fields(Permission))} - {"purpose", "language", "given_at"}
"""What only a visit has; the rest are words that grants and notices use of their own things."""
PARTS: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return a running referral service."""
    with running_desk(tmp_path) as running:
        yield running


def a_whole_visit(desk: Desk) -> str:
    """Have a visit be planned, permitted, and be under way."""
    visit = under_way(desk, ask_for="ring twice")
    permit(desk, visit)
    return visit


def test_all_that_a_visit_announces_is_whose_turn_it_is_and_that_there_was_work(desk: Desk) -> None:
    visit = a_whole_visit(desk)
    do(desk, visit, "revocation", role="person_desk")
    do(desk, visit, "no")

    sent = desk.outgoing()

    assert {message.type for message in sent} == {STEP, WORK}
    [work] = [json.loads(message.body) for message in sent if message.type == WORK]
    assert work == {"work_id": visit, "case_id": CASE, "person_id": PERSON, "units": 1}
    assert {message.destination for message in sent} == {"care"}
    assert not [
        one for one in sent for word in (PLACE, "ring twice", "bring_papers", "spoken") if word.encode() in one.body
    ]


def test_of_all_accounts_of_the_broker_intake_alone_can_read_whose_turn_it_is_and_the_gate_alone_of_work() -> None:
    assert {type_: readers_at_the_broker(type_) for type_ in (STEP, WORK)} == {STEP: {"intake"}, WORK: {"consent"}}


def readers_at_the_broker(type_: str) -> set[str]:
    """Return which accounts can read, by any way, what is published under a routing key."""
    all_ = merge(
        [
            care_definitions(version=(3, 10, 8), password=str, with_provisioner=True),
            *(recipient_definitions(one, version=(3, 10, 8), password=str) for one in BENEFIT_SIDE),
        ]
    )
    reached = {(one["vhost"], one["destination"]) for one in all_["bindings"] if one["routing_key"] == type_}
    # What a queue gives up goes on to another one: follow that to its end.
    while (
        more := {
            (queue["vhost"], binding["destination"])
            for queue in all_["queues"]
            if (queue["vhost"], queue["name"]) in reached
            and (key := queue["arguments"].get("x-dead-letter-routing-key"))
            for binding in [*all_["bindings"], {"routing_key": key, "destination": key}]
            if binding["routing_key"] == key
        }
        - reached
    ):
        reached |= more

    assert {one["name"] for one in all_["users"]} == {*SERVICES, OPERATOR, PROVISIONER, *BENEFIT_SIDE}
    assert not [one for one in all_["permissions"] if one["user"] == PROVISIONER]
    return {
        one["user"]
        for one in all_["permissions"]
        for vhost, queue in reached
        if one["vhost"] == vhost and re.search(one["read"], queue)
    }


def test_the_gate_hears_nothing_of_a_visit_but_that_there_was_work() -> None:
    assert (readers_of(STEP), readers_of(WORK)) == (("intake",), (GATE,))
    assert set(EVENTS[WORK].model_fields) == set(EVENTS["assessment.work_done.v1"].model_fields)
    assert STEP not in SUBSCRIPTIONS[GATE]  # which is what it handles: tests/consent/test_subscriptions.py


def test_no_event_of_the_care_circle_could_carry_a_visit() -> None:
    named = {(type_, name) for type_, event in EVENTS.items() for name in event.model_fields if name in OF_A_VISIT}

    assert named == set()
    assert [type_ for type_ in EVENTS if "visit" in type_] == []


def test_there_is_nothing_of_a_visit_that_a_grant_could_release() -> None:
    assert [one.value for one in Category if "visit" in one.value or "outreach" in one.value] == []
    assert not issubclass(EVENTS[STEP], Disclosable)
    released = {name for role in RELEASED_FIELDS for name in role.model_fields}
    assert released & OF_A_VISIT == set()


def test_a_permission_is_no_grant(desk: Desk) -> None:
    agreed(desk)

    assert desk.announced(GrantRecorded) == []
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "services" / "referral").glob("visit*.py"))
    assert "shared.contracts.consent" not in code


@pytest.mark.parametrize("service", sorted(set(SERVICES) - {"referral"}))
def test_no_other_service_knows_the_key_of_a_visit(service: str, desk: Desk, tmp_path: Path) -> None:
    visit = a_whole_visit(desk)
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "services" / service).glob("*.py"))

    assert not re.search(r"""["']visit:""", code)
    stolen = PersonKeys(desk.service.keys._engine, master_key=service.encode().ljust(32, b"."))
    with pytest.raises(UnreadableValue):
        stolen.unseal(key_id(visit), f"visit.kept.{visit}", _kept(tmp_path, visit))


def test_the_persons_own_key_opens_no_visit(desk: Desk, tmp_path: Path) -> None:
    visit = a_whole_visit(desk)

    with pytest.raises(UnreadableValue):
        desk.service.keys.unseal(PERSON, f"visit.kept.{visit}", _kept(tmp_path, visit))


def _kept(folder: Path, visit: str) -> bytes:
    connection = sqlite3.connect(folder / "referral.sqlite3")
    [(kept,)] = connection.execute("SELECT kept FROM visit WHERE visit_id = ?", (visit,))
    connection.close()
    return bytes(kept)


@pytest.mark.parametrize("volume", ["referral-secrets", "referral-keys", "referral-data", "referral-journal"])
def test_what_opens_a_visit_is_mounted_by_the_referral_service_alone(volume: str) -> None:
    mounted = {
        name
        for name, part in PARTS.items()
        if any(str(one).startswith(f"{volume}:") for one in part.get("volumes", ()))
    }

    assert mounted - {"prepare"} <= {"referral", "migrate-referral"}
    assert mounted


def test_nobody_of_the_benefit_side_holds_a_role_and_no_role_beside_the_outreach_is_let_in() -> None:
    assert set(Role) == {
        Role.INTAKE_WORKER,
        Role.ASSESSOR,
        Role.OUTREACH_WORKER,
        Role.LEAD,
        Role.PERSON_DESK,
        Role.OPERATOR,
    }
    assert {who for doers in VISIT_DONE_BY.values() for who in doers} == set(Who)
    assert {one.value for one in Who} == {"assessor", "outreach_worker", "lead", "person_desk"}
