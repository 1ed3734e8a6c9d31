"""What was noted without network and comes late, again, or in any order: nothing is lost, nothing counts twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from sqlmodel import col, select
from structlog.testing import capture_logs

from services.referral.tables import NoteRow, VisitAuditRow, VisitRow
from services.referral.visit import LAST_NUMBER
from shared.contracts.consent import PersonErased
from shared.contracts.referral import ReferralStepPlanned
from shared.unit_of_work import UnitOfWork
from tests.referral.builders import NOON, Desk, running_desk
from tests.referral.packets import FROM, WHERE, WORKERS, Visit, a_plan, agreed

Entry = dict[str, Any]  # Any: JSON values


@pytest.fixture
def visit(desk: Desk) -> Visit:
    """Return a permitted visit whose workers have taken their packets along."""
    return packed(desk)


def packed(desk: Desk) -> Visit:
    """Return a permitted visit whose workers have taken their packets along."""
    permitted = agreed(desk)
    for worker in WORKERS:
        permitted.take_packet(worker)
    return permitted


def test_what_was_noted_has_its_effect(visit: Visit) -> None:
    assert visit.settled(visit.set_out()) == ["taken"]
    assert visit.state() == "under_way"

    assert visit.settled(visit.over()) == ["taken"]
    assert visit.state() == "over"


def test_a_whole_journal_is_taken_at_once_whatever_its_order(visit: Visit) -> None:
    assert visit.settled(visit.over(), visit.set_out()) == ["taken", "taken"]

    assert (visit.state(), starts_after_the_end(visit)) == ("over", [])


def test_handed_in_again_it_is_known(visit: Visit) -> None:
    entries = visit.set_out(), visit.over()
    visit.hand_in(*entries)

    assert visit.settled(*entries) == ["known", "known"]
    assert visit.settled(entries[0]) == ["known"]


def test_an_entry_that_stands_twice_in_a_journal_counts_once(visit: Visit) -> None:
    noted = visit.set_out()

    assert visit.settled(noted, noted) == ["taken", "taken"]
    assert notes_of(visit) == [noted["entry_id"]]


def test_an_end_without_a_start_ends_the_visit(visit: Visit) -> None:
    assert visit.settled(visit.over()) == ["taken"]

    assert visit.state() == "over"


def test_two_ends_of_one_worker_are_one_end(visit: Visit) -> None:
    assert visit.settled(visit.over(), visit.over()) == ["taken", "after_the_end"]

    assert ends_announced(visit) == 1


def test_an_end_that_both_workers_noted_is_one_end(visit: Visit) -> None:
    one, other = WORKERS
    visit.hand_in(visit.set_out(one), visit.over(one), worker=one)

    settled = visit.settled(visit.set_out(other), visit.over(other), worker=other)

    assert settled == ["after_the_end", "after_the_end"]
    assert (ends_announced(visit), starts_after_the_end(visit)) == (1, [])


def test_a_start_after_the_permission_was_taken_back_starts_nothing_and_is_told(visit: Visit) -> None:
    visit.ask("POST", "revocation", worker="person_desk")

    with capture_logs() as logs:
        settled = visit.settled(visit.set_out(), visit.over())

    assert settled == ["after_the_end", "after_the_end"]
    assert (visit.state(), starts_after_the_end(visit)) == ("over", ["outreach_worker-1"])
    told = [line for line in logs if line["event"] == "visit_after_revocation"]
    assert told == [
        {
            "event": "visit_after_revocation",
            "log_level": "warning",
            "visit_id": visit.visit_id,
            "by": "outreach_worker-1",
        }
    ]


def test_a_start_after_the_end_is_told_once(visit: Visit) -> None:
    visit.ask("POST", "no", worker="person_desk")
    noted = visit.set_out()
    visit.hand_in(noted)

    visit.hand_in(noted)

    assert starts_after_the_end(visit) == ["outreach_worker-1"]


def test_a_start_that_was_heard_keeps_its_guard_when_the_permission_is_taken_back(visit: Visit) -> None:
    visit.hand_in(visit.set_out())
    visit.ask("POST", "revocation", worker="person_desk")
    assert visit.state() == "leaving"

    assert visit.settled(visit.over()) == ["taken"]

    assert visit.state() == "over"


def test_a_note_under_a_former_plan_does_nothing_to_the_new_one(visit: Visit) -> None:
    former = visit.set_out(), visit.over()
    visit.ask("PUT", "plan", a_plan(where="Beispielweg 1"))
    visit.permit()

    assert visit.settled(*former) == ["after_the_end", "after_the_end"]

    assert (visit.state(), starts_after_the_end(visit)) == ("agreed", ["outreach_worker-1"])


def test_a_note_under_a_former_packet_of_the_same_plan_counts(visit: Visit) -> None:
    noted = visit.set_out()
    visit.take_packet()

    assert visit.settled(noted) == ["taken"]


def test_the_same_id_with_another_word_is_refused_and_nothing_is_taken(visit: Visit) -> None:
    noted = visit.set_out()
    visit.hand_in(noted)

    answer = visit.hand_in({**noted, "at": visit.set_out(minute=9)["at"]}, visit.over())

    assert (answer.status_code, answer.json()["code"]) == (409, "note_changed")
    assert (visit.state(), notes_of(visit)) == ("under_way", [noted["entry_id"]])


@pytest.mark.parametrize("minute", [-31, 120])
def test_a_start_outside_of_the_permitted_time_is_refused_by_its_field(visit: Visit, minute: int) -> None:
    answer = visit.hand_in(visit.set_out(minute=minute))

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "entries.at")
    assert (visit.state(), notes_of(visit)) == ("agreed", [])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "no"}, "entries.0.kind"),
        ({"kind": "over"}, "entries.0"),
        ({"at": None}, "entries.0"),
        ({"at": "2026-03-02T14:00:00"}, "entries.0.at"),
        ({"entry_id": "short"}, "entries.0.entry_id"),
        ({"visit_id": "visit-of-others"}, "entries.visit_id"),
        ({"why": "no"}, "entries.0.why"),
    ],
)
def test_an_entry_that_says_more_or_less_is_refused_by_its_field(
    visit: Visit, changes: dict[str, object], field: str
) -> None:
    answer = visit.hand_in({**visit.set_out(), **changes})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_nobody_hands_in_what_was_noted_under_anothers_packet(visit: Visit) -> None:
    answer = visit.hand_in(visit.over(WORKERS[1]), worker=WORKERS[0])

    assert (answer.status_code, answer.json()["code"]) == (404, "packet_not_found")
    assert visit.state() == "agreed"


def test_after_the_end_nothing_tells_what_was_noted(visit: Visit) -> None:
    visit.hand_in(visit.set_out(), visit.over())

    exported = visit.desk.ask("GET", f"/persons/{person_of(visit)}/export", role="person_desk").text

    kept = [one["content"]["kept"] for one in _records(visit) if one["kind"] == "visit_note"]
    assert kept == [None, None]
    assert not [part for part in (WHERE, "set_out", '"over"', FROM.isoformat()) if part in exported]


def test_a_visit_that_cannot_be_read_ends_by_a_note(visit: Visit) -> None:
    damage(visit.desk, VisitRow, col(VisitRow.visit_id) == visit.visit_id)

    assert visit.settled(visit.set_out(), visit.over()) == ["taken", "taken"]

    assert visit.state() == "over"


def test_a_note_that_cannot_be_read_keeps_no_other_back(visit: Visit) -> None:
    noted = visit.set_out()
    visit.hand_in(noted)
    damage(visit.desk, NoteRow, col(NoteRow.entry_id) == noted["entry_id"])

    assert visit.settled(noted, visit.over()) == ["known", "taken"]


def test_who_is_forgotten_leaves_neither_packet_nor_note(visit: Visit) -> None:
    visit.hand_in(visit.set_out())

    visit.desk.hear(PersonErased(erasure_id="erasure-0001", person_id=person_of(visit), erased_at=NOON))

    assert notes_of(visit) == []
    assert visit.hand_in(visit.over()).json()["code"] == "visit_not_found"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Return one running service for many visits."""
    with running_desk(Path(tmp_path_factory.mktemp("reconciliation"))) as running:
        yield running


