"""Receipts: what the person said and nothing beyond it, signed, for the person alone, and the same for ever."""

import json
from typing import Any

import pytest

from services.consent.signing import PublicKeys, SignedAs, content_of
from services.consent.tables import ReceiptRow
from shared.contracts.categories import Category
from tests.consent.builders import DAY, JOBCENTER, NOON, SHA, a_proof, new_id
from tests.consent.gate import Gate, running_gate
from tests.consent.surroundings import Store
from tests.consent.test_representation import a_representation
from tests.consent.test_signing import RAW

CONCLUSION, STATEMENT = Category.CONCLUSION, Category.STATEMENT


def asked_of(person: str, **changes: Any) -> dict[str, Any]:
    """Return what the person's desk sends when a person has answered."""
    return {
        "person_id": person,
        "recipient_id": JOBCENTER,
        "purpose": "benefit",
        "words": {"conclusion": "yes", "work": "no", "statement": "ask"},
        "kinds": ["data_consent"],
        "reaches_back": True,
        "valid_days": 90,
        "evidence": a_proof(channel="in_person", language="uk", text_version="2026-10", document_sha256="d" * 64),
        **changes,
    }


def given(gate: Gate, person: str, **changes: Any) -> dict[str, str]:
    """Have a person answer at the desk; return the receipts."""
    reply = gate.ask("POST", "/grants", asked_of(person, **changes)).json()
    gate.clock.pass_()
    assert list(reply["receipts"]) == reply["grant_ids"]
    return dict(reply["receipts"])


def withdrawn(gate: Gate, person: str, **narrowed: Any) -> dict[str, Any]:
    """Have a person take answers back at the desk; return the reply."""
    reply: dict[str, Any] = gate.ask("POST", "/withdrawals", {"person_id": person, **narrowed}).json()
    gate.clock.pass_()
    return reply


def verified(gate: Gate, receipt: str) -> dict[str, Any]:
    """Return what a receipt says to somebody who has the public key alone."""
    public = PublicKeys(gate.ask("GET", "/signing-key").json())
    return public.read(receipt, signed_as=SignedAs.RECEIPT)


def test_a_receipt_says_what_the_person_said_and_how_it_was_recorded(gate: Gate) -> None:
    person, at = gate.a_person(), gate.clock.now

    [(grant_id, receipt)] = given(gate, person).items()

    until = (at + 90 * DAY).isoformat()
    assert verified(gate, receipt) == {
        "schema_version": "gesehen-receipt-1",
        "record_id": grant_id,
        "event": "given",
        "issuer": "Gesehen",
        "issued_at": at.isoformat(),
        "person_id": person,
        "version": 1,
        "given_by": "the person",
        "recipient": {"id": JOBCENTER, "display_name": "Jobcenter-Essen"},
        "purpose": "benefit",
        "kind": "data_consent",
        "words": {
            "conclusion": {"word": "yes", "valid_until": until},
            "statement": {"word": "ask", "valid_until": until},
            "work": {"word": "no", "valid_until": None},
        },
        "reaches_back": True,
        "notices_given": ["purpose", "refusing_has_no_disadvantage", "right_to_withdraw"],
        "text": {"version": "2026-10", "sha256": SHA},
        "language": "uk",
        "channel": "in_person",
        "place": "elsewhere",
        "declared_on": None,
        "document_sha256": "d" * 64,
        "recorded_at": at.isoformat(),
        "recorded_by": "person_desk-1",
    }


def test_each_legal_instrument_has_a_receipt_of_its_own(gate: Gate) -> None:
    receipts = given(gate, gate.a_person(), kinds=["secrecy_release", "data_consent"])

    assert [content_of(receipt)["kind"] for receipt in receipts.values()] == ["data_consent", "secrecy_release"]


def test_a_receipt_stays_the_same_whatever_comes_after(gate: Gate) -> None:
    person = gate.a_person()
    [(grant_id, receipt)] = given(gate, person).items()

    given(gate, person, words={"conclusion": "no"})
    withdrawn(gate, person)
    gate.clock.pass_(100 * DAY)

    assert gate.ask("GET", f"/grants/{grant_id}/receipt").json() == {"record_id": grant_id, "receipt": receipt}


def test_a_grant_that_was_recorded_elsewhere_gets_its_receipt_when_it_is_asked_for(gate: Gate) -> None:
    person, at = gate.a_person(), gate.clock.now
    [_, grant_id] = gate.grant(person, CONCLUSION)

    receipts = [gate.ask("GET", f"/grants/{grant_id}/receipt").json()["receipt"] for _ in range(2)]

    assert receipts[0] == receipts[1]
    assert verified(gate, receipts[0])["recorded_at"] == at.isoformat()
    assert len(gate.rows(ReceiptRow)) == 1


