"""What a transaction announces is a row of that transaction, on either database."""

from contextlib import suppress

import pytest
from sqlalchemy import select, text, update

from shared.contracts.intake import Channel, Contact
from shared.keys import PersonKeys
from shared.outbox import Outbox, Outgoing, random_id
from shared.unit_of_work import UnitOfWork
from tests.shared.builders import MARKER, Base, Kit, a_case, add, an_outgoing
from tests.shared.conftest import Store

pytestmark = pytest.mark.anyio


async def announce_cases(kit: Kit, number: int = 1) -> None:
    """Announce cases of different persons in one transaction."""

    def handler(work: UnitOfWork) -> None:
        for _ in range(number):
            work.announce(a_case())

    await kit.writer.run(handler)


async def let_claims_end(kit: Kit) -> None:
    """Let the time pass for which fresh rows belong to their own instance."""
    kit.clock.pass_by(seconds=31)


async def test_a_change_and_its_announcement_are_committed_together(kit: Kit) -> None:
    event = a_case()

    def handler(work: UnitOfWork) -> None:
        add(work.session, "cases")
        work.announce(event)

    await kit.writer.run(handler)

    assert (kit.tallies(), kit.unsent()) == ({"cases": 1}, 1)
    assert [item.body for item in kit.handed_over] == [event.body()]


async def test_a_handler_that_fails_announces_nothing(kit: Kit) -> None:
    def handler(work: UnitOfWork) -> None:
        add(work.session, "cases")
        work.announce(a_case())
        raise LookupError

    with pytest.raises(LookupError):
        await kit.writer.run(handler)

    assert (kit.tallies(), kit.unsent(), kit.handed_over) == ({}, 0, [])


async def test_an_attempt_that_fails_takes_its_announcements_along_and_no_others(kit: Kit) -> None:
    kept, undone = a_case(), a_case()

    def handler(work: UnitOfWork) -> None:
        work.announce(kept)
        with suppress(LookupError), work.attempt():
            work.announce(undone)
            raise LookupError

    await kit.writer.run(handler)

    assert [item.body for item in kit.handed_over] == [kept.body()]


async def test_every_announcement_has_an_id_of_its_own(kit: Kit) -> None:
    await announce_cases(kit, 100)

    assert len({item.message_id for item in kit.handed_over}) == 100


async def test_a_message_id_exists_once_in_the_table(kit: Kit) -> None:
    def twice(work: UnitOfWork) -> None:
        work.notify("lvr-klinik", "notice-1")
        work.notify("jobcenter-essen", "notice-1")

    with pytest.raises(Exception, match=r"UNIQUE|unique"):
        await kit.writer.run(twice)

    assert kit.unsent() == 0


async def test_a_fresh_row_is_left_to_the_instance_that_wrote_it_until_its_claim_ends(kit: Kit) -> None:
    await announce_cases(kit)

    early = await kit.claim()
    await let_claims_end(kit)
    late = await kit.claim()

    assert (early, late) == ([], kit.handed_over)


async def test_a_claimed_row_is_not_claimed_again(kit: Kit) -> None:
    await announce_cases(kit)
    await let_claims_end(kit)

    first, second = await kit.claim(), await kit.claim()

    assert (len(first), second) == (1, [])


async def test_rows_are_claimed_oldest_first_and_no_more_than_asked_for(kit: Kit) -> None:
    await announce_cases(kit, 5)
    await let_claims_end(kit)

    claimed = await kit.claim(limit=3)

    assert claimed == kit.handed_over[:3]


async def test_a_destination_that_is_left_out_keeps_its_rows(kit: Kit) -> None:
    def both(work: UnitOfWork) -> None:
        work.announce(a_case())
        work.notify("lvr-klinik", "notice-1")

    await kit.writer.run(both)
    await let_claims_end(kit)

    claimed = await kit.claim(except_for=["care"])

    assert [item.destination for item in claimed] == ["lvr-klinik"]


async def test_all_claims_can_be_ended_at_the_start_of_the_only_instance(kit: Kit) -> None:
    await announce_cases(kit)

    await kit.writer.run(lambda work: kit.outbox.free_all(work.session))

    assert await kit.claim() == kit.handed_over


async def test_a_sent_row_is_never_claimed_again(kit: Kit) -> None:
    await announce_cases(kit)
    ids = [item.message_id for item in kit.handed_over]

    await kit.writer.run(lambda work: kit.outbox.mark_sent(work.session, ids, now=work.now))
    await let_claims_end(kit)

    assert (await kit.claim(all_unsent=True), kit.unsent()) == ([], 0)


