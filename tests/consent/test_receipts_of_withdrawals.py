"""A withdrawal has a receipt too: it says what ended, and nothing that ended by itself."""

from services.consent.signing import content_of
from services.consent.tables import AnswerRow
from tests.consent.builders import CLINIC, DAY, JOBCENTER
from tests.consent.gate import Gate
from tests.consent.test_receipts import given, verified, withdrawn


def test_a_withdrawal_has_a_receipt_that_says_what_ended(gate: Gate) -> None:
    person = gate.a_person()
    [grant_id] = given(gate, person)
    at = gate.clock.now

    reply = withdrawn(gate, person, recipient_id=JOBCENTER, categories=["conclusion"])

    said = verified(gate, reply["receipt"])
    assert reply["answers_ended"] == 1
    assert said == {
        "schema_version": "gesehen-receipt-1",
        "record_id": said["record_id"],
        "event": "withdrawn",
        "issuer": "Gesehen",
        "issued_at": at.isoformat(),
        "person_id": person,
        "withdrawal_of": {"recipient_id": JOBCENTER, "categories": ["conclusion"]},
        "ended": [
            {
                "grant_id": grant_id,
                "recipient": {"id": JOBCENTER, "display_name": "Jobcenter-Essen"},
                "purpose": "benefit",
                "kind": "data_consent",
                "words": {"conclusion": "yes"},
            }
        ],
        "recorded_at": at.isoformat(),
        "recorded_by": "person_desk-1",
    }


def test_a_withdrawal_of_everything_names_each_grant_and_no_no(gate: Gate) -> None:
    person = gate.a_person()
    grants = {*given(gate, person, kinds=["secrecy_release", "data_consent"])}
    purpose = f"referral:{gate.a_referral_of(person)}"
    grants |= {*given(gate, person, recipient_id=CLINIC, purpose=purpose, words={"debts": "yes"})}

    said = content_of(withdrawn(gate, person)["receipt"])

    assert said["withdrawal_of"] == "everything"
    assert {ended["grant_id"] for ended in said["ended"]} == grants
    assert {category for ended in said["ended"] for category in ended["words"]} == {"conclusion", "statement", "debts"}


def test_what_had_run_out_by_itself_is_on_no_receipt_of_a_withdrawal(gate: Gate) -> None:
    person = gate.a_person()
    given(gate, person, words={"conclusion": "yes"}, valid_days=1)
    [standing] = given(gate, person, words={"statement": "yes"}, valid_days=9)
    gate.clock.pass_(2 * DAY)

    said = content_of(withdrawn(gate, person, categories=["statement"])["receipt"])

    assert [ended["grant_id"] for ended in said["ended"]] == [standing]
    assert {row.ended_by for row in gate.rows(AnswerRow)} == {"expired", "withdrawn"}


def test_a_withdrawal_that_ends_nothing_leaves_no_receipt_and_the_first_one_can_be_had_again(gate: Gate) -> None:
    person = gate.a_person()
    given(gate, person)
    first = withdrawn(gate, person)["receipt"]

    assert withdrawn(gate, person) == {"answers_ended": 0, "receipt": None}
    kept = gate.ask("GET", f"/persons/{person}/receipts").json()
    assert [content_of(item["receipt"])["event"] for item in kept] == ["given", "withdrawn"]
    assert kept[-1]["receipt"] == first


def test_the_person_reads_in_plain_words_what_a_withdrawal_ended(gate: Gate) -> None:
    person = gate.a_person()
    given(gate, person)
    withdrawn(gate, person)

    *_, last = gate.ask("GET", f"/persons/{person}/receipts").json()

    words = last["in_plain_words"].splitlines()
    assert words[0].endswith("you took back what you had allowed. It counts from then on.")
    assert words[1].startswith("- Jobcenter-Essen may no longer know your conclusion, your statement (")
