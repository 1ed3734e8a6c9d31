"""Who is registered: under which papers, for which organisation, with which key."""

import logging
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.consent import lapse
from services.consent.domain import RecipientRole
from services.consent.recipient_tables import CommitmentRow, RecipientKeyRow
from tests.consent.builders import CLINIC, JOBCENTER, NOON, SHA
from tests.consent.gate import Gate
from tests.consent.registry import (
    DEBT_HELP,
    a_key,
    a_purpose_commitment,
    a_registration,
    change_key,
    end,
    listed,
    papers,
    put,
)
from tests.consent.surroundings import BERLIN, PUBLIC_KEY

SEVEN = ["identity", "contact", "livelihood", "housing", "debts", "family", "safety"]


def test_a_registered_recipient_is_listed(gate: Gate) -> None:
    assert put(gate).status_code == 200

    found = gate.ask("GET", "/recipients", role="operator").json()
    assert [item["recipient_id"] for item in found] == [JOBCENTER, CLINIC, DEBT_HELP]
    assert {name: value for name, value in found[-1].items() if name != "kid"} == {
        "recipient_id": DEBT_HELP,
        "organisation": "register of schuldnerhilfe",
        "display_name": "Schuldnerhilfe",
        "role": "provider",
        "shields": None,
        "offered": ["identity", "debts"],
        "purposes": ["referral"],
        "state": "active",
        "commitment_ends_on": "2028-01-14",
        "ended_at": None,
        "connected": False,
        "name_in_logs": gate.service.name_in_logs(DEBT_HELP),
        "persons_to_reconsider": 0,
    }


def commitment(**changes: Any) -> dict[str, Any]:
    """Change the purpose commitment of a registration."""
    return {"purpose_commitment": a_purpose_commitment(**changes)}


def notice(**changes: Any) -> dict[str, Any]:
    """Change the staff secrecy notice of a registration."""
    return {"staff_secrecy_notice": {"given_on": "2026-02-01", "document_sha256": SHA, **changes}}


@pytest.mark.parametrize(
    ("recipient_id", "changes", "field"),
    [
        ("care", {}, "recipient_id"),
        ("consent", {}, "recipient_id"),
        ("-x-", {}, "recipient_id"),
        (JOBCENTER, {}, "role"),
        (CLINIC, {}, "organisation"),
        (DEBT_HELP, {"role": "friend"}, "role"),
        (DEBT_HELP, {"organisation": ""}, "organisation"),
        (DEBT_HELP, {"display_name": ""}, "display_name"),
        (DEBT_HELP, {"display_name": "a\x00b"}, "display_name"),
        (DEBT_HELP, {"offered": ["gossip"]}, "offered"),
        (DEBT_HELP, {"offered": SEVEN}, "offered"),
        (DEBT_HELP, {"offered": ["attendance"]}, "offered"),
        (DEBT_HELP, {"offered": ["outcome"]}, "offered"),
        (DEBT_HELP, {"role": "jobcenter", "offered": ["debts"]}, "offered"),
        (DEBT_HELP, {"public_key": {}}, "public_key"),
        (DEBT_HELP, {"public_key": {**PUBLIC_KEY, "crv": "P-384"}}, "public_key"),
        (DEBT_HELP, {"purpose_commitment": None}, "purpose_commitment"),
        (DEBT_HELP, commitment(signed_on="2026-03-03"), "purpose_commitment.signed_on"),
        (DEBT_HELP, commitment(signed_on=0), "purpose_commitment.signed_on"),
        (DEBT_HELP, commitment(valid_until="2026-03-01"), "purpose_commitment.valid_until"),
        (DEBT_HELP, commitment(valid_until="2029-01-16"), "purpose_commitment.valid_until"),
        (DEBT_HELP, commitment(document_sha256="no hash"), "purpose_commitment.document_sha256"),
        (DEBT_HELP, commitment(purposes=[]), "purpose_commitment.purposes"),
        (DEBT_HELP, commitment(purposes=["billing"]), "purpose_commitment.purposes"),
        (DEBT_HELP, commitment(purposes=["referral", "benefit"]), "purpose_commitment.purposes"),
        (DEBT_HELP, commitment(purposes=["referral", "advertising"]), "purpose_commitment.purposes.?"),
        (DEBT_HELP, {"staff_secrecy_notice": None}, "staff_secrecy_notice"),
        (DEBT_HELP, notice(given_on="2026-03-03"), "staff_secrecy_notice.given_on"),
        (DEBT_HELP, notice(given_on="2023-03-01"), "staff_secrecy_notice.given_on"),
        (DEBT_HELP, {"secrecy_commitment": {}}, "secrecy_commitment"),
    ],
)
def test_nobody_is_registered_with_a_field_that_cannot_be_accepted(
    unmoved_gate: Gate, recipient_id: str, changes: dict[str, Any], field: str
) -> None:
    answer = unmoved_gate.ask("PUT", f"/recipients/{recipient_id}", a_registration(**changes), role="operator")

    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} <= {field, field.replace(".?", ".1"), f"{field}.0"}
    assert len(unmoved_gate.ask("GET", "/recipients", role="operator").json()) == 2