ONLINE = ("setting-out", "check-out", "no", "revocation", "calling-off")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hand_in"), st.sampled_from(WORKERS), st.lists(st.integers(0, 3), min_size=1, max_size=4)),
        st.tuples(st.just("online"), st.sampled_from((*WORKERS, "person_desk")), st.sampled_from(ONLINE)),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_whatever_comes_between_no_entry_is_lost_and_none_counts_twice(town: Desk, steps: list[Any]) -> None:
    town.clock.now = NOON
    visit = packed(town)
    town.clock.now = FROM
    journals = {worker: _noted(visit, worker) for worker in WORKERS}
    answers: dict[str, list[str]] = {}

    for what, worker, which in steps:
        if what == "online":
            visit.ask("POST", which, worker=worker)
            continue
        _hand_in(visit, [journals[worker][number] for number in which], worker, answers)
    for worker in WORKERS:  # in the end everybody is back and hands in everything
        _hand_in(visit, journals[worker], worker, answers)

    entries = [entry["entry_id"] for journal in journals.values() for entry in journal]
    assert sorted(notes_of(visit)) == sorted(entries)
    assert all(first != "known" and set(later) <= {"known"} for first, *later in answers.values())
    assert visit.state() == "over"
    assert (ends_announced(visit), begins_announced(visit) <= 1) == (1, True)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_without_anything_between_every_order_and_repetition_leads_to_the_same(town: Desk, data: st.DataObject) -> None:
    town.clock.now = NOON
    visit = packed(town)
    town.clock.now = FROM
    noted = [(worker, entry) for worker in WORKERS for entry in _noted(visit, worker)]
    chosen = data.draw(st.lists(st.sampled_from(range(len(noted))), min_size=1, unique=True))
    order = data.draw(st.permutations([*chosen, *data.draw(st.lists(st.sampled_from(chosen), max_size=4))]))

    for number in order:
        worker, entry = noted[number]
        visit.hand_in(entry, worker=worker)

    has_end = any(noted[number][1]["kind"] == "over" for number in chosen)
    assert visit.state() == ("over" if has_end else "under_way")
    assert sorted(notes_of(visit)) == sorted(noted[number][1]["entry_id"] for number in chosen)
    assert starts_after_the_end(visit) == []


