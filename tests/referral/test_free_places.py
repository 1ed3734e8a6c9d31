"""A place that nobody has any more is shown as free, not only given to the next who asks."""

import pytest

from shared.contracts.consent import PersonErased
from tests.referral.builders import NOON, PERSON, Desk
from tests.referral.test_place import free, hold, offered, with_place
from tests.referral.test_unreadable import damage, of_somebody_else


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


@pytest.mark.parametrize("places", [1, 2])
def test_what_is_shown_as_free_can_be_held_and_nothing_else_when_one_referral_cannot_be_read(
    desk: Desk, places: int
) -> None:
    desk.hear(offered(places))
    damage(desk, of_somebody_else(desk))

    shown = free(desk)
    held = [hold(desk).status_code for _ in range(places)]

    assert held == [201] * shown + [409] * (places - shown)