@pytest.mark.parametrize("field", ["organisation", "purpose_commitment", "staff_secrecy_notice"])
def test_without_its_papers_nobody_is_registered(unmoved_gate: Gate, field: str) -> None:
    body = {name: value for name, value in a_registration().items() if name != field}

    answer = unmoved_gate.ask("PUT", f"/recipients/{DEBT_HELP}", body, role="operator")

    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])


def test_a_private_key_is_refused_and_not_repeated(unmoved_gate: Gate) -> None:
    key = {**PUBLIC_KEY, "d": PUBLIC_KEY["x"]}

    answer = unmoved_gate.ask("PUT", f"/recipients/{DEBT_HELP}", a_registration(public_key=key), role="operator")

    assert answer.status_code == 422
    assert PUBLIC_KEY["x"] not in answer.text


def test_the_earlier_end_of_the_two_papers_counts(gate: Gate) -> None:
    put(gate, staff_secrecy_notice={"given_on": "2023-06-30", "document_sha256": SHA})

    assert listed(gate, DEBT_HELP)["commitment_ends_on"] == "2026-06-30"


def test_a_commitment_holds_to_the_midnight_of_the_town(gate: Gate) -> None:
    put(gate, **commitment(valid_until="2026-07-31"))

    states = []
    for moment in ("2026-07-31T23:59:59+02:00", "2026-08-01T00:00:00+02:00"):
        gate.clock.now = datetime.fromisoformat(moment)
        states.append(listed(gate, DEBT_HELP)["state"])

    assert states == ["active", "lapsed"]


def test_each_paper_stays_on_record_and_the_same_ones_again_change_nothing(gate: Gate) -> None:
    put(gate)
    put(gate)
    put(gate, **commitment(signed_on="2026-03-02", valid_until="2029-03-01"))

    kept = gate.rows(CommitmentRow, CommitmentRow.recipient_id == DEBT_HELP)
    assert sorted(row.valid_until for row in kept) == [date(2028, 1, 14), date(2029, 3, 1)]
    assert {row.recorded_by for row in kept} == {"operator-1"}


def test_an_older_commitment_never_takes_the_place_of_a_newer_one(gate: Gate) -> None:
    put(gate, **commitment(signed_on="2026-03-02", valid_until="2026-03-31"))

    answer = put(gate)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "purpose_commitment.signed_on")
    assert listed(gate, DEBT_HELP)["commitment_ends_on"] == "2026-03-31"


def test_the_end_of_a_commitment_is_said_thirty_and_seven_days_before_and_when_it_has_come(gate: Gate) -> None:
    put(gate, **commitment(valid_until="2026-05-31"))
    said: list[tuple[int, str, str]] = []
    for day in range(1, 100):
        gate.clock.now = NOON + timedelta(days=day)
        with capture_logs() as logs:
            gate.write(lambda work: lapse.warn(work, zone=BERLIN))
        left = (date(2026, 5, 31) - gate.clock.now.date()).days
        said += [(left, entry["event"], entry["log_level"]) for entry in logs if entry["recipient"] == DEBT_HELP]

    assert said == [
        (30, "commitment_ends_soon", "warning"),
        (7, "commitment_ends_soon", "warning"),
        (-1, "commitment_lapsed", "error"),
    ]


def test_a_renewed_commitment_is_said_to_end_anew(gate: Gate) -> None:
    put(gate, **commitment(valid_until="2026-03-20"))
    gate.write(lambda work: lapse.warn(work, zone=BERLIN))
    put(gate, **commitment(valid_until="2026-03-21"))

    assert gate.write(lambda work: lapse.warn(work, zone=BERLIN)) == 1