def _noted(visit: Visit, worker: str) -> list[Entry]:
    """Return what a worker may have noted; a crash between note and wipe makes an end twice."""
    return [visit.set_out(worker), visit.set_out(worker, minute=3), visit.over(worker), visit.over(worker)]


def _hand_in(visit: Visit, entries: list[Entry], worker: str, answers: dict[str, list[str]]) -> None:
    told = visit.hand_in(*entries, worker=worker)
    assert told.status_code == 200, told.text
    for one in {one["entry_id"]: one for one in told.json()["entries"]}.values():
        answers.setdefault(one["entry_id"], []).append(one["settled"])


def notes_of(visit: Visit) -> list[str]:
    """Return the ids of the notes that were heard."""
    with visit.desk.service.database.read() as session:
        return list(session.exec(select(NoteRow.entry_id).where(NoteRow.visit_id == visit.visit_id)))


def starts_after_the_end(visit: Visit) -> list[str]:
    """Return who is written down to have set out on a visit that was over."""
    found = select(VisitAuditRow.by_id).where(VisitAuditRow.visit_id == visit.visit_id, VisitAuditRow.deed == "set_out")
    with visit.desk.service.database.read() as session:
        return list(session.exec(found))


def steps_of(visit: Visit) -> list[ReferralStepPlanned]:
    """Return what was announced of a visit."""
    return [step for step in visit.desk.announced(ReferralStepPlanned) if step.strand_id == visit.visit_id]


def ends_announced(visit: Visit) -> int:
    """Count the ends that were announced."""
    return sum(step.number == LAST_NUMBER for step in steps_of(visit))


def begins_announced(visit: Visit) -> int:
    """Count how often it was announced that somebody is out."""
    return sum(step.step == "check_out" for step in steps_of(visit))


def person_of(visit: Visit) -> str:
    """Return whose visit it is."""
    with visit.desk.service.database.read() as session:
        return session.get_one(VisitRow, visit.visit_id).person_id


def damage(desk: Desk, table: type[VisitRow | NoteRow], which: Any) -> None:  # Any: a clause
    """Have a sealed value of a row be no longer what was sealed."""

    def spoil(work: UnitOfWork) -> None:
        work.session.execute(update(table).where(which).values(kept=b"\x00" * 40))

    desk.write(spoil)


def _records(visit: Visit) -> list[dict[str, Any]]:  # Any: JSON values
    told = visit.desk.ask("GET", f"/persons/{person_of(visit)}/export", role="person_desk").json()
    records: list[dict[str, Any]] = told["records"]
    return records
