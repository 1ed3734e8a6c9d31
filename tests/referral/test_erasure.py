"""A person is forgotten: case, referrals and what became of them go; what comes late has no effect."""

from sqlalchemy import LargeBinary
from sqlmodel import select

from services.referral.tables import Case, HappeningRow, ReferralRow, metadata
from shared.contracts.consent import PersonErased
from shared.contracts.referral import ReferralErasureConfirmed
from shared.erasure import KIT, rows_of
from tests.referral.builders import NOON, PERSON, Desk, a_case, an_answer, cleared, opened, the_end

ERASURE = PersonErased(erasure_id="erasure-0001", person_id=PERSON, erased_at=NOON)


def rows(desk: Desk) -> list[int]:
    """Count what is kept."""
    with desk.service.database.read() as session:
        return [len(session.exec(select(table)).all()) for table in (Case, ReferralRow, HappeningRow)]


def test_nothing_of_the_person_is_left_and_the_key_is_destroyed(desk: Desk) -> None:
    desk.answered()
    assert rows(desk) == [1, 1, 3]

    desk.hear(ERASURE)

    assert rows(desk) == [0, 0, 0]
    assert desk.service.keys.is_destroyed(PERSON)
    assert [event.erasure_id for event in desk.announced(ReferralErasureConfirmed)] == ["erasure-0001"]


def test_what_comes_after_it_has_no_effect_and_is_neither_parked_nor_waiting(desk: Desk) -> None:
    referral = desk.answered()
    desk.hear(ERASURE)

    late = [a_case(), cleared(referral), opened(referral), an_answer(referral, "attended"), the_end()]
    settled = [desk.hear(event) for event in late]

    assert settled == [["ack"]] * len(late)
    assert rows(desk) == [0, 0, 0]
    counts = desk.http.get("/ready").json()["counts"]
    assert (counts["parked"], counts["waiting_too_long"], desk.waiting()) == (0, 0, 0)


def test_every_table_with_sealed_values_is_emptied() -> None:
    sealed = {table.name for table in metadata.tables.values() if any(isinstance(c.type, LargeBinary) for c in table.c)}

    assert {name for name in sealed - KIT if rows_of(metadata.tables[name], "x") is None} == set()
