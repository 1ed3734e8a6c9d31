"""What the service seals is what the worker's tool opens, and every purpose has its words."""

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from joserfc.jwk import ECKey

from ops import packet_file
from ops.packet_page import WORDS
from ops.worker_key import OpenKey
from services.referral.packet import packet_of, seal
from services.referral.visit import GivenHow, Permission, Plan, Proposed, Purpose

NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)


def test_the_workers_tool_opens_what_the_service_seals(tmp_path: Path) -> None:
    plan = Plan(
        purpose=Purpose.GET_TO_KNOW,
        workers=("outreach-0001",),
        from_at=NOON + timedelta(hours=2),
        until_at=NOON + timedelta(hours=4),
        where="Beispielstraße 7",
        ask_for=None,
        language=None,
        salt="synthetic",
    )
    said = Permission(
        plan_sha256=plan.sha256,
        until_at=plan.until_at,
        given_how=GivenHow.SPOKEN,
        language="de",
        recorded_by="outreach-0001",
        given_at=NOON,
    )
    visit = Proposed(visit_id="visit-0001", case_id="case-0001", person_id="person-0001", proposed_by="a", plan=plan)
    packet = packet_of(visit.agree(said), packet_id="packet-0001", now=NOON)
    key = ECKey.generate_key("P-256")
    (tmp_path / "visit.packet").write_text(seal(packet, key))

    assert packet_file.read(tmp_path / "visit.packet").open(OpenKey(key), now=NOON) == packet


def test_every_purpose_of_a_visit_has_its_words() -> None:
    assert set(tomllib.loads(WORDS.read_text(encoding="utf-8"))["purposes"]) == {one.value for one in Purpose}
