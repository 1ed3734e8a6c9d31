"""N1-N3 through the pure core: what a recipient may be told depends on what was released to it, and on nothing else."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.categories import Category
from tests.consent.builders import CLINICS_SIX, JOBCENTERS_SIX
from tests.evidence.conftest import Note
from tests.evidence.core_pairs import HISTORIES, Draw, alike_of, look_alike, looks, search
from tests.evidence.sizes import SEED, sized

SHARDS = 4
PAIRS = sized(1_000_000)

ONCE_TOLD_APART: tuple[int, ...] = ()
"""Seeds by which a fault was found once. They are tried for ever."""

SHARES = {
    "told": 0.5,
    "must be taken back": 0.08,
    "nothing opened": 0.05,
    "no trace at all in one of them": 0.2,
    "held at a look": 0.05,
    "a word on one message": 0.05,
    "word: ask": 0.1,
    "from now": 0.2,
    "expires in between": 0.2,
    "withdrawn": 0.1,
    "refused": 0.1,
    "given again": 0.1,
    "disputed": 0.1,
    "confirmed": 0.1,
    "a third person's fact": 0.2,
    "another referral's fact": 0.2,
    "rest: no": 0.05,
    "rest: ask": 0.05,
    "rest: a yes beside what closes": 0.2,
    "rest: one kind": 0.05,
    "rest: pending": 0.05,
    "rest: disputed": 0.05,
    "rest: over": 0.05,
    "rest: ended": 0.05,
    "rest: too late": 0.03,
    "rest: of a category that is not offered": 0.3,
    "rest: another recipient_id": 0.05,
    "rest: another purpose": 0.05,
    "rest: another person_id": 0.05,
    **{f"opened: {category.value}": 0.1 for category in {*JOBCENTERS_SIX, *CLINICS_SIX}},
    **{f"kept: {category.value}": 0.2 for category in {*JOBCENTERS_SIX, *CLINICS_SIX}},
}
"""How often each case comes at least, per seed: a generator that never makes the case proves nothing."""


@pytest.mark.parametrize("shard", range(SHARDS))
def test_two_histories_that_differ_only_in_what_is_not_released_look_the_same(shard: int, note: Note) -> None:
    count = -(-PAIRS // SHARDS // (HISTORIES - 1))
    first = (SEED * SHARDS + shard) * count

    found = search(range(first, first + count))

    assert found.differs is None, f"seed {found.differs} tells two histories apart: add it to ONCE_TOLD_APART"
    missed = {case: found.met[case] / count for case, share in SHARES.items() if found.met[case] < share * count}
    assert not missed or count < 1000, missed
    note("N1-N3 pure core: pairs told apart", size=found.pairs, of="pairs", result=0)


@pytest.mark.parametrize("seed", [*ONCE_TOLD_APART, 1, 2, 3])
def test_what_once_told_two_apart_no_longer_does(seed: int) -> None:
    assert look_alike(alike_of(seed))


@given(st.randoms(use_true_random=False))
@settings(max_examples=sized(300), deadline=None)
def test_the_same_with_a_source_of_chance_that_shrinks_what_it_finds(random: Random) -> None:
    assert look_alike(Draw(random).alike())


def test_histories_that_differ_in_what_is_released_do_not_look_the_same(note: Note) -> None:
    told_apart: Counter[bool] = Counter()
    count = sized(2000)
    for seed in range(count):
        one, other = alike_of(2 * seed), alike_of(2 * seed + 1)
        told_apart[looks(one, one.rests[0]) != looks(other, other.rests[0])] += 1

    assert told_apart[True] > 0.7 * count, told_apart
    assert Category.OUTCOME not in {*JOBCENTERS_SIX, *CLINICS_SIX}
    note("N1 pure core: unlike histories told apart", size=count, of="pairs", result=told_apart[True])
