"""Nobody is asked for help in the name of somebody who was not given the notices."""

from tests.referral.builders import CLINIC, Desk, a_case, notices_given


def test_help_is_asked_for_only_after_the_notices(desk: Desk) -> None:
    desk.open_case(informed=False)

    refused = desk.ask("POST", "/referrals", CLINIC)
    desk.hear(notices_given(a_case()))

    assert (refused.status_code, refused.json()["code"]) == (409, "notices_not_given")
    assert desk.ask("POST", "/referrals", CLINIC).status_code == 201


def test_notices_of_a_case_that_was_not_announced_yet_wait(desk: Desk) -> None:
    desk.hear(notices_given(a_case()))
    desk.open_case(informed=False)

    assert desk.ask("POST", "/referrals", CLINIC).status_code == 201
