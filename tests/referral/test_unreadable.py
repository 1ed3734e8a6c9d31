"""A referral that cannot be read hides no other one, stops nobody else's news, and is loud."""

import pytest
from sqlalchemy import text

from services.referral.tables import ReferralRow
from shared.contracts.assessment import CaseTaken
from shared.contracts.referral import ReferralClosed
from tests.referral.builders import CASE, CLINIC, NOON, PERSON, Desk, cleared, the_end
from tests.referral.test_place import offered, with_place


def damage(desk: Desk, referral_id: str) -> None:
    """Have the disk change where somebody is sent."""
    desk.write(lambda work: setattr(work.session.get_one(ReferralRow, referral_id), "asked", b"x" * 40))


def lose_key(desk: Desk, person_id: str) -> None:
    """Have the store of keys lose the key of a person without a word of who destroyed it."""
    keys = desk.service.keys
    with keys._engine.begin() as connection:
        lost = text("DELETE FROM person_key WHERE key_id = :key_id")
        assert connection.execute(lost, {"key_id": person_id}).rowcount == 1
    keys._cache.clear()  # as after a restart


def of_somebody_else(desk: Desk) -> str:
    """Ask for the same help for another person; return the referral."""
    desk.open_case("case-0002", "person-0002")
    referral: str = desk.ask("POST", "/referrals", {**CLINIC, "case_id": "case-0002"}).json()["referral_id"]
    return referral


def two_of_one_case(desk: Desk) -> tuple[str, str]:
    """Return a referral, and another one of the same case that cannot be read."""
    readable, other = desk.asked(), desk.asked(recipient_id="tafel", service="food")
    damage(desk, other)
    return readable, other


@pytest.mark.parametrize("path", ["/overdue", "/referrals"])
def test_a_list_holds_every_other_referral_and_the_log_names_that_one(
    desk: Desk, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    readable, other = desk.asked(), of_somebody_else(desk)
    desk.clock.pass_time(days=30)
    damage(desk, other)
    capsys.readouterr()

    answer = desk.ask("GET", path)

    assert [line["referral_id"] for line in answer.json()] == [readable]
    loud = [line for line in capsys.readouterr().out.splitlines() if "referral_unreadable" in line]
    assert [other in line for line in loud] == [True]


def test_a_list_without_a_referral_whose_key_is_lost_would_be_a_lie(desk: Desk) -> None:
    desk.asked()
    of_somebody_else(desk)
    desk.clock.pass_time(days=30)
    lose_key(desk, "person-0002")

    answer = desk.ask("GET", "/overdue")

    assert (answer.status_code, answer.json()["code"]) == (503, "key_never_made")


def test_a_referral_with_a_place_is_closed_although_the_places_of_others_cannot_be_counted(desk: Desk) -> None:
    desk.hear(offered(3))
    readable = with_place(desk)
    damage(desk, of_somebody_else(desk))

    answer = desk.ask("POST", f"/referrals/{readable}/closing")

    assert (answer.status_code, answer.json()["state"]) == (200, "closed")


def test_news_of_a_referral_with_a_place_are_taken_although_the_places_of_others_cannot_be_counted(desk: Desk) -> None:
    desk.hear(offered(3))
    readable = with_place(desk)
    damage(desk, of_somebody_else(desk))

    settled = desk.hear(cleared(readable))

    assert (settled, desk.shown(readable)["state"]) == (["ack"], "cleared")


def test_the_other_referrals_of_a_case_follow_whoever_takes_it(desk: Desk) -> None:
    readable, _ = two_of_one_case(desk)

    desk.hear(
        CaseTaken(case_id=CASE, person_id=PERSON, team_id="team-0001", responsible_id="assessor-9", taken_at=NOON)
    )

    assert desk.shown(readable)["responsible_id"] == "assessor-9"


def test_the_other_referrals_of_a_case_are_closed_when_it_ends(desk: Desk) -> None:
    readable, _ = two_of_one_case(desk)

    desk.hear(the_end())

    assert desk.shown(readable)["state"] == "closed"


def repair(desk: Desk, referral_id: str, asked: bytes) -> None:
    """Have the disk give back where somebody is sent."""
    desk.write(lambda work: setattr(work.session.get_one(ReferralRow, referral_id), "asked", asked))


def damage_for_a_while(desk: Desk, referral_id: str) -> bytes:
    """Have the disk change where somebody is sent; return what stood there."""
    before = desk.write(lambda work: work.session.get_one(ReferralRow, referral_id).asked)
    damage(desk, referral_id)
    return before


def test_one_that_could_not_be_read_when_its_case_ended_is_closed_once_it_can_be_read(desk: Desk) -> None:
    referral = desk.asked()
    desk.hear(cleared(referral))
    before = damage_for_a_while(desk, referral)

    desk.hear(the_end())
    announced = [event.referral_id for event in desk.announced(ReferralClosed)]
    repair(desk, referral, before)
    desk.hear(the_end())

    assert (announced, desk.shown(referral)["state"]) == ([referral], "closed")
    assert [event.referral_id for event in desk.announced(ReferralClosed)] == [referral]


def test_one_that_could_not_be_read_follows_whoever_took_the_case(desk: Desk) -> None:
    referral = desk.asked()
    before = damage_for_a_while(desk, referral)

    desk.hear(
        CaseTaken(case_id=CASE, person_id=PERSON, team_id="team-0001", responsible_id="assessor-9", taken_at=NOON)
    )
    repair(desk, referral, before)

    assert desk.shown(referral)["responsible_id"] == "assessor-9"
