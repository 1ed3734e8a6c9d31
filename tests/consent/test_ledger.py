"""The ledger: every change of a chain is found, erasure leaves it whole, and the person reads it in plain words."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text, update
from sqlmodel import col

from services.consent import ledger_view
from services.consent.ledger import Entry, EntryKind, Fault, Head, commit_to, commitment_of, find_fault, next_entry
from services.consent.tables import LedgerHeadRow, LedgerRow
from shared.contracts.categories import Category
from tests.consent.builders import JOBCENTER, NOON, SECOND, a_conclusion, a_finding, a_statement, an_identity
from tests.consent.gate import Gate

CONCLUSION, STATEMENT, WORK = Category.CONCLUSION, Category.STATEMENT, Category.WORK


def a_chain(length: int) -> tuple[list[Entry], Head]:
    """Return a whole chain and its head."""
    head, entries = Head(), []
    for number in range(length):
        _, commitment = commit_to(b"content")
        entry = next_entry(
            head,
            recipient_id=JOBCENTER,
            kind=EntryKind.RELEASED,
            release_id=f"release-{number}",
            at=NOON + number * SECOND,
            key_id=f"person-{number}",
            commitment=commitment,
        )
        entries.append(entry)
        head = Head(entry.number, entry.entry_hash)
    return entries, head


CHAIN, HEAD = a_chain(6)
places = st.integers(0, len(CHAIN) - 1)


def test_a_whole_chain_has_no_fault() -> None:
    assert find_fault(CHAIN, HEAD) is None
    assert find_fault([], Head()) is None


@given(places, st.sampled_from(sorted(Entry.__dataclass_fields__)), st.text(max_size=4), st.integers(-3, 9))
def test_any_edit_of_any_field_of_any_entry_is_found(place: int, name: str, written: str, number: int) -> None:
    old = getattr(CHAIN[place], name)
    others: dict[str, Any] = {
        "number": number if number != old else 99,
        "kind": EntryKind.STATUS,
        "at": old + timedelta(microseconds=1) if name == "at" else None,
    }
    edited = list(CHAIN)
    edited[place] = replace(CHAIN[place], **{name: others.get(name, f"{old}{written}x")})

    assert find_fault(edited, HEAD) is not None


@given(st.sets(places, min_size=1))
def test_any_deletion_is_found_the_last_entries_too(gone: set[int]) -> None:
    left = [entry for place, entry in enumerate(CHAIN) if place not in gone]

    fault = find_fault(left, HEAD)

    assert fault is not None
    assert fault.number == min(gone) + 1


@given(st.permutations(CHAIN).filter(lambda order: order != CHAIN))
def test_any_other_order_is_found(order: list[Entry]) -> None:
    assert find_fault(order, HEAD) is not None


@given(places)
def test_an_entry_that_is_there_twice_is_found(place: int) -> None:
    assert find_fault([*CHAIN[: place + 1], *CHAIN[place:]], HEAD) is not None


@given(places.filter(bool))
def test_two_chains_that_were_spliced_are_found(place: int) -> None:
    other, _ = a_chain(6)

    assert find_fault([*other[:place], *CHAIN[place:]], HEAD) == Fault(place + 1, "broken_link")


def test_an_entry_that_nobody_made_is_found_at_the_end_too() -> None:
    forged = next_entry(
        HEAD,
        recipient_id=JOBCENTER,
        kind=EntryKind.RELEASED,
        release_id="release-9",
        at=NOON,
        key_id="person-9",
        commitment="0" * 64,
    )

    assert find_fault([*CHAIN, forged], HEAD) is not None


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_a_commitment_binds_the_content_and_tells_nothing_about_it(one: bytes, other: bytes) -> None:
    salt, commitment = commit_to(one)

    assert len(salt) == 32
    assert commitment_of(salt, one) == commitment
    assert (commitment_of(salt, other) == commitment) is (one == other)
    assert commit_to(one)[1] != commitment


def a_person_with_entries(gate: Gate) -> str:
    """Return a person about whom the Jobcenter's chain holds a status, two contents and a retraction."""
    person = gate.a_person("BG-1")
    jobcenter = gate.reading()
    gate.grant(person, CONCLUSION, STATEMENT)
    gate.hear(a_conclusion(person, "able_part_time"))
    jobcenter.news()
    gate.hear(a_statement(person, "I look for a flat."))
    gate.open(gate.notices()[-1])
    gate.open(gate.notices()[-1])
    gate.withdraw(person)
    gate.open(gate.notices()[-1])
    return person


def verification(gate: Gate) -> dict[str, Any]:
    """Return what the operator is told about the Jobcenter's chain."""
    found: dict[str, Any] = gate.ask("GET", f"/ledger/{JOBCENTER}/verification", role="operator").json()
    return found


def test_the_chain_of_a_recipient_is_whole_while_it_grows(gate: Gate) -> None:
    a_person_with_entries(gate)

    assert verification(gate) == {
        "recipient_id": JOBCENTER,
        "whole": True,
        "fault": None,
        "entries": 5,
        "exported_heads": 0,
        "forged_lines": [],
    }
    assert [row.kind for row in gate.rows(LedgerRow)] == [
        "status",
        "released",
        "released",
        "opened_again",
        "retracted",
    ]