async def test_a_row_that_could_not_be_published_is_free_again_when_it_was_said_to_be(kit: Kit) -> None:
    await announce_cases(kit)
    ids, until = [item.message_id for item in kit.handed_over], kit.clock.now
    await kit.writer.run(lambda work: kit.outbox.release(work.session, ids, until=until))

    kit.clock.pass_by(seconds=1)

    assert await kit.claim() == kit.handed_over


async def test_sent_rows_are_kept_for_seven_days(kit: Kit) -> None:
    await announce_cases(kit)
    ids = [item.message_id for item in kit.handed_over]
    await kit.writer.run(lambda work: kit.outbox.mark_sent(work.session, ids, now=work.now))

    kit.clock.pass_by(days=7)
    kept = await kit.writer.run(lambda work: kit.outbox.forget_sent(work.session, now=work.now))
    kit.clock.pass_by(seconds=1)
    forgotten = await kit.writer.run(lambda work: kit.outbox.forget_sent(work.session, now=work.now))

    assert (kept, forgotten) == (0, 1)


async def test_an_unsent_row_is_never_forgotten(kit: Kit) -> None:
    await announce_cases(kit)

    kit.clock.pass_by(days=365)
    await kit.writer.run(lambda work: kit.outbox.forget_sent(work.session, now=work.now))

    assert kit.unsent() == 1


async def test_what_was_to_be_said_about_an_erased_person_never_leaves(kit: Kit) -> None:
    await announce_cases(kit, 2)
    erased, other = kit.handed_over
    kit.keys.destroy(str(erased.key_id))

    await let_claims_end(kit)
    claimed = await kit.claim()

    assert (claimed, kit.unsent()) == ([other], 1)
    assert kit.outbox.erased([erased, other]) == {erased.message_id}


async def test_rows_whose_keys_were_lost_stay_unsent_and_are_not_taken_for_erased(kit: Kit, store: Store) -> None:
    await announce_cases(kit)
    empty = PersonKeys(kit.database.engine, master_key=bytes(32))
    empty.create_store()
    outbox = Outbox(Base.metadata, empty)

    await let_claims_end(kit)
    claimed = await kit.writer.run(lambda work: outbox.claim(work.session, now=work.now, limit=10))

    assert (claimed, kit.unsent()) == ([], 1)


async def test_a_body_that_was_moved_to_another_row_does_not_leave(kit: Kit) -> None:
    await kit.writer.run(lambda work: work.announce(a_case(person_id="person-12")))
    await kit.writer.run(lambda work: work.announce(a_case(person_id="person-12")))
    table = kit.table("outbox")
    first, second = (table.c.message_id == item.message_id for item in kit.handed_over)
    foreign = select(table.c.body).where(second).scalar_subquery()
    await kit.writer.run(lambda work: work.session.execute(update(table).where(first).values(body=foreign)).close())

    await let_claims_end(kit)
    claimed = await kit.claim()

    assert claimed == kit.handed_over[1:]


async def test_nothing_personal_can_be_read_from_the_disk(kit: Kit, store: Store) -> None:
    marker = random_id()
    event = a_case(contact=Contact(channel=Channel.LETTER, address=marker))
    await kit.writer.run(lambda work: work.announce(event))
    await kit.writer.run(lambda work: park_unreadable(kit, work, marker))
    with kit.database.engine.connect() as connection:
        connection.execute(text("SELECT 1" if kit.is_sqlite else "CHECKPOINT"))

    stored = store.bytes_at_rest()

    assert marker.encode() not in stored
    assert kit.handed_over[0].message_id.encode() in stored  # the search would find it


def park_unreadable(kit: Kit, work: UnitOfWork, marker: str) -> None:
    """Park a message that could not be read and holds a marker all the same."""
    kit.parking.park(
        work.session,
        parked_id="parked-1",
        message_id=None,
        type_=None,
        reason="malformed_envelope",
        key_id=None,
        body=marker.encode(),
        now=work.now,
    )


def test_a_message_shown_in_an_error_shows_no_body() -> None:
    shown = repr(an_outgoing())

    assert MARKER not in shown


async def test_a_notice_says_nothing_but_its_id(kit: Kit) -> None:
    await kit.writer.run(lambda work: work.notify("lvr-klinik", "notice-1"))

    assert kit.handed_over == [Outgoing("notice-1", "lvr-klinik", "notice", "notice-1", kit.clock.now, None, b"")]
