"""A commission moves to the case that its person had before: it waits for its turn, and what narrows goes along."""

import pytest

from services.consent.domain import Word
from services.consent.store import COMMISSION
from services.consent.tables import SubjectRow
from shared.contracts.categories import Category
from shared.contracts.consent import CommissionReceived
from shared.contracts.intake import CommissionJoined
from tests.consent.builders import DAY, NOON, a_case, a_commission, a_conclusion, new_id
from tests.consent.bus import Bus
from tests.consent.gate import Gate
from tests.consent.test_shield import register_shield, shielded

CONCLUSION = Category.CONCLUSION


def joined(commission_id: str, *, earlier: str, former: str) -> CommissionJoined:
    """Return that a commission belongs to the earlier person from now on."""
    return CommissionJoined(
        commission_id=commission_id,
        case_id="case-0001",
        person_id=earlier,
        former_case_id="case-0002",
        former_person_id=former,
        joined_at=NOON,
    )


def two_ids_of_one_human(gate: Gate) -> tuple[str, str]:
    """Return the earlier person, who said yes to the Jobcenter, and the former one, whom it commissioned later."""
    earlier = f"person-{new_id()}"
    gate.hear(a_case(earlier), a_conclusion(earlier))
    gate.grant(earlier, CONCLUSION)
    gate.clock.pass_(DAY)
    return earlier, gate.a_person()


def told_by_joining(gate: Gate, earlier: str, former: str) -> list[str]:
    """Join the commission of the former person; return what the Jobcenter is told by that."""
    jobcenter = gate.reading()
    jobcenter.news()
    theirs = gate.rows(SubjectRow, SubjectRow.person_id == former, SubjectRow.kind == COMMISSION)
    [commission] = [subject for subject in theirs if subject.mirrors is None]
    gate.hear(joined(commission.subject_id, earlier=earlier, former=former))
    return [news["result"] for news in jobcenter.news()]


def test_a_commission_that_is_joined_before_its_case_is_known_moves_when_it_is(sqlite_gate: Gate) -> None:
    gate, bus = sqlite_gate, Bus(sqlite_gate)
    earlier, former = f"person-{new_id()}", f"person-{new_id()}"
    gate.command(a_commission())
    [commission] = gate.announced(CommissionReceived)
    bus.bring(a_case(earlier))

    bus.bring(joined(commission.commission_id, earlier=earlier, former=former))
    meanwhile = [row.person_id for row in gate.rows(SubjectRow)]
    bus.bring(a_case(former, commission.commission_id))

    assert meanwhile == [None]
    assert [row.person_id for row in gate.rows(SubjectRow)] == [earlier]


def test_what_the_earlier_person_said_counts_for_the_commission_that_is_joined(sqlite_gate: Gate) -> None:
    earlier, former = two_ids_of_one_human(sqlite_gate)

    assert told_by_joining(sqlite_gate, earlier, former) == ["released"]


def test_a_quiet_signal_goes_along(sqlite_gate: Gate) -> None:
    earlier, former = two_ids_of_one_human(sqlite_gate)
    sqlite_gate.ask("POST", f"/persons/{former}/hold", {})
    sqlite_gate.clock.pass_()

    assert told_by_joining(sqlite_gate, earlier, former) == []


def test_a_shield_goes_along(sqlite_gate: Gate) -> None:
    register_shield(sqlite_gate)
    earlier, former = two_ids_of_one_human(sqlite_gate)
    sqlite_gate.hear(shielded(former))

    assert told_by_joining(sqlite_gate, earlier, former) == []


@pytest.mark.parametrize("word", [Word.NO, Word.ASK])
def test_a_newer_word_that_opens_less_goes_along(sqlite_gate: Gate, word: Word) -> None:
    earlier, former = two_ids_of_one_human(sqlite_gate)
    sqlite_gate.grant(former, CONCLUSION, word=word)

    assert told_by_joining(sqlite_gate, earlier, former) == []
