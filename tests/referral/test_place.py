"""Places are held, claimed and freed without a person in them, and none is ever given twice."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response
from sqlmodel import select

from services.referral import place
from services.referral.errors import NoPlaceFree
from services.referral.tables import ContingentRow, HoldRow, OutOfOrderRow, RefusalRow, WaitingRow
from shared.contracts.consent import PersonErased, PlacesOffered
from tests.referral.builders import CASE, CLINIC, NOON, PERSON, Desk, an_answer, cleared, opened

PLACE = {"recipient_id": "lvr-klinik", "service": "psychiatric_consultation"}


def offered(places: int = 1, *, hour: int = 0, days: int = 60) -> PlacesOffered:
    """Return that the clinic keeps places."""
    at = NOON + timedelta(hours=hour)
    return PlacesOffered(
        offer_id=f"offer-{hour:04}", places=places, valid_until=at + timedelta(days=days), offered_at=at, **PLACE
    )


def hold(desk: Desk, **changes: Any) -> Response:  # Any: JSON values
    """Ask for a hold."""
    return desk.ask("POST", "/holds", {**PLACE, "minutes": 60, **changes})


def free(desk: Desk) -> int:
    """Return how many places are free."""
    [shown] = desk.ask("GET", "/capacity?service=psychiatric_consultation").json()
    number: int = shown["free"]
    return number


def with_place(desk: Desk) -> str:
    """Ask for help with a held place; return the referral."""
    desk.open_case()
    asked = {**CLINIC, "hold_id": hold(desk).json()["hold_id"]}
    referral: str = desk.ask("POST", "/referrals", asked).json()["referral_id"]
    return referral


def test_of_two_hundred_claims_at_once_exactly_as_many_succeed_as_there_are_places(desk: Desk) -> None:
    desk.hear(offered(37))

    async def claim() -> str:
        try:
            await desk.service.writer.run(
                lambda work: place.hold(
                    work, minutes=60, held_by="a", recipient_id="lvr-klinik", service=PLACE["service"]
                )
            )
        except NoPlaceFree:
            return "none"
        return "held"

    async def all_at_once() -> list[str]:
        return await asyncio.gather(*(claim() for _ in range(200)))

    portal = desk.http.portal
    assert portal is not None
    results = Counter(portal.call(all_at_once))

    assert results == {"held": 37, "none": 163}
    assert free(desk) == 0


def test_of_two_hundred_claims_at_two_instances_exactly_as_many_succeed_as_there_are_places(
    desks: tuple[Desk, Desk],
) -> None:
    one, other = desks
    held = []

    with ThreadPoolExecutor(8) as pool:
        for number in range(1, 11):  # the last place is raced for ten times
            one.hear(offered(3 * number, hour=number))
            held.append(Counter(pool.map(lambda desk: hold(desk).status_code, [one, other] * 10)))

    assert held == [{201: 3, 409: 17}] * 10
    assert free(one) == free(other) == 0


def test_a_hold_that_is_over_frees_its_place(desk: Desk) -> None:
    desk.hear(offered())
    hold(desk)
    assert hold(desk).json()["code"] == "no_place_free"

    desk.clock.pass_time(minutes=61)

    assert hold(desk).status_code == 201


def test_a_hold_becomes_the_referrals_place_and_cannot_be_used_twice(desk: Desk) -> None:
    desk.hear(offered(2))
    hold_id = hold(desk).json()["hold_id"]
    desk.open_case()
    desk.open_case("case-0002", "person-0002")

    first = desk.ask("POST", "/referrals", {**CLINIC, "hold_id": hold_id}).json()["referral_id"]
    second = desk.ask("POST", "/referrals", {**CLINIC, "case_id": "case-0002", "hold_id": hold_id})

    assert desk.shown(first)["has_place"]
    assert (second.status_code, second.json()["code"]) == (404, "hold_not_found")
    assert free(desk) == 1


def test_a_hold_for_something_else_is_no_place(desk: Desk) -> None:
    desk.hear(offered())
    desk.open_case()
    hold_id = hold(desk).json()["hold_id"]

    answer = desk.ask("POST", "/referrals", {**CLINIC, "service": "clinic_place", "hold_id": hold_id})

    assert answer.json()["code"] == "hold_not_found"


def test_closing_a_referral_frees_its_place(desk: Desk) -> None:
    desk.hear(offered())
    referral = with_place(desk)
    assert free(desk) == 0

    desk.ask("POST", f"/referrals/{referral}/closing")

    assert free(desk) == 1


def test_a_provider_that_declines_has_its_place_back(desk: Desk) -> None:
    desk.hear(offered())
    referral = with_place(desk)

    for event in (cleared(referral), opened(referral), an_answer(referral, "declined")):
        desk.hear(event)

    assert (free(desk), desk.shown(referral)["has_place"]) == (1, False)


def test_a_referral_that_is_not_cleared_in_time_loses_its_place_and_no_later_word_brings_it_back(desk: Desk) -> None:
    desk.hear(offered())
    referral = with_place(desk)
    desk.clock.pass_time(days=4)
    assert hold(desk).status_code == 201

    desk.hear(cleared(referral, minute=60 * 96))

    assert not desk.shown(referral)["has_place"]
    assert hold(desk).json()["code"] == "no_place_free"


def test_the_place_of_an_erased_person_is_free_for_the_next(desk: Desk) -> None:
    desk.hear(offered())
    with_place(desk)

    desk.hear(PersonErased(erasure_id="erasure-0001", person_id=PERSON, erased_at=NOON))

    assert hold(desk).status_code == 201


def test_a_newer_offer_replaces_the_older_and_places_that_are_taken_stay_taken(desk: Desk) -> None:
    desk.hear(offered(3))
    with_place(desk)
    desk.hear(offered(2, hour=2))

    desk.hear(offered(9, hour=1))

    assert free(desk) == 1


def test_an_offer_that_was_made_smaller_leaves_none_and_not_less(desk: Desk) -> None:
    desk.hear(offered(2))
    with_place(desk)

    desk.hear(offered(0, hour=1))

    assert free(desk) == 0


def test_an_offer_that_is_over_offers_nothing(desk: Desk) -> None:
    desk.hear(offered(5, days=1))

    desk.clock.pass_time(days=2)

    assert desk.ask("GET", "/capacity").json() == []
    assert hold(desk).json()["code"] == "no_place_free"


@pytest.mark.parametrize("minutes", [0, 72 * 60 + 1, "60", None])
def test_a_hold_lasts_from_a_minute_to_three_days(shared_desk: Desk, minutes: Any) -> None:
    assert hold(shared_desk, minutes=minutes).status_code == 422


def test_who_waits_longest_comes_first_and_going_first_needs_a_reason_that_is_audited(desk: Desk) -> None:
    desk.hear(offered(3))
    first = desk.ask("POST", "/waiting-order", PLACE).json()["waiting_id"]
    desk.clock.pass_time(minutes=1)
    second = desk.ask("POST", "/waiting-order", PLACE).json()["waiting_id"]

    refused = hold(desk, waiting_id=second)
    skipped = hold(desk, waiting_id=second, reason="acute_need")
    in_turn = hold(desk, waiting_id=first)

    assert (refused.status_code, refused.json()["code"]) == (409, "out_of_order")
    assert (skipped.status_code, in_turn.status_code) == (201, 201)
    with desk.service.database.read() as session:
        [row] = session.exec(select(OutOfOrderRow)).all()
    assert (row.position, row.waiting, row.reason, row.held_by) == (2, 2, "acute_need", "assessor-1")
    assert desk.ask("GET", "/waiting-order?recipient_id=lvr-klinik&service=psychiatric_consultation").json() == []


def test_the_order_of_waiting_shows_random_ids_by_time_and_whoever_leaves_is_gone(desk: Desk) -> None:
    ids = []
    for _ in range(3):
        ids.append(desk.ask("POST", "/waiting-order", PLACE).json()["waiting_id"])
        desk.clock.pass_time(minutes=1)

    desk.ask("POST", f"/waiting-order/{ids[1]}/leaving")

    order = desk.ask("GET", "/waiting-order?recipient_id=lvr-klinik&service=psychiatric_consultation").json()
    assert [(one["position"], one["waiting_id"]) for one in order] == [(1, ids[0]), (2, ids[2])]


def test_no_table_of_places_names_a_person_a_case_or_a_referral() -> None:
    tables = (ContingentRow, HoldRow, WaitingRow, OutOfOrderRow)

    columns = {name for table in tables for name in table.model_fields}

    assert columns & {"person_id", "case_id", "referral_id", "held_at", "taken_at"} == set()


@pytest.mark.parametrize("deed", ["answers", "appointment", "closing", "hand-over", "re-opening"])
def test_a_deed_of_somebody_who_may_not_is_refused_and_leaves_a_row(desk: Desk, deed: str) -> None:
    referral = desk.asked()

    answer = desk.ask("POST", f"/referrals/{referral}/{deed}", {"reason": "person_came_back"}, role="operator")

    with desk.service.database.read() as session:
        [row] = session.exec(select(RefusalRow)).all()
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (row.referral_id, row.refused_id, row.role, row.refused_at) == (referral, "operator-1", "operator", NOON)


@pytest.mark.parametrize(
    ("path", "body", "deed"),
    [
        ("/holds", {**PLACE, "minutes": 60}, "hold_place"),
        ("/waiting-order", PLACE, "wait_for_place"),
        ("/waiting-order/no-such-waiting/leaving", None, "wait_for_place"),
    ],
)
def test_what_somebody_may_not_do_to_a_place_is_refused_and_leaves_a_row(
    desk: Desk, path: str, body: dict[str, object] | None, deed: str
) -> None:
    answer = desk.ask("POST", path, body, role="intake_worker")

    with desk.service.database.read() as session:
        [row] = session.exec(select(RefusalRow)).all()
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (row.referral_id, row.refused_id, row.deed) == (None, "intake_worker-1", deed)


def test_re_opening_asks_anew_under_a_referral_of_its_own_and_the_end_stays(desk: Desk) -> None:
    over = desk.asked()
    early = desk.ask("POST", f"/referrals/{over}/re-opening", {"reason": "person_came_back"})
    desk.ask("POST", f"/referrals/{over}/closing")

    anew = desk.ask("POST", f"/referrals/{over}/re-opening", {"reason": "person_came_back"})

    shown = desk.shown(anew.json()["referral_id"])
    assert (early.status_code, early.json()["code"], anew.status_code) == (409, "referral_still_open", 201)
    assert (shown["state"], shown["reopens"], shown["reopened_because"]) == ("requested", over, "person_came_back")
    assert (desk.shown(over)["state"], shown["case_id"]) == ("closed", CASE)


def test_the_persons_own_desk_takes_an_appointment(desk: Desk) -> None:
    referral = desk.answered("appointment_offered", appointment_at=NOON + timedelta(days=7))

    answer = desk.ask("POST", f"/referrals/{referral}/appointment", role="person_desk")

    assert answer.json()["state"] == "appointment_taken"
