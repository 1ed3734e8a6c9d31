"""A person is forgotten: at the gate with the reply, everywhere when each service has confirmed it (Art. 17 GDPR)."""

import asyncio
import json
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary

from services.consent import commissions
from services.consent.erasure import _KEPT as KEPT
from services.consent.opening import EMPTY
from services.consent.tables import AnswerRow, FactRow, GrantRow, LedgerRow, ReleaseRow, SubjectRow, metadata
from shared.contracts.assessment import AssessmentErasureConfirmed
from shared.contracts.categories import Category
from shared.contracts.consent import CommissionCancelled, PersonErased, ReferralAnswered
from shared.contracts.intake import IntakeErasureConfirmed
from shared.contracts.referral import ReferralErasureConfirmed
from shared.erasure import KIT, rows_of
from shared.inbox import TooEarly
from tests.consent.builders import CLINIC, DAY, JOBCENTER, NOON, a_cancellation, a_conclusion, a_statement, an_answer_to
from tests.consent.gate import Gate

CONCLUSION = Category.CONCLUSION
CONFIRMATIONS = (IntakeErasureConfirmed, AssessmentErasureConfirmed, ReferralErasureConfirmed)


def erase(gate: Gate, person: str) -> str:
    """Have a person erased; return the erasure's id."""
    answer = gate.ask("POST", f"/persons/{person}/erasure")
    assert answer.status_code == 202, answer.text
    gate.clock.pass_()
    return str(answer.json()["erasure_id"])


def told(gate: Gate) -> tuple[str, str, str]:
    """Have the Jobcenter and the clinic opened something; return person, referral, and the clinic's reference."""
    person = gate.a_person()
    referral = gate.a_referral_of(person, Category.CONTACT, Category.STATEMENT)
    gate.grant(person, CONCLUSION)
    gate.agree(person, referral, Category.STATEMENT)
    gate.hear(a_conclusion(person), a_statement(person))
    gate.open(gate.notices()[-1])
    opened = gate.open(gate.notices(CLINIC)[-1], CLINIC)
    return person, referral, str(opened["released"]["reference"])


def listed(gate: Gate) -> dict[str, Any]:  # Any: JSON values
    """Return the one erasure as the operator sees it."""
    [erasure] = gate.ask("GET", "/erasures", role="operator").json()
    return dict(erasure)


def confirm(gate: Gate, erasure_id: str, *kinds: Any) -> None:  # Any: classes of events
    """Have services confirm an erasure."""
    gate.hear(*(kind(erasure_id=erasure_id, confirmed_at=gate.clock()) for kind in kinds))


def test_an_erased_person_has_no_key_no_fact_no_answer_and_no_grant_left(gate: Gate) -> None:
    person, referral, _ = told(gate)
    [commission] = gate.rows(SubjectRow, SubjectRow.kind == "commission")

    erase(gate, person)

    assert all(gate.service.keys.is_destroyed(key) for key in (person, referral, commission.subject_id))
    assert [gate.rows(table) for table in (FactRow, AnswerRow, GrantRow)] == [[], [], []]
    assert {row.told for row in gate.rows(ReleaseRow)} == {None}
    assert {row.person_id for row in gate.rows(SubjectRow)} == {None}


def test_what_was_opened_is_retracted_and_the_retraction_can_be_opened_after_the_keys_are_gone(gate: Gate) -> None:
    person, _, _ = told(gate)
    content = gate.notices()[-1]

    erase(gate, person)

    retraction = gate.notices()[-1]
    assert gate.open(retraction) == {"result": "retracted", "notice": retraction, "release_id": content}
    assert gate.open(content) == EMPTY
    assert gate.open(gate.notices(CLINIC)[-1], CLINIC)["result"] == "retracted"


def test_the_chains_still_verify_and_hold_no_copy_that_anybody_could_read(gate: Gate) -> None:
    person, _, _ = told(gate)
    erase(gate, person)
    gate.open(gate.notices()[-1])
    gate.open(gate.notices(CLINIC)[-1], CLINIC)

    chains = [gate.ask("GET", f"/ledger/{one}/verification", role="operator").json() for one in (JOBCENTER, CLINIC)]

    assert [chain["whole"] for chain in chains] == [True, True]
    assert {row.content for row in gate.rows(LedgerRow, LedgerRow.kind != "status")} == {b""}


@pytest.mark.parametrize("path", ["answers", "ledger", "ledger/in-plain-words"])
def test_nobody_can_read_about_an_erased_person_any_more(gate: Gate, path: str) -> None:
    person, _, _ = told(gate)
    erase(gate, person)

    answer = gate.ask("GET", f"/persons/{person}/{path}")

    assert (answer.status_code, answer.json()["code"]) == (410, "person_erased")


def test_nothing_is_recorded_about_an_erased_person(gate: Gate) -> None:
    person, _, _ = told(gate)
    erase(gate, person)

    answer = gate.ask("POST", "/withdrawals", {"person_id": person})

    assert (answer.status_code, answer.json()["code"]) == (410, "person_erased")


def test_somebody_whom_the_gate_never_knew_cannot_be_erased(gate: Gate) -> None:
    answer = gate.ask("POST", "/persons/person-nobody/erasure")

    assert (answer.status_code, answer.json()["code"]) == (404, "person_not_found")


