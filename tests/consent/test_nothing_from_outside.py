"""No command and no opening ever changes what anybody may know (N4), whatever came before and whoever tries.

Before and after, what each registered recipient may know is asked of the pure decision, for every purpose, and composed
as the gate does; and no row is changed of what is known, asked or said.
"""

import os
from collections import Counter
from contextlib import suppress
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from services.consent.domain import Word
from services.consent.notices import reconsider
from services.consent.tables import PersonRow
from shared.contracts.categories import Category
from shared.contracts.consent import ReferralAnswered
from shared.keys import KeyDestroyed
from shared.unit_of_work import UnitOfWork
from tests.consent import steps as past
from tests.consent.builders import CLINIC, DAY, JOBCENTER, NOON, SECOND
from tests.consent.gate import Gate, running_gate
from tests.consent.histories import OFFERED, ROLES, World
from tests.consent.outsiders import Act, acts, names_in
from tests.consent.pairs import Timed, draw_released, draw_rest
from tests.consent.permitted import kept, permitted
from tests.consent.stores import SqliteStores
from tests.consent.surroundings import register
from tests.consent.wire import Wire

HISTORIES = int(os.environ.get("GESEHEN_TEST_HISTORIES", "12"))
"""How many histories are tried; a night can take thousands."""


def a_history(random: Random) -> tuple[str, list[Timed]]:
    """Draw what happened until now, and who opened and answered in it."""
    observer = random.choice([JOBCENTER, CLINIC])
    common = draw_released(random, observer)
    until = NOON + random.choice([1, 2, 4, 6]) * DAY
    released = (Category.WORK, "wanted") if observer == JOBCENTER else (Category.DEBTS, "owed")
    always = [  # else in many a history nobody may know anything
        (NOON + 2 * SECOND, past.known("anna", *released, fact="always", version=1, at=NOON)),
        (NOON + 3 * SECOND, past.said("anna", observer, {released[0]: Word.YES}, referral=common.referral)),
    ]
    steps = sorted([*common.steps, *always, *draw_rest(random, common)], key=lambda timed: timed[0])
    return observer, [timed for timed in steps if timed[0] <= until]


def live(gate: Gate, observer: str, history: list[Timed]) -> None:
    """Have a history happen, for good, and what time alone has ended be ended."""

    def happen(work: UnitOfWork) -> None:
        world = World(gate, work, observer)
        for name, role in ROLES.items():
            register(work, world.recipient(name), role, *OFFERED[name])
        for at, step in history:
            work.now = at
            step(world)
            world.look()

    gate.write(happen)
    gate.clock.now = history[-1][0] + DAY / 24
    gate.write(settle)


def settle(work: UnitOfWork) -> None:
    """Bring everybody in line with the calendar, as the next event about them, or opening, would."""
    for row in work.session.exec(select(PersonRow)).all():
        with suppress(KeyDestroyed), work.attempt():
            reconsider(work, row.person_id)


def try_all(gate: Gate, tried: list[Act]) -> Counter[str]:
    """Try one act after the other; count how they were answered."""
    names, wire = names_in(gate), Wire(gate)
    return Counter(result for act in tried for result in act(names, wire))


def test_no_command_and_no_opening_changes_what_anybody_may_know(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> None:
    met = Counter[str]()

    @settings(max_examples=HISTORIES, deadline=None, phases=[Phase.generate])  # a gate each: to shrink takes minutes
    @given(st.integers(0, 2**32), acts)
    def nothing_changes(seed: int, tried: list[Act]) -> None:
        folder = tmp_path_factory.mktemp("outside")
        with sqlite_stores.fresh(folder) as store, running_gate(folder, store) as gate:
            live(gate, *a_history(Random(seed)))  # noqa: S311  a seed, not a secret
            before = permitted(gate), kept(gate)

            answered = try_all(gate, tried)

            assert (permitted(gate), kept(gate)) == before
            decided, composed = before[0]
            met.update(answered)
            met.update({"referrals answered": len(gate.announced(ReferralAnswered))})
            met.update({"histories": 1, "known to nobody": not decided, "told to somebody": bool(composed)})

    nothing_changes()

    # What is never tried proves nothing.
    assert met["told to somebody"] > HISTORIES / 3, met
    assert all(met[result] > 0 for result in ("released", "empty", "received", "refused", "referrals answered")), met
