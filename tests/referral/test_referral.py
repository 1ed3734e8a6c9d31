"""A referral from the first request to its end, over HTTP and the bus."""

from datetime import datetime, timedelta

import pytest

from shared.contracts.consent import Outcome
from shared.contracts.referral import AppointmentArranged, ReferralClosed, ReferralRequested
from tests.referral.builders import (
    CASE,
    CLINIC,
    NOON,
    PERSON,
    Desk,
    an_answer,
    cleared,
    not_cleared,
    opened,
    the_end,
)

NEXT_WEEK = NOON + timedelta(days=7)


def test_a_request_names_what_the_provider_needs_and_is_announced(desk: Desk) -> None:
    desk.open_case()

    answer = desk.ask("POST", "/referrals", CLINIC)

    assert answer.status_code == 201
    assert answer.json()["needed"] == ["identity", "contact", "mental_health", "addiction"]
    [event] = desk.announced(ReferralRequested)
    assert (event.referral_id, event.person_id) == (answer.json()["referral_id"], PERSON)
    assert [category.value for category in event.needed] == answer.json()["needed"]


def test_asking_again_for_the_same_help_returns_the_referral_that_is_open(desk: Desk) -> None:
    first = desk.asked()

    again = desk.ask("POST", "/referrals", CLINIC).json()["referral_id"]

    assert again == first
    assert len(desk.announced(ReferralRequested)) == 1


def test_after_the_end_the_same_help_can_be_asked_for_anew(desk: Desk) -> None:
    first = desk.asked()
    desk.ask("POST", f"/referrals/{first}/closing")

    assert desk.ask("POST", "/referrals", CLINIC).json()["referral_id"] != first


def test_a_referral_goes_all_the_way_and_closes_by_itself(desk: Desk) -> None:
    referral = desk.asked()
    states = [desk.shown(referral)["state"]]
    news = [
        not_cleared(referral, minute=1),
        cleared(referral, minute=2),
        opened(referral, minute=3),
        an_answer(referral, "waiting_list", minute=4),
        an_answer(referral, "accepted", minute=5),
        an_answer(referral, "appointment_offered", minute=6, appointment_at=NEXT_WEEK),
        an_answer(referral, "attended", minute=7),
        an_answer(referral, "ended", minute=8, outcome=Outcome.HELPED),
    ]

    for event in news:
        desk.hear(event)
        states.append(desk.shown(referral)["state"])

    assert states == [
        "requested", "not_cleared", "cleared", "opened", "waiting_list", "accepted", "appointment_offered", "attended",
        "ended",
    ]  # fmt: skip
    assert desk.shown(referral)["answer"]["outcome"] == "helped"
    assert [event.referral_id for event in desk.announced(ReferralClosed)] == [referral]


def test_each_state_shows_whose_turn_it_is_and_until_when(desk: Desk) -> None:
    referral = desk.asked()
    desk.hear(cleared(referral))

    shown = desk.shown(referral)

    assert (shown["owner"], shown["next_step"]) == ("provider", "provider_opens")
    assert datetime.fromisoformat(shown["due_at"]) == NOON + timedelta(days=3, minutes=1)
    assert shown["responsible_id"] == "assessor-1"


def test_the_history_is_shown_in_order_of_time(desk: Desk) -> None:
    referral = desk.asked()
    desk.hear(cleared(referral, minute=5))
    desk.hear(not_cleared(referral, minute=1))

    shown = desk.shown(referral)

    assert [one["news"] for one in shown["history"]] == ["not_cleared", "cleared"]
    assert shown["state"] == "cleared"


def test_an_appointment_that_is_taken_is_announced_with_its_time(desk: Desk) -> None:
    referral = desk.answered("appointment_offered", appointment_at=NEXT_WEEK)

    shown = desk.ask("POST", f"/referrals/{referral}/appointment").json()

    assert (shown["state"], shown["owner"]) == ("appointment_taken", "person")
    [event] = desk.announced(AppointmentArranged)
    assert (event.appointment_at, event.version) == (NEXT_WEEK, 1)


def test_taking_an_appointment_twice_announces_it_once(desk: Desk) -> None:
    referral = desk.answered("appointment_offered", appointment_at=NEXT_WEEK)

    answers = [desk.ask("POST", f"/referrals/{referral}/appointment").status_code for _ in range(2)]

    assert answers == [200, 200]
    assert len(desk.announced(AppointmentArranged)) == 1


def test_a_second_appointment_is_a_new_version_of_the_first(desk: Desk) -> None:
    referral = desk.answered("appointment_offered", appointment_at=NEXT_WEEK)
    desk.ask("POST", f"/referrals/{referral}/appointment")
    desk.clock.pass_time(minutes=10)
    later = NEXT_WEEK + timedelta(days=1)
    desk.hear(an_answer(referral, "appointment_offered", minute=20, appointment_at=later))

    desk.ask("POST", f"/referrals/{referral}/appointment")

    arranged = desk.announced(AppointmentArranged)
    assert [(event.version, event.appointment_at) for event in arranged] == [(1, NEXT_WEEK), (2, later)]
    assert len({event.fact_id for event in arranged}) == 1


def test_without_an_offer_no_appointment_can_be_taken(desk: Desk) -> None:
    referral = desk.answered("accepted")

    answer = desk.ask("POST", f"/referrals/{referral}/appointment")

    assert (answer.status_code, answer.json()["code"]) == (409, "no_appointment_offered")


def test_in_a_closed_referral_no_appointment_can_be_taken(desk: Desk) -> None:
    referral = desk.answered("appointment_offered", appointment_at=NEXT_WEEK)
    desk.ask("POST", f"/referrals/{referral}/closing")

    answer = desk.ask("POST", f"/referrals/{referral}/appointment")

    assert (answer.status_code, answer.json()["code"]) == (409, "referral_over")


