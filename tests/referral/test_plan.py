"""Whenever where a referral stands changes, the care circle hears whose turn it is and until when; and only then."""

from datetime import datetime, timedelta

from shared.contracts.assessment import CaseTaken
from shared.contracts.care import Turn
from shared.contracts.consent import Outcome
from shared.contracts.referral import ReferralStepPlanned
from tests.referral.builders import CASE, NOON, PERSON, Desk, a_case, an_answer, cleared, not_cleared, opened, the_end


def taken(responsible_id: str, *, at: datetime = NOON) -> CaseTaken:
    """Return that somebody is responsible for the case."""
    return CaseTaken(case_id=CASE, person_id=PERSON, team_id="team-0001", responsible_id=responsible_id, taken_at=at)


def plans(desk: Desk) -> list[ReferralStepPlanned]:
    """Return what was announced of next steps."""
    return desk.announced(ReferralStepPlanned)


def test_a_referral_announces_its_first_step_with_everything_that_is_known_of_it(desk: Desk) -> None:
    referral = desk.asked()

    [plan] = plans(desk)

    assert (plan.strand_id, plan.case_id, plan.person_id, plan.number) == (referral, CASE, PERSON, 1)
    assert (plan.responsible_id, plan.turn, plan.step) == ("assessor-1", Turn.PERSON, "person_decides_on_release")
    assert plan.due_at == NOON + timedelta(days=3)


def test_every_change_is_announced_under_a_higher_number_and_the_end_without_a_step(desk: Desk) -> None:
    desk.answered("accepted")
    referral = plans(desk)[0].strand_id
    desk.hear(an_answer(referral, "ended", minute=9, outcome=Outcome.HELPED))

    said = [(plan.number, plan.step, plan.due_at is None) for plan in plans(desk)]

    assert said == [
        (1, "person_decides_on_release", False),
        (2, "provider_opens", False),
        (3, "provider_answers", False),
        (4, "provider_offers_appointment", False),
        (5, None, True),
    ]


def test_what_changes_nothing_is_not_announced(desk: Desk) -> None:
    referral = desk.asked()
    desk.hear(cleared(referral, minute=5))
    before = len(plans(desk))

    for event in (cleared(referral, minute=5), not_cleared(referral, minute=1), a_case()):
        desk.hear(event)

    assert len(plans(desk)) == before == 2


def test_news_that_come_late_and_change_the_date_are_announced(desk: Desk) -> None:
    referral = desk.asked()
    desk.hear(cleared(referral, minute=1))
    desk.hear(opened(referral, minute=30))

    desk.hear(opened(referral, minute=20))

    assert plans(desk)[-1].due_at == NOON + timedelta(days=5, minutes=20)


def test_a_referral_that_is_closed_announces_that_nothing_is_to_come(desk: Desk) -> None:
    referral = desk.asked()

    desk.ask("POST", f"/referrals/{referral}/closing")

    assert (plans(desk)[-1].step, plans(desk)[-1].due_at, plans(desk)[-1].number) == (None, None, 2)


def test_closing_one_strand_leaves_the_others_as_they_are(desk: Desk) -> None:
    clinic = desk.asked()
    debts = desk.asked(recipient_id="schuldnerhilfe", service="debt_counselling")
    before = desk.shown(debts)

    desk.ask("POST", f"/referrals/{clinic}/closing")

    assert desk.shown(debts) == before
    assert [plan.strand_id for plan in plans(desk)] == [clinic, debts, clinic]


def test_the_end_of_the_case_ends_every_strand(desk: Desk) -> None:
    strands = {desk.asked(), desk.asked(recipient_id="tafel", service="food")}

    desk.hear(the_end())

    assert {plan.strand_id for plan in plans(desk) if plan.step is None} == strands


def test_whoever_is_handed_a_referral_is_responsible_and_the_step_stays(desk: Desk) -> None:
    referral = desk.asked()
    desk.hear(taken("assessor-9"))

    answer = desk.ask("POST", f"/referrals/{referral}/hand-over", {"responsible_id": "assessor-1"})

    *_, first, second = plans(desk)
    assert answer.json()["responsible_id"] == second.responsible_id == "assessor-1"
    assert (first.step, first.due_at) == (second.step, second.due_at)


def test_a_referral_is_handed_to_somebody_of_the_team_or_to_whoever_has_the_case_and_to_nobody_else(desk: Desk) -> None:
    referral = desk.asked()
    desk.hear(taken("assessor-9"))

    answers = {
        somebody: desk.ask("POST", f"/referrals/{referral}/hand-over", {"responsible_id": somebody}).status_code
        for somebody in ("assessor-1", "assessor-9", "operator-1", "no-such-one")
    }

    assert answers == {"assessor-1": 200, "assessor-9": 200, "operator-1": 422, "no-such-one": 422}
    assert desk.shown(referral)["responsible_id"] == "assessor-9"


def test_handing_over_to_whoever_is_responsible_announces_nothing(desk: Desk) -> None:
    referral = desk.asked()

    desk.ask("POST", f"/referrals/{referral}/hand-over", {"responsible_id": "assessor-1"})

    assert len(plans(desk)) == 1


def test_a_referral_that_is_over_is_handed_to_nobody(desk: Desk) -> None:
    referral = desk.asked()
    desk.ask("POST", f"/referrals/{referral}/closing")

    answer = desk.ask("POST", f"/referrals/{referral}/hand-over", {"responsible_id": "assessor-2"})

    assert (answer.status_code, answer.json()["code"]) == (409, "referral_over")


def test_open_referrals_follow_whoever_takes_the_case(desk: Desk) -> None:
    over, still_open = desk.asked(), desk.asked(recipient_id="tafel", service="food")
    desk.ask("POST", f"/referrals/{over}/closing")

    desk.hear(taken("assessor-9"))

    assert desk.shown(still_open)["responsible_id"] == "assessor-9"
    assert desk.shown(over)["responsible_id"] == "assessor-1"
    assert plans(desk)[-1].responsible_id == "assessor-9"


def test_a_referral_that_is_asked_for_in_a_colleagues_case_belongs_to_whoever_has_the_case(desk: Desk) -> None:
    desk.open_case()
    desk.hear(taken("assessor-9"))

    referral = desk.asked()

    assert desk.shown(referral)["responsible_id"] == "assessor-9"
    assert [plan.responsible_id for plan in plans(desk)] == ["assessor-9"]


def test_an_older_word_on_who_took_the_case_changes_nothing(desk: Desk) -> None:
    referral = desk.asked()
    desk.hear(taken("assessor-9", at=NOON + timedelta(hours=2)))

    desk.hear(taken("assessor-7", at=NOON + timedelta(hours=1)))

    assert desk.shown(referral)["responsible_id"] == "assessor-9"


def test_that_a_case_was_taken_waits_for_the_case(desk: Desk) -> None:
    desk.hear(taken("assessor-9"))

    assert desk.waiting() == 1


def test_neither_the_number_nor_the_step_lies_in_clear(desk: Desk) -> None:
    desk.answered("waiting_list")

    with desk.service.database.read() as session:
        [row] = session.connection().exec_driver_sql("SELECT * FROM referral").mappings().all()

    assert set(row) == {
        "referral_id", "case_id", "person_id", "responsible_id", "requested_at", "is_open", "asked", "planned",
    }  # fmt: skip
    assert b"ask_for_place" not in row["planned"]
