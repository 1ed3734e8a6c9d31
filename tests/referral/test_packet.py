"""A packet: for a permitted visit, for one of its workers, sealed for their key, with the least that it needs."""

import json
from base64 import urlsafe_b64decode
from datetime import datetime, timedelta

import pytest
from joserfc.errors import JoseError
from sqlmodel import select

from services.referral.tables import PacketRow, VisitAuditRow
from tests.referral.builders import NOON, Desk
from tests.referral.packets import ASK_FOR, FROM, UNTIL, WHERE, WORKERS, agreed, opened, proposed, public_half

ROLES = ("intake_worker", "lead", "person_desk", "operator")


def test_a_packet_holds_the_plan_and_nothing_else(desk: Desk) -> None:
    visit = agreed(desk)

    packet = visit.take_packet()

    window = {"starts_at": "2026-03-02T14:00:00Z", "ends_at": "2026-03-02T16:00:00Z"}
    assert packet.pop("permission")["window"] == window
    assert {name: packet.pop(name) for name in ("where", "ask_for", "language", "purpose")} == {
        "where": WHERE,
        "ask_for": ASK_FOR,
        "language": "de",
        "purpose": "get_to_know",
    }
    assert packet.pop("workers") == ["outreach_worker-1", "assessor-1"]
    assert set(packet) == {"format", "packet_id", "visit_id", "issued_at", "expires_at"}


@pytest.mark.parametrize(("days", "ends"), [(0, UNTIL + timedelta(hours=24)), (2, NOON + timedelta(hours=72))])
def test_a_packet_ends_after_72_hours_and_a_day_after_the_window(desk: Desk, days: int, ends: datetime) -> None:
    from_at, until_at = FROM + timedelta(days=days), UNTIL + timedelta(days=days)

    packet = agreed(desk, from_at=from_at.isoformat(), until_at=until_at.isoformat()).take_packet()

    assert datetime.fromisoformat(packet["expires_at"]) == ends


def test_a_packet_can_be_read_by_its_worker_alone(desk: Desk) -> None:
    visit = agreed(desk)
    visit.take_packet()
    sealed = visit.packet().text

    assert WHERE not in sealed
    with pytest.raises(JoseError):
        opened(sealed, "assessor")


def test_outside_of_the_seal_stand_ids_and_the_end_alone(desk: Desk) -> None:
    visit = agreed(desk)
    visit.take_packet()
    header = visit.packet().text.split(".")[0]

    outside = json.loads(urlsafe_b64decode(header + "=="))

    assert set(outside) == {"alg", "enc", "kid", "epk", "packet_id", "visit_id", "exp"}


def test_the_size_of_a_packet_does_not_tell_how_long_an_address_is(desk: Desk) -> None:
    sizes = set()
    for where in ("A", "Ä" * 300):
        visit = agreed(desk, where=where)
        visit.take_packet()
        sizes.add(len(visit.packet().text))

    assert len(sizes) == 1


def test_a_visit_that_the_person_has_not_permitted_has_no_packet(desk: Desk) -> None:
    visit = proposed(desk)
    desk.ask("PUT", "/workers/me/key", public_half("outreach_worker"), role="outreach_worker")

    answer = visit.packet()

    assert (answer.status_code, answer.json()["code"]) == (409, "visit_not_permitted")


def test_a_visit_that_is_over_has_no_packet(desk: Desk) -> None:
    visit = agreed(desk)
    visit.take_packet()
    visit.ask("POST", "no", worker="person_desk")

    assert visit.packet().json()["code"] == "visit_over"


def test_a_visit_whose_workers_were_called_back_has_no_packet(desk: Desk) -> None:
    visit = agreed(desk)
    visit.take_packet()
    desk.clock.now = FROM
    visit.ask("POST", "setting-out")
    visit.ask("POST", "revocation", worker="person_desk")

    assert visit.packet().json()["code"] == "visit_not_permitted"


def test_a_packet_is_for_the_visits_own_workers_and_another_is_written_down(desk: Desk) -> None:
    visit = agreed(desk, workers=["assessor-1"])

    assert visit.packet("outreach_worker").status_code == 403

    assert audited(desk) == [("outreach_worker-1", "take_packet", True)]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("what", ["packet", "journal"])