def test_a_recipient_id_is_never_given_to_another_organisation(gate: Gate) -> None:
    put(gate)
    end(gate, DEBT_HELP)
    gate.work_off_queue()
    other = papers(organisation="another organisation")

    as_new = gate.ask("PUT", f"/recipients/{DEBT_HELP}", a_registration(**other), role="operator")
    as_old = gate.ask("POST", f"/recipients/{DEBT_HELP}/reinstatement", other, role="operator")

    assert (as_new.status_code, as_new.json()["code"]) == (409, "recipient_ended")
    assert (as_old.status_code, as_old.json()["errors"][0]["field"]) == (422, "organisation")


def test_an_organisation_may_change_its_name(gate: Gate) -> None:
    put(gate)

    put(gate, display_name="Schuldnerhilfe Essen e. V.")

    assert listed(gate, DEBT_HELP)["display_name"] == "Schuldnerhilfe Essen e. V."


def test_an_unknown_recipient_is_neither_ended_nor_reinstated_nor_given_a_key(unmoved_gate: Gate) -> None:
    answers = [
        unmoved_gate.ask("POST", "/recipients/jobcenter-bochum/ending", role="operator"),
        unmoved_gate.ask("POST", "/recipients/jobcenter-bochum/reinstatement", papers(), role="operator"),
        change_key(unmoved_gate, "jobcenter-bochum", a_key()),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "recipient_not_found")}


def test_a_key_is_changed_and_named_by_its_thumbprint(gate: Gate) -> None:
    key = a_key()

    answer = change_key(gate, CLINIC, key)

    assert answer.status_code == 200
    assert answer.json()["kid"] == listed(gate, CLINIC)["kid"] != listed(gate, JOBCENTER)["kid"]
    assert len(gate.rows(RecipientKeyRow, RecipientKeyRow.recipient_id == CLINIC)) == 2


def test_the_same_key_again_changes_nothing(gate: Gate) -> None:
    key = a_key()

    kids = [change_key(gate, CLINIC, key).json()["kid"] for _ in range(2)]

    assert kids[0] == kids[1]
    assert [row.replaced_at is None for row in gate.rows(RecipientKeyRow, RecipientKeyRow.thumbprint == kids[0])] == [
        True
    ]


def test_a_key_that_was_replaced_never_comes_back(gate: Gate) -> None:
    put(gate)
    change_key(gate, DEBT_HELP, a_key())
    end(gate, DEBT_HELP)
    gate.work_off_queue()

    back = gate.ask(
        "POST",
        f"/recipients/{DEBT_HELP}/reinstatement",
        papers(purpose_commitment=a_purpose_commitment(signed_on="2026-03-02"), public_key=PUBLIC_KEY),
        role="operator",
    )
    gate.ask(
        "POST",
        f"/recipients/{DEBT_HELP}/reinstatement",
        papers(purpose_commitment=a_purpose_commitment(signed_on="2026-03-02")),
        role="operator",
    )
    again = change_key(gate, DEBT_HELP, PUBLIC_KEY)

    assert [answer.json()["errors"][0]["field"] for answer in (back, again)] == ["public_key", "public_key"]
    assert {back.status_code, again.status_code} == {422}


def test_a_key_is_changed_by_its_own_route_alone(gate: Gate) -> None:
    put(gate)

    answer = put(gate, public_key=a_key())

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "public_key")


def test_a_key_of_another_curve_or_with_its_private_half_is_refused(unmoved_gate: Gate) -> None:
    private = {**PUBLIC_KEY, "d": PUBLIC_KEY["x"]}

    answers = [change_key(unmoved_gate, CLINIC, key) for key in (private, {**PUBLIC_KEY, "crv": "P-384"}, {})]

    assert {answer.status_code for answer in answers} == {422}
    assert not any(PUBLIC_KEY["x"] in answer.text for answer in answers)


def test_the_gate_says_in_its_log_who_changed_what_about_whom(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), capture_logs() as logs:
        put(gate)
        change_key(gate, DEBT_HELP, a_key())
        end(gate, DEBT_HELP)

    said = [(entry["event"], entry["by"]) for entry in logs if "by" in entry]
    assert said == [
        ("recipient_registered", "operator-1"),
        ("recipient_key_changed", "operator-1"),
        ("recipient_ended", "operator-1"),
    ]


def test_a_jobcenter_commits_to_benefit(gate: Gate) -> None:
    gate.register("jobcenter-bochum", RecipientRole.JOBCENTER)

    assert listed(gate, "jobcenter-bochum")["purposes"] == ["benefit"]