def test_the_chain_verifies_after_the_persons_key_is_destroyed(gate: Gate) -> None:
    person = a_person_with_entries(gate)

    gate.service.keys.destroy(person)

    assert verification(gate)["whole"] is True


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE ledger SET release_id = 'x' WHERE number = 2",
        "UPDATE ledger SET kind = 'status' WHERE number = 2",
        "UPDATE ledger SET commitment = previous_hash WHERE number = 2",
        "UPDATE ledger SET key_id = 'person-somebody' WHERE number = 2",
        "UPDATE ledger SET content = (SELECT content FROM ledger WHERE number = 3) WHERE number = 2",
        "UPDATE ledger SET previous_hash = entry_hash WHERE number = 2",
        "UPDATE ledger SET kind = 'given' WHERE number = 2",
        "DELETE FROM ledger WHERE number = 2",
        "DELETE FROM ledger WHERE number = (SELECT max(number) FROM ledger)",
        "DELETE FROM ledger",
        "DELETE FROM ledger_head",
        "UPDATE ledger SET number = number + 100",
    ],
)
def test_whatever_is_done_to_the_tables_is_found(gate: Gate, tampering: str) -> None:
    a_person_with_entries(gate)

    gate.write(lambda work: work.session.execute(text(tampering)))

    found = verification(gate)
    assert found["whole"] is False
    assert found["fault"]["reason"]


def test_each_recipient_has_a_chain_of_its_own(gate: Gate) -> None:
    person = a_person_with_entries(gate)
    gate.hear(an_identity(person))
    gate.agree(person, gate.a_referral_of(person), Category.IDENTITY)

    [answer] = gate.reading("lvr-klinik").news()

    assert answer["sequence"] == 1
    assert {head.recipient_id for head in gate.rows(LedgerHeadRow)} == {JOBCENTER, "lvr-klinik"}


def test_the_person_reads_in_plain_words_what_each_recipient_received_and_when(gate: Gate) -> None:
    person = a_person_with_entries(gate)

    words = gate.ask("GET", f"/persons/{person}/ledger/in-plain-words").text.splitlines()

    assert re.match(r"02 March 2026, 13:00:\d\d CET: ", words[0])  # Essen's time, and it says so
    assert [line.split(": ", 1)[1] for line in words] == [
        "Jobcenter-Essen was told the neutral status 'commissioned' of its commission. Nothing about you.",
        "Jobcenter-Essen received your conclusion (code: able part time, decided on: 2026-03-02).",
        "Jobcenter-Essen received your conclusion (code: able part time, decided on: 2026-03-02), "
        "your statements (approved on: 2026-03-02, text: I look for a flat.).",
        "Jobcenter-Essen received once more your conclusion (code: able part time, decided on: 2026-03-02), "
        "your statements (approved on: 2026-03-02, text: I look for a flat.).",
        "Jobcenter-Essen was told to delete what it had received.",
    ]


def test_a_person_about_whom_nobody_received_anything_reads_that(gate: Gate) -> None:
    person = gate.a_person()

    words = gate.ask("GET", f"/persons/{person}/ledger/in-plain-words").text

    assert words == "Nobody outside has received anything about you."


def test_the_ledger_names_the_grants_that_a_release_rested_on(gate: Gate) -> None:
    person = gate.a_person()
    gate.hear(a_conclusion(person), a_finding(person, WORK))
    grant_ids = gate.grant(person, CONCLUSION)
    gate.grant(person, STATEMENT)
    gate.open(gate.notices()[-1])

    [entry] = gate.ask("GET", f"/persons/{person}/ledger").json()

    assert sorted(entry["content"]["grants"]) == sorted(grant_ids)
    assert entry["content"]["released"]["conclusion"]["code"] == "able_part_time"


def test_nobody_reads_anothers_entries(gate: Gate) -> None:
    a_person_with_entries(gate)
    other = gate.a_person("BG-2")

    assert gate.ask("GET", f"/persons/{other}/ledger").json() == []


def test_what_nobody_can_read_any_more_is_still_said_to_have_been_received(gate: Gate) -> None:
    person = a_person_with_entries(gate)
    before = gate.ask("GET", f"/persons/{person}/ledger").json()
    gate.write(lambda work: work.session.execute(update(LedgerRow).values(content=b"damaged by somebody")))

    after = gate.ask("GET", f"/persons/{person}/ledger").json()
    words = gate.ask("GET", f"/persons/{person}/ledger/in-plain-words").text.splitlines()

    assert [entry["number"] for entry in after] == [entry["number"] for entry in before]
    assert {line.split(": ", 1)[1] for line in words} == {
        "Jobcenter-Essen received something that nobody can read here any more."
    }


def test_an_entry_holds_what_its_commitment_says(gate: Gate) -> None:
    a_person_with_entries(gate)

    for row in gate.rows(LedgerRow, col(LedgerRow.number) > 0):
        assert ledger_view.read_content(gate.service.keys, row)