def test_others_keep_what_is_theirs(gate: Gate) -> None:
    other = gate.a_person()
    gate.grant(other, CONCLUSION)
    gate.hear(a_conclusion(other))
    notice = gate.notices()[-1]
    gate.open(notice)
    before = gate.ask("GET", f"/persons/{other}/ledger").json()
    person, _, _ = told(gate)

    erase(gate, person)

    assert gate.ask("GET", f"/persons/{other}/ledger").json() == before
    assert gate.open(notice)["result"] == "released"


def test_an_erasure_that_is_asked_for_again_is_the_same_one(gate: Gate) -> None:
    person, _, _ = told(gate)

    erasures = {erase(gate, person) for _ in range(3)}
    notices = gate.notices(), gate.notices(CLINIC)
    erase(gate, person)

    assert len(erasures) == 1
    assert (gate.notices(), gate.notices(CLINIC)) == notices
    assert {event.erasure_id for event in gate.announced(PersonErased)} == erasures


def test_the_status_of_the_commission_follows_the_calendar_alone(gate: Gate) -> None:
    person = gate.a_person("BG-1")
    jobcenter = gate.reading()
    jobcenter.news()
    erase(gate, person)
    heard = []

    for day in (DAY, 200 * DAY):
        gate.clock.pass_(day)
        gate.write(partial(commissions.notice_new_statuses, settings=gate.settings))
        heard += jobcenter.news()

    assert [(answer["reference"], answer["status"]) for answer in heard] == [("BG-1", "running"), ("BG-1", "finished")]
    assert gate.ask("GET", f"/ledger/{JOBCENTER}/verification", role="operator").json()["whole"]


def test_what_recipients_say_about_an_erased_person_is_received_and_told_nobody(gate: Gate) -> None:
    person, _, reference = told(gate)
    erase(gate, person)

    assert gate.command(a_cancellation(gate.reference_of(person))) == []
    assert gate.command(an_answer_to(reference), CLINIC) == []

    assert gate.open(gate.notices()[-1])["status"] == "ended"
    assert gate.announced(CommissionCancelled) == []
    assert gate.announced(ReferralAnswered) == []


def test_an_erasure_counts_who_has_confirmed_it(gate: Gate) -> None:
    person, _, _ = told(gate)
    erasure_id = erase(gate, person)

    states = [(listed(gate)["state"], listed(gate)["waits_for"])]
    for kind in CONFIRMATIONS:
        confirm(gate, erasure_id, kind, kind)
        states.append((listed(gate)["state"], listed(gate)["waits_for"]))

    assert states == [
        ("requested", ["intake", "assessment", "referral"]),
        ("requested", ["assessment", "referral"]),
        ("requested", ["referral"]),
        ("keys_destroyed", []),
    ]
    assert person not in json.dumps(listed(gate))


def test_a_confirmation_of_an_erasure_that_is_not_known_yet_waits(gate: Gate) -> None:
    with pytest.raises(TooEarly):
        confirm(gate, "erasure-nobody", IntakeErasureConfirmed)


def test_it_is_complete_when_no_zone_key_of_the_time_before_the_last_confirmation_is_left(gate: Gate) -> None:
    person, _, _ = told(gate)
    confirm(gate, erase(gate, person), *CONFIRMATIONS)

    states = []
    for day in (NOON.date() - timedelta(days=6), NOON.date(), NOON.date() + timedelta(days=1)):
        only_zone_key_of(gate, day)
        asyncio.run(gate.service.timers.run_calendar())
        states.append(listed(gate)["state"])

    assert states == ["keys_destroyed", "keys_destroyed", "complete"]


def only_zone_key_of(gate: Gate, day: date) -> None:
    """Have all zone keys but one destroyed."""
    key = json.loads(Path(gate.settings.zone_keys_file).read_text())["zone_keys"][0]
    Path(gate.settings.zone_keys_file).write_text(json.dumps({"zone_keys": [{**key, "created_on": day.isoformat()}]}))


def test_an_erasure_that_somebody_does_not_confirm_is_loud_after_a_minute(
    gate: Gate, capfd: pytest.CaptureFixture[str]
) -> None:
    person, _, _ = told(gate)
    erasure_id = erase(gate, person)
    confirm(gate, erasure_id, IntakeErasureConfirmed, AssessmentErasureConfirmed)
    capfd.readouterr()

    loud = []
    for time in (timedelta(seconds=30), timedelta(seconds=40)):
        gate.clock.pass_(time)
        asyncio.run(gate.service.timers.run_calendar())
        loud.append((listed(gate)["overdue"], "erasure_overdue" in (out := capfd.readouterr().out), person in out))

    assert loud == [(False, False, False), (True, True, False)]


def test_after_an_hour_the_gate_is_not_ready(gate: Gate) -> None:
    person, _, _ = told(gate)
    erasure_id = erase(gate, person)

    ready = []
    for time in (timedelta(minutes=59), timedelta(minutes=2)):
        gate.clock.pass_(time)
        ready.append(gate.http.get("/ready").json()["parts"]["erasures_confirmed"])
    confirm(gate, erasure_id, *CONFIRMATIONS)
    ready.append(gate.http.get("/ready").json()["parts"]["erasures_confirmed"])

    assert ready == [True, False, True]


def test_every_table_with_sealed_values_is_emptied_or_kept_on_purpose() -> None:
    sealed = {
        table.name
        for table in metadata.tables.values()
        if any(isinstance(column.type, LargeBinary) for column in table.c)
    }
    emptied = {table.name for table in metadata.tables.values() if rows_of(table, "x") is not None} - KEPT

    assert sealed - emptied == {
        "emergency",
        "figure_count",
        "ledger",
        "release",
        "subject",
        "work_done",
        *(KIT & sealed),
    }
