"""Wherever a referral stands, the care watch is told whose turn it is and until when, with a growing number."""

from datetime import UTC, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.referral.domain import PLANS, Happening, News, Referral, State
from shared.contracts.assessment import CaseTaken
from shared.contracts.care import Turn
from shared.contracts.consent import ProviderAnswer
from shared.contracts.referral import ReferralStepPlanned
from tests.referral.builders import CASE, CLINIC, NOON, PERSON, Desk, a_case, an_answer, cleared, opened, the_end

WEEK = NOON + timedelta(days=7)
HAPPENINGS = st.builds(
    Happening, news=st.sampled_from(News), at=st.datetimes(NOON.replace(tzinfo=None), timezones=st.just(UTC))
)


def planned(desk: Desk) -> list[tuple[int, str | None, str]]:
    """Return what was announced: number, step, whose turn."""
    return [(event.number, event.step, event.turn.value) for event in desk.announced(ReferralStepPlanned)]


def taken_by(responsible_id: str) -> CaseTaken:
    """Return that somebody took the case."""
    return CaseTaken(case_id=CASE, person_id=PERSON, team_id="team-nord", responsible_id=responsible_id, taken_at=NOON)


def test_a_new_referral_waits_for_the_person_by_a_day(desk: Desk) -> None:
    referral = desk.asked()

    [event] = desk.announced(ReferralStepPlanned)
    assert (event.strand_id, event.case_id, event.person_id) == (referral, CASE, PERSON)
    assert (event.responsible_id, event.turn, event.step) == ("assessor-1", Turn.PERSON, "person_decides_on_release")
    assert event.due_at == NOON + timedelta(days=3)


def test_every_change_is_announced_and_the_end_as_well(desk: Desk) -> None:
    referral = desk.asked()

    desk.hear(cleared(referral, minute=1))
    desk.hear(opened(referral, minute=2))
    desk.hear(an_answer(referral, ProviderAnswer.ACCEPTED, minute=3))
    desk.ask("POST", f"/referrals/{referral}/closing")

    assert planned(desk) == [
        (1, "person_decides_on_release", "person"),
        (2, "provider_opens", "provider"),
        (3, "provider_answers", "provider"),
        (4, "provider_offers_appointment", "provider"),
        (5, None, "team"),
    ]


def test_news_that_are_heard_twice_announce_nothing(desk: Desk) -> None:
    referral = desk.asked()

    desk.hear(cleared(referral, minute=1))
    desk.hear(cleared(referral, minute=1))

    assert len(planned(desk)) == 2


def test_whoever_takes_the_case_follows_what_was_asked_for_in_it(desk: Desk) -> None:
    desk.asked()

    desk.hear(taken_by("assessor-9"))
    desk.hear(taken_by("assessor-9"))

    assert [event.responsible_id for event in desk.announced(ReferralStepPlanned)] == ["assessor-1", "assessor-9"]
    assert desk.ask("GET", "/referrals").json()[0]["responsible_id"] == "assessor-9"


def test_a_referral_can_be_handed_over_alone(desk: Desk) -> None:
    referral = desk.asked()

    desk.ask("POST", f"/referrals/{referral}/hand-over", {"responsible_id": "assessor-8"}, role="lead")

    assert [(event.number, event.responsible_id) for event in desk.announced(ReferralStepPlanned)][-1] == (
        2,
        "assessor-8",
    )


def test_one_that_is_over_is_handed_to_nobody(desk: Desk) -> None:
    referral = desk.asked()
    desk.ask("POST", f"/referrals/{referral}/closing")

    refused = desk.ask("POST", f"/referrals/{referral}/hand-over", {"responsible_id": "assessor-8"})

    assert (refused.status_code, refused.json()["code"]) == (409, "referral_over")


def test_the_end_of_the_case_ends_every_strand(desk: Desk) -> None:
    desk.hear(a_case())
    desk.ask("POST", "/referrals", CLINIC)
    desk.ask("POST", "/referrals", {"case_id": CASE, "recipient_id": "tafel", "service": "food"})

    desk.hear(the_end())

    assert [step for _, step, _ in planned(desk)][-2:] == [None, None]


@given(st.lists(HAPPENINGS, max_size=12))
def test_whatever_happens_in_whichever_order_there_is_a_next_step_or_the_end(history: list[Happening]) -> None:
    referral = Referral("referral-1", CASE, PERSON, "assessor-1", NOON, "lvr-klinik", "clinic_place", ("identity",))

    numbers = [referral.number]
    for happening in history:
        referral = referral.told(happening)
        numbers.append(referral.number)

    assert (referral.next is None) is referral.is_over()
    assert numbers == sorted(numbers)
    assert set(PLANS) | {State.ENDED, State.CLOSED} == set(State)
