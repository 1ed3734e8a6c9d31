"""Plans, permits and starts home visits for the tests of this folder."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from services.referral.app import create_app
from services.referral.visit import GivenHow, Permission, Plan, Proposed, Purpose
from shared.contracts.referral import ReferralStepPlanned
from tests.referral.builders import CASE, NOON, PERSON, Desk

START, END = NOON + timedelta(hours=2), NOON + timedelta(hours=4)
PLACE = "synthetic street 1, second courtyard"
A_PLAN: dict[str, Any] = {  # Any: JSON values
    "purpose": "bring_papers",
    "workers": ["outreach_worker-1"],
    "from_at": START.isoformat(),
    "until_at": END.isoformat(),
    "where": PLACE,
}
WORKER = "outreach_worker"


def propose(desk: Desk, **changes: Any) -> str:  # Any: JSON values
    """Plan a visit in an open case and return its id."""
    answer = desk.ask("POST", "/visits", {"case_id": CASE, **A_PLAN, **changes})
    assert answer.status_code == 201, answer.text
    visit: str = answer.json()["visit_id"]
    return visit


def look(desk: Desk, visit: str, *, role: str = WORKER) -> dict[str, Any]:  # Any: JSON values
    """Return a visit as somebody sees it."""
    shown: dict[str, Any] = desk.ask("GET", f"/visits/{visit}", role=role).json()
    return shown


def permit(desk: Desk, visit: str, *, role: str = "person_desk", **changes: Any) -> Response:  # Any: JSON values
    """Record that the person says yes to the plan of now."""
    said = {"plan_sha256": look(desk, visit)["plan_sha256"], "given_how": "spoken", "language": "tr"}
    return desk.ask("POST", f"/visits/{visit}/permission", {**said, **changes}, role=role)


def do(desk: Desk, visit: str, what: str, body: Any = None, *, role: str = WORKER) -> Response:  # Any: JSON
    """Do something to a visit."""
    return desk.ask("POST", f"/visits/{visit}/{what}", body, role=role)


def proposed(desk: Desk, **changes: Any) -> str:  # Any: JSON values
    """Return a visit that the person is asked about."""
    desk.open_case()
    return propose(desk, **changes)


def agreed(desk: Desk, **changes: Any) -> str:  # Any: JSON values
    """Return a visit that the person has permitted."""
    visit = proposed(desk, **changes)
    assert permit(desk, visit).json()["state"] == "agreed"
    return visit


def under_way(desk: Desk, **changes: Any) -> str:  # Any: JSON values
    """Return a visit that somebody has set out on."""
    visit = agreed(desk, **changes)
    desk.clock.now = START
    assert do(desk, visit, "setting-out").json()["state"] == "under_way"
    return visit


def steps(desk: Desk, visit: str) -> list[ReferralStepPlanned]:
    """Return what was announced of a visit."""
    return [step for step in desk.announced(ReferralStepPlanned) if step.strand_id == visit]


def backup_of(folder: Path) -> bytes:
    """Return the database as it is now."""
    with closing(sqlite3.connect(folder / "referral.sqlite3")) as one, closing(sqlite3.connect(":memory:")) as other:
        one.backup(other)
        return other.serialize()


def restored(folder: Path, desk: Desk, backup: bytes) -> TestClient:
    """Return the service as it starts on a backup, its journal and keys being those of now."""
    for left in folder.glob("referral.sqlite3-*"):
        left.unlink()
    (folder / "referral.sqlite3").write_bytes(backup)
    desk.app = create_app(desk.service.settings, clock=desk.clock)  # type: ignore[arg-type]  # as it was started
    return TestClient(desk.app)


def a_plan(**changes: Any) -> Plan:  # Any: values of fields
    """Return a plan without a service."""
    fields: dict[str, Any] = {
        "purpose": Purpose.BRING_PAPERS,
        "workers": ("outreach_worker-1",),
        "from_at": START,
        "until_at": END,
        "where": PLACE,
        "ask_for": None,
        "language": None,
        "salt": "synthetic-salt",
    }
    return Plan(**{**fields, **changes})


def a_proposed_visit(plan: Plan) -> Proposed:
    """Return a visit that the person is asked about, without a service."""
    return Proposed(visit_id="visit-0001", case_id=CASE, person_id=PERSON, proposed_by="assessor-1", plan=plan)


def a_permission(plan: Plan, **changes: Any) -> Permission:  # Any: values of fields
    """Return the person's yes to a plan."""
    fields: dict[str, Any] = {
        "plan_sha256": plan.sha256,
        "until_at": plan.until_at,
        "given_how": GivenHow.SPOKEN,
        "language": "tr",
        "recorded_by": "person_desk-1",
        "given_at": NOON,
    }
    return Permission(**{**fields, **changes})
