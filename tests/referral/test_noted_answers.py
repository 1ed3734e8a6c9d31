"""What a provider says by telephone is written down by the team: most providers of a town are not connected."""

from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.referral import ReferralClosed, ReferralStepPlanned
from tests.referral.builders import NOON, Desk, an_answer, cleared, not_cleared, opened

SOON = (NOON + timedelta(days=2)).isoformat()


def note(desk: Desk, referral: str, answer: str, **said: Any) -> Any:
    """Write down what a provider said; return the response."""
    desk.clock.pass_time(minutes=1)
    return desk.ask("POST", f"/referrals/{referral}/answers", {"answer": answer, **said})


def test_help_at_a_provider_that_is_not_connected_goes_all_the_way(desk: Desk) -> None:
    referral = desk.asked()
    desk.hear(not_cleared(referral))

    states = [
        note(desk, referral, "accepted").json()["state"],
        note(desk, referral, "appointment_offered", appointment_at=SOON).json()["state"],
        desk.ask("POST", f"/referrals/{referral}/appointment").json()["state"],
        note(desk, referral, "attended").json()["state"],
        note(desk, referral, "ended", outcome="helped").json()["state"],
    ]

    assert states == ["accepted", "appointment_offered", "appointment_taken", "attended", "ended"]
    assert [event.referral_id for event in desk.announced(ReferralClosed)] == [referral]
    assert desk.announced(ReferralStepPlanned)[-1].step is None


def test_who_wrote_it_down_is_shown_and_of_an_answer_of_the_provider_nobody(desk: Desk) -> None:
    noted = desk.asked()
    note(desk, noted, "accepted")

    assert desk.shown(noted)["answer"]["noted_by"] == "assessor-1"
    assert desk.shown(desk.answered())["answer"]["noted_by"] is None


def test_sent_again_it_stands_once(desk: Desk) -> None:
    referral = desk.asked()

    first, second = (note(desk, referral, "accepted") for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 201)
    assert [one["news"] for one in desk.shown(referral)["history"]] == ["accepted"]


def test_what_the_gate_says_afterwards_takes_nothing_back_and_the_provider_may_go_on(desk: Desk) -> None:
    referral = desk.asked()
    note(desk, referral, "accepted")

    for event in (cleared(referral, minute=2), opened(referral, minute=3), an_answer(referral, "attended", minute=4)):
        desk.hear(event)

    assert desk.shown(referral)["state"] == "attended"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"answer": "appointment_offered"}, "appointment_at"),
        ({"answer": "accepted", "appointment_at": SOON}, "appointment_at"),
        ({"answer": "appointment_offered", "appointment_at": "2026-03-01T12:00:00+01:00"}, "appointment_at"),
        ({"answer": "appointment_offered", "appointment_at": "2026-03-09T12:00:00"}, "appointment_at"),
        ({"answer": "ended"}, "outcome"),
        ({"answer": "attended", "outcome": "helped"}, "outcome"),
        ({"answer": "perhaps"}, "answer"),
    ],
)
def test_what_does_not_go_together_is_refused_by_its_field(desk: Desk, said: dict[str, str], field: str) -> None:
    referral = desk.asked()

    refused = desk.ask("POST", f"/referrals/{referral}/answers", said)

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    assert desk.shown(referral)["state"] == "requested"


def test_after_the_end_nothing_is_written_down(desk: Desk) -> None:
    referral = desk.asked()
    desk.ask("POST", f"/referrals/{referral}/closing")

    refused = note(desk, referral, "accepted")

    assert (refused.status_code, refused.json()["code"]) == (409, "referral_over")


def test_what_the_provider_said_itself_and_the_team_notes_too_stands_once(desk: Desk) -> None:
    referral = desk.answered()
    before = desk.shown(referral)

    noted = note(desk, referral, "accepted")

    assert noted.status_code == 201
    assert desk.shown(referral)["history"] == before["history"]
    assert desk.shown(referral)["answer"]["noted_by"] is None