def test_closing_twice_announces_it_once(desk: Desk) -> None:
    referral = desk.asked()

    answers = [desk.ask("POST", f"/referrals/{referral}/closing").json()["state"] for _ in range(2)]

    assert answers == ["closed", "closed"]
    assert len(desk.announced(ReferralClosed)) == 1


def test_an_end_by_the_provider_after_the_closing_announces_nothing_more(desk: Desk) -> None:
    referral = desk.answered("accepted")
    desk.ask("POST", f"/referrals/{referral}/closing")

    desk.hear(an_answer(referral, "ended", minute=9, outcome=Outcome.HELPED))

    assert desk.shown(referral)["state"] == "closed"
    assert len(desk.announced(ReferralClosed)) == 1


def test_the_end_of_a_case_closes_its_referrals(desk: Desk) -> None:
    referral = desk.answered("accepted")

    desk.hear(the_end())
    desk.hear(the_end())

    assert desk.shown(referral)["state"] == "closed"
    assert len(desk.announced(ReferralClosed)) == 1


def test_in_a_case_that_has_ended_no_help_is_asked_for(desk: Desk) -> None:
    desk.open_case()
    desk.hear(the_end())

    answer = desk.ask("POST", "/referrals", CLINIC)

    assert (answer.status_code, answer.json()["code"]) == (409, "case_over")


def test_the_same_message_twice_has_its_effect_once(desk: Desk) -> None:
    referral = desk.asked()

    desk.hear(cleared(referral), message_id="the-same-message")
    desk.hear(cleared(referral), message_id="the-same-message")

    assert len(desk.shown(referral)["history"]) == 1


def test_the_same_news_in_two_messages_have_their_effect_once(desk: Desk) -> None:
    referral = desk.asked()

    desk.hear(cleared(referral))
    desk.hear(cleared(referral))

    assert len(desk.shown(referral)["history"]) == 1


def test_news_that_come_before_their_predecessor_wait_for_it(desk: Desk) -> None:
    referral = desk.asked()

    settled = [desk.hear(an_answer(referral, "accepted")), desk.hear(opened(referral))]

    assert settled == [["ack"], ["ack"]]
    assert desk.waiting() == 2
    assert desk.shown(referral)["state"] == "requested"

    desk.hear(cleared(referral))

    assert desk.waiting() == 0
    assert desk.shown(referral)["state"] == "accepted"


def test_news_of_a_referral_that_is_not_known_yet_wait(desk: Desk) -> None:
    desk.hear(cleared("referral-of-somebody"))

    assert desk.waiting() == 1


def test_the_end_of_a_case_waits_for_its_beginning(desk: Desk) -> None:
    desk.hear(the_end())
    desk.open_case()

    assert desk.waiting() == 0
    assert desk.ask("POST", "/referrals", CLINIC).json()["code"] == "case_over"


def test_what_is_overdue_is_listed_the_longest_first(desk: Desk) -> None:
    cleared_long_ago = desk.asked()
    desk.hear(cleared(cleared_long_ago))
    desk.clock.pass_time(days=2)
    just_asked = desk.ask("POST", "/referrals", {**CLINIC, "service": "clinic_place"}).json()["referral_id"]
    on_time = [line["referral_id"] for line in desk.ask("GET", "/overdue").json()]

    desk.clock.pass_time(days=4)

    assert on_time == []
    assert [line["referral_id"] for line in desk.ask("GET", "/overdue").json()] == [cleared_long_ago, just_asked]


def test_what_is_over_is_never_overdue(desk: Desk) -> None:
    referral = desk.asked()
    desk.ask("POST", f"/referrals/{referral}/closing")

    desk.clock.pass_time(days=400)

    assert desk.ask("GET", "/overdue").json() == []


def test_referrals_are_listed_for_one_case_or_for_all(desk: Desk) -> None:
    referral = desk.asked()
    desk.open_case("case-0002", "person-0002")
    other = desk.ask("POST", "/referrals", {**CLINIC, "case_id": "case-0002"}).json()["referral_id"]

    of_one = desk.ask("GET", f"/referrals?case_id={CASE}").json()

    assert [line["referral_id"] for line in of_one] == [referral]
    assert {line["referral_id"] for line in desk.ask("GET", "/referrals").json()} == {referral, other}


def test_of_an_erased_person_nothing_is_shown(desk: Desk) -> None:
    referral = desk.answered("accepted")

    desk.service.keys.destroy(PERSON)

    assert desk.ask("GET", "/referrals").json() == []
    assert desk.ask("GET", f"/referrals/{referral}").status_code == 410
    assert desk.hear(an_answer(referral, "attended", minute=9)) == ["ack"]


def test_the_providers_are_listed_with_what_they_need(desk: Desk) -> None:
    providers = {one["recipient_id"]: one for one in desk.ask("GET", "/providers").json()}

    assert {"lvr-klinik", "schuldnerhilfe", "wohnhilfe"} <= set(providers)
    [debts] = providers["schuldnerhilfe"]["services"]
    needed = ["identity", "contact", "debts", "livelihood"]
    assert debts == {"service": "debt_counselling", "needed": needed, "group": "debts"}


@pytest.mark.parametrize("path", ["/referrals/{0}", "/referrals/{0}/appointment", "/referrals/{0}/closing"])
def test_a_referral_that_does_not_exist_is_not_found(desk: Desk, path: str) -> None:
    method = "GET" if path.endswith("{0}") else "POST"

    answer = desk.ask(method, path.format("no-such-referral"))

    assert (answer.status_code, answer.json()["code"]) == (404, "referral_not_found")