def test_nobody_but_workers_is_let_in_and_who_tried_is_written_down(desk: Desk, role: str, what: str) -> None:
    visit = agreed(desk)
    visit.take_packet()
    body = {"entries": [visit.over()]} if what == "journal" else None

    assert visit.ask("POST", what, body, worker=role).status_code == 403

    assert [(by, refused) for by, _, refused in audited(desk)] == [(f"{role}-1", True)]


@pytest.mark.parametrize("role", ROLES)
def test_nobody_but_workers_hands_in_a_key(desk: Desk, role: str) -> None:
    assert desk.ask("PUT", "/workers/me/key", public_half("assessor"), role=role).status_code == 403


def test_that_a_packet_was_handed_out_is_kept_without_what_is_in_it(desk: Desk) -> None:
    visit = agreed(desk)

    visit.take_packet()

    [row] = packets(desk)
    assert (row.visit_id, row.worker_id, row.issued_at) == (visit.visit_id, "outreach_worker-1", NOON)


def test_a_new_packet_ends_the_workers_former_one_alone(desk: Desk) -> None:
    visit = agreed(desk)
    for worker in (*WORKERS, WORKERS[0]):
        visit.take_packet(worker)

    living = [row.packet_id for row in packets(desk) if row.ended_at is None]

    assert sorted(living) == sorted(visit.packet_ids.values())


def test_without_a_key_there_is_no_packet(desk: Desk) -> None:
    answer = agreed(desk).packet()

    assert (answer.status_code, answer.json()["code"]) == (409, "no_worker_key")


def test_a_new_key_counts_from_the_next_packet_on(desk: Desk) -> None:
    visit = agreed(desk)
    visit.take_packet()
    former = visit.packet().text
    desk.ask("PUT", "/workers/me/key", public_half("assessor"), role="outreach_worker")

    assert opened(visit.packet().text, "assessor")["visit_id"] == visit.visit_id
    assert opened(former, "outreach_worker")["visit_id"] == visit.visit_id


def test_the_same_key_again_changes_nothing(desk: Desk) -> None:
    first = desk.ask("PUT", "/workers/me/key", public_half("assessor")).json()
    desk.clock.pass_time(hours=1)

    assert desk.ask("PUT", "/workers/me/key", public_half("assessor")).json() == first


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"d": "A" * 43}, "d"),
        ({"crv": "P-384"}, "crv"),
        ({"kty": "RSA"}, "kty"),
        ({"x": "A" * 43}, "x"),
        ({"y": "short"}, "y"),
        ({"use": "sig"}, "use"),
    ],
)
def test_a_key_that_cannot_be_sealed_for_is_refused_by_its_field(
    desk: Desk, changes: dict[str, str], field: str
) -> None:
    answer = desk.ask("PUT", "/workers/me/key", {**public_half("assessor"), **changes})

    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (422, [field])
    assert "A" * 43 not in answer.text


def test_a_packet_is_made_close_to_the_visit(desk: Desk) -> None:
    visit = agreed(
        desk, from_at=(FROM + timedelta(days=5)).isoformat(), until_at=(UNTIL + timedelta(days=5)).isoformat()
    )
    desk.ask("PUT", "/workers/me/key", public_half("outreach_worker"), role="outreach_worker")

    answer = visit.packet()

    assert (answer.status_code, answer.json()["code"]) == (409, "packet_too_early")


def test_after_its_window_a_visit_has_no_packet(desk: Desk) -> None:
    visit = agreed(desk)
    visit.take_packet()
    desk.clock.now = UNTIL

    assert visit.packet().json()["code"] == "window_over"


def audited(desk: Desk) -> list[tuple[str, str, bool]]:
    """Return what was written down of deeds on visits."""
    with desk.service.database.read() as session:
        return [(row.by_id, row.deed, row.was_refused) for row in session.exec(select(VisitAuditRow))]


def packets(desk: Desk) -> list[PacketRow]:
    """Return which packets were made."""
    with desk.service.database.read() as session:
        return list(session.exec(select(PacketRow)))