def test_a_grant_that_nobody_recorded_has_no_receipt(unmoved_gate: Gate) -> None:
    for path in ("receipt", "receipt/in-plain-words"):
        answer = unmoved_gate.ask("GET", f"/grants/grant-nobody/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "grant_not_found")


def test_a_receipt_is_kept_sealed(gate: Gate) -> None:
    person = gate.a_person()
    given(gate, person)
    withdrawn(gate, person)

    assert all(b"eyJ" not in row.signed for row in gate.rows(ReceiptRow))


def test_after_an_erasure_the_gate_has_no_receipt_and_the_persons_own_still_verifies(gate: Gate) -> None:
    person = gate.a_person()
    [(grant_id, receipt)] = given(gate, person).items()
    _, unasked = gate.grant(person, STATEMENT)

    gate.service.keys.destroy(person)

    paths = [f"/grants/{grant_id}/receipt", f"/grants/{unasked}/receipt", f"/persons/{person}/receipts"]
    assert {gate.ask("GET", path).status_code for path in paths} == {410}
    assert verified(gate, receipt)["record_id"] == grant_id


def test_after_a_change_of_the_signing_key_older_receipts_still_verify(gate: Gate, store: Store) -> None:
    person = gate.a_person()
    [(grant_id, receipt)] = given(gate, person).items()
    path = gate.settings.signing_key_file
    former = json.loads(path.read_text())
    path.write_text(json.dumps({"keys": [RAW, {name: value for name, value in former.items() if name != "d"}]}))

    with running_gate(gate.folder, store, gate.clock) as again:
        [newer] = given(again, person, words={"work": "yes"}).values()
        assert verified(again, receipt) == content_of(receipt)
        assert verified(again, newer) == content_of(newer)
        assert again.ask("GET", f"/grants/{grant_id}/receipt").json()["receipt"] == receipt


def test_the_person_reads_a_receipt_in_plain_words(gate: Gate) -> None:
    person = gate.a_person()
    [grant_id] = given(gate, person)

    words = gate.ask("GET", f"/grants/{grant_id}/receipt/in-plain-words").text.splitlines()

    assert words == [
        "02 March 2026, 13:00:02: you answered what Jobcenter-Essen may know, to be helped by the Jobcenter.",
        "In law it is a consent to data being passed on (§ 67b SGB X, Art. 7 GDPR).",
        "- your conclusion: yes, until 31 May 2026, 14:00:02.",
        "- your statement: ask me each time, until 31 May 2026, 14:00:02.",
        "- your work: no.",
        "It holds for what was known before, too.",
        "You were told before: what it is for, that a no has no disadvantage, that you can take it back at any time.",
        f"The text was version 2026-10 in the language uk (SHA-256 {SHA}).",
        f"You answered by this way: in person (document with the SHA-256 {'d' * 64}).",
        "You can take it back at any time, without a reason.",
        f"Recorded by person_desk-1 under the number {grant_id} at Gesehen.",
    ]


@pytest.mark.parametrize("role", ["operator", "assessor", "outreach_worker", "lead", "intake_worker"])
def test_a_receipt_is_for_the_person_alone(gate: Gate, role: str) -> None:
    person = gate.a_person()
    [grant_id] = given(gate, person)

    paths = [f"/grants/{grant_id}/receipt", f"/grants/{grant_id}/receipt/in-plain-words", f"/persons/{person}/receipts"]
    assert {gate.ask("GET", path, role=role).status_code for path in paths} == {403}


def test_nobody_elses_receipts_are_among_a_persons(gate: Gate) -> None:
    given(gate, gate.a_person())

    assert gate.ask("GET", f"/persons/{gate.a_person()}/receipts").json() == []


def test_a_grant_that_is_refused_leaves_no_receipt(gate: Gate) -> None:
    person = gate.a_person()

    refused = gate.ask("POST", "/grants", asked_of(person, purpose=f"referral:{new_id()}"))

    assert refused.status_code == 422
    assert gate.rows(ReceiptRow) == []
    assert gate.clock.now > NOON


def test_a_receipt_names_who_answered_for_the_person(gate: Gate) -> None:
    person = gate.a_person()
    representation = a_representation(gate, person)

    [(grant_id, receipt)] = given(gate, person, words={"conclusion": "yes"}, given_by=representation).items()

    assert verified(gate, receipt)["given_by"] == {
        "representation_id": representation,
        "name": "Betreuerin Beispiel (synthetic)",
        "as": "representative",
    }
    words = gate.ask("GET", f"/grants/{grant_id}/receipt/in-plain-words").text
    assert "Betreuerin Beispiel (synthetic) answered for you, as your representative, what Jobcenter-Essen" in words


def test_a_receipt_does_not_show_that_the_gate_holds_an_answer_or_waits_for_its_confirmation(gate: Gate) -> None:
    plain, held, pressed = gate.a_person(), gate.a_person(), gate.a_person()
    gate.ask("POST", f"/persons/{held}/hold", {})
    gate.clock.pass_()
    evidence = {**asked_of(pressed)["evidence"], "place": "jobcenter_premises"}

    receipts = [given(gate, plain), given(gate, held), given(gate, pressed, evidence=evidence)]

    found = [content_of(receipt) for [receipt] in (one.values() for one in receipts)]
    assert {json.dumps(without_what_is_the_persons_own(said), sort_keys=True) for said in found} == {
        json.dumps(without_what_is_the_persons_own(found[0]), sort_keys=True)
    }
    assert [said["place"] for said in found] == ["elsewhere", "elsewhere", "jobcenter_premises"]


def without_what_is_the_persons_own(said: dict[str, Any]) -> dict[str, Any]:
    """Return a receipt without ids, times, and the place where it was said."""
    own = {"record_id", "issued_at", "recorded_at", "person_id", "place"}
    words = {category: word["word"] for category, word in said["words"].items()}
    return {**{name: value for name, value in said.items() if name not in own}, "words": words}
