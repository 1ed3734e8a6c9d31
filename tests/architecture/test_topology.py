"""The topology as data: what must hold for every queue, binding and permission, on any version of the broker."""

import json

import pytest

from ops.definitions import care_definitions, password_hash, recipient_definitions
from shared.topology import (
    GATE,
    RESERVED,
    SERVICES,
    SUBSCRIPTIONS,
    Permission,
    Queue,
    Version,
    Zone,
    care_zone,
    is_recipient_id,
    recipient_zone,
)

VERSIONS: list[Version] = [(3, 10, 8), (4, 1, 0)]
GATE_READS = r"^(requests\.open|requests\.command|requests\.command\.parked)$"
KEPT_FOR_EVER = {"inbox", "requests.command.parked", *(f"{service}.parked" for service in SERVICES)}


def zones(version: Version) -> list[Zone]:
    return [care_zone(version), recipient_zone("jobcenter-essen", version), recipient_zone("lvr-klinik", version)]


def queues(version: Version) -> dict[str, Queue]:
    return {queue.name: queue for zone in zones(version) for queue in zone.queues}


def permissions() -> list[tuple[str, Permission]]:
    return [(zone.vhost, permission) for zone in zones(VERSIONS[0]) for permission in zone.permissions]


def test_nobody_on_the_wire_configures_anything() -> None:
    assert {permission.configure for _, permission in permissions()} == {"^$"}


def test_only_the_gate_stands_in_more_than_one_zone() -> None:
    accounts = [permission.account for _, permission in permissions()]

    assert {account for account in accounts if accounts.count(account) > 1} == {GATE}


def test_the_permissions_are_these() -> None:
    assert {(vhost, one.account, one.write, one.read) for vhost, one in permissions()} == {
        ("care", "intake", r"^(care\.events|care\.retry)$", r"^(intake\.events|intake\.parked)$"),
        ("care", "assessment", r"^(care\.events|care\.retry)$", r"^(assessment\.events|assessment\.parked)$"),
        ("care", "referral", r"^(care\.events|care\.retry)$", r"^(referral\.events|referral\.parked)$"),
        ("care", "consent", r"^(care\.events|care\.retry)$", r"^(consent\.events|consent\.parked)$"),
        ("care", "operator", "^$", "^$"),
        ("jobcenter-essen", "jobcenter-essen", "^requests$", "^inbox$"),
        ("jobcenter-essen", "consent", r"^(inbox|amq\.default)$", GATE_READS),
        ("lvr-klinik", "lvr-klinik", "^requests$", "^inbox$"),
        ("lvr-klinik", "consent", r"^(inbox|amq\.default)$", GATE_READS),
    }


def test_no_name_in_a_recipients_zone_tells_who_it_is() -> None:
    here, there = recipient_zone("jobcenter-essen", VERSIONS[0]), recipient_zone("lvr-klinik", VERSIONS[0])

    assert (here.queues, here.exchanges, here.bindings) == (there.queues, there.exchanges, there.bindings)


def test_a_recipient_cannot_put_anything_among_the_parked_commands() -> None:
    bindings = recipient_zone("lvr-klinik", VERSIONS[0]).bindings

    assert {(binding.key, binding.queue) for binding in bindings} == {
        ("open", "requests.open"),
        ("command", "requests.command"),
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_dead_lettered_is_never_lost_on_the_way(version: Version) -> None:
    dead_lettering = [one.arguments for one in queues(version).values() if "x-dead-letter-exchange" in one.arguments]

    assert {one["x-dead-letter-strategy"] for one in dead_lettering} == {"at-least-once"}
    assert {one["x-overflow"] for one in dead_lettering} == {"reject-publish"}  # else the broker ignores the strategy


@pytest.mark.parametrize("version", VERSIONS)
def test_every_queue_dead_letters_or_keeps_or_may_expire(version: Version) -> None:
    without = {one.name for one in queues(version).values() if "x-dead-letter-exchange" not in one.arguments}

    assert without == {*KEPT_FOR_EVER, "requests.open"}


@pytest.mark.parametrize(("version", "limit"), [((3, 10, 8), None), ((4, 1, 0), -1)])
def test_no_number_of_deliveries_takes_a_notice_away(version: Version, limit: int | None) -> None:
    limits = {queues(version)[name].arguments.get("x-delivery-limit") for name in KEPT_FOR_EVER}

    assert limits == {limit}


def test_what_comes_from_outside_is_capped_in_number_and_size() -> None:
    outside = [queues(VERSIONS[0])[name].arguments for name in ("requests.open", "requests.command")]

    assert all({"x-max-length", "x-max-length-bytes"} <= one.keys() for one in outside)
    assert {one["x-overflow"] for one in outside} == {"reject-publish"}


@pytest.mark.parametrize("zone", zones(VERSIONS[0]), ids=lambda zone: zone.vhost)
def test_every_binding_leads_from_an_exchange_to_a_queue_that_exist(zone: Zone) -> None:
    assert {binding.exchange for binding in zone.bindings} <= zone.exchanges.keys()
    assert {binding.queue for binding in zone.bindings} <= {queue.name for queue in zone.queues}


def test_no_service_hears_its_own_events() -> None:
    assert not [(one, key) for one in SERVICES for key in SUBSCRIPTIONS[one] if key.startswith(f"{one}.")]


def test_definitions_hold_hashes_and_no_password() -> None:
    care = care_definitions(version=VERSIONS[0], password=lambda name: f"secret-of-{name}", with_provisioner=True)
    one = recipient_definitions("lvr-klinik", version=VERSIONS[0], password=lambda name: f"secret-of-{name}")

    assert "secret-of-" not in json.dumps([care, one])


def test_only_the_provisioner_administers() -> None:
    care = care_definitions(version=VERSIONS[0], password=str, with_provisioner=True)

    assert {user["name"]: user["tags"] for user in care["users"] if user["tags"]} == {
        "provisioner": ["administrator"],
        "operator": ["monitoring"],
    }


def test_passwords_are_hashed_as_the_broker_does() -> None:
    example = password_hash("test12", salt=bytes.fromhex("908DC60A"))  # from RabbitMQ's documentation

    assert example == "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"


@pytest.mark.parametrize(
    "name", ["", "ab", "Jobcenter", "a b", "../care", "x/y", "a" * 41, "amq.topic", *sorted(RESERVED)]
)
def test_no_recipient_takes_a_name_of_ours_or_one_that_needs_quoting(name: str) -> None:
    assert not is_recipient_id(name)
