"""A place that nobody has any more is shown as free, not only given to the next who asks."""

from shared.contracts.consent import PersonErased
from tests.referral.builders import NOON, PERSON, Desk
from tests.referral.test_place import free, offered, with_place


def test_the_place_of_an_erased_person_is_shown_as_free(desk: Desk) -> None:
    desk.hear(offered())
    with_place(desk)
    before = free(desk)

    desk.hear(PersonErased(erasure_id="erasure-0001", person_id=PERSON, erased_at=NOON))

    assert (before, free(desk)) == (0, 1)


def test_the_place_of_a_referral_that_was_not_cleared_in_time_is_shown_as_free(desk: Desk) -> None:
    desk.hear(offered())
    with_place(desk)
    before = free(desk)

    desk.clock.pass_time(days=10)

    assert (before, free(desk)) == (0, 1)
