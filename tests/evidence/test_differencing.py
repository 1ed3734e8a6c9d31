"""The differencing attack on steering figures: how often do the published numbers give one person away?

The attacker knows everything about everybody else, so that of each number only one person is open, and knows all rules,
but not the secret. A person is *given away* if the attacker is certain, and right, that they are or are not in a row.
Three designs: exact numbers from three on; ten and rounded to the nearest ten; ours. Two ways of asking: before and
after (the same quarter evaluated twice), and once. How often the best guess is right is told besides: a coin gets half.
No rounding to tens that is right on average can bring that below 55 % for a single number.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random

from services.consent.protection import MINIMUM, STEP, places, protect, rounded
from shared.contracts.figures import TABLES, FixedTable
from tests.consent.gate import a_gate_with_recipients
from tests.consent.steering import AFTER_Q1, enrol, everything, look, told
from tests.consent.stores import SqliteStores
from tests.evidence.conftest import Note
from tests.evidence.sizes import SEED, sized

TRIALS = sized(10_000)
QUARTERS = sized(2_000)
GATES = sized(6)

Told = int | None
Chances = Mapping[Told, float]
Design = Callable[[int], Chances]
"""What a count is told as, with which chance for whoever does not know the secret."""


def exact_from_three(count: int) -> Chances:
    """Tell exact numbers from three on."""
    return {count if count >= 3 else None: 1.0}


def nearest_ten(count: int) -> Chances:
    """Tell numbers from ten on, rounded to the nearest ten."""
    return {(count + 5) // STEP * STEP if count >= MINIMUM else None: 1.0}


def ours(count: int) -> Chances:
    """Tell numbers from ten on, rounded at a secret place."""
    if count < MINIMUM:
        return {None: 1.0}
    seen = Counter(rounded(count, place) for place in range(STEP))
    return {about: times / STEP for about, times in seen.items()}


DESIGNS: dict[str, Design] = {
    "exact from three on": exact_from_three,
    "ten, nearest ten": nearest_ten,
    "ours": ours,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A number: how many the others are, and whether it concerns the person: they are in it, if they came."""

    others: int
    concerns: bool = True

    def count(self, *, came: bool) -> int:
        """How many there are if the person came, or did not."""
        return self.others + (self.concerns and came)


def a_town(random: Random) -> Iterator[tuple[FixedTable, dict[str, Cell]]]:
    """Draw a quarter of a town, small or large, and which of its numbers one person is in, if they came."""
    persons = random.choice([60, 150, 400, 1000])
    for table in TABLES:
        shares = [random.uniform(0.02, 0.6) for _ in table.rows]
        if table.is_whole:
            shares = [share / sum(shares) for share in shares]
            own = {random.choices(table.rows, shares)[0]}
        else:
            own = {row for row, share in zip(table.rows, shares, strict=True) if random.random() < share}
        spread = [(persons * share * (1 - share)) ** 0.5 for share in shares]
        others = [max(0, round(random.gauss(persons * a, b))) for a, b in zip(shares, spread, strict=True)]
        yield table, {row: Cell(count, row in own) for row, count in zip(table.rows, others, strict=True)}


def one_number(random: Random) -> Cell:
    """Draw one number of a town; it concerns the person."""
    _, cells = random.choice(list(a_town(random)))
    return Cell(random.choice(list(cells.values())).others)


def numbers_of(town: list[tuple[FixedTable, dict[str, Cell]]], *, came: bool, with_all_totals: bool) -> Iterator[Cell]:
    """Yield every number of a quarter; a total only where it is told."""
    for table, cells in town:
        yield from cells.values()
        every_row_is = all(cell.count(came=came) >= MINIMUM for cell in cells.values())
        if table.is_whole and (with_all_totals or every_row_is):
            yield Cell(sum(cell.others for cell in cells.values()), any(cell.concerns for cell in cells.values()))


def drawn(chances: Chances, random: Random) -> Told:
    """Draw what is told."""
    return random.choices(list(chances), list(chances.values()))[0]


@dataclass(slots=True)
class Found:
    """How it went."""

    given_away: int = 0
    guessed: float = 0.0

    def add(self, if_so: float, if_not: float, *, is_so: bool) -> None:
        """Judge one trial by how likely what was seen is if it is so, and if not."""
        self.given_away += (if_so == 0.0) != (if_not == 0.0)
        self.guessed += 0.5 if if_so == if_not else float((if_so > if_not) == is_so)

    def said(self, trials: int) -> str:
        """Say it in words of the table."""
        return f"{percent(self.given_away, trials)} ({percent(self.guessed, trials)})"


def weighed(design: Design, cell: Cell, seen: Told) -> tuple[float, float]:
    """Return how likely what is seen is if the person came, and if not."""
    came, stayed_away = (design(cell.count(came=came)).get(seen, 0.0) for came in (True, False))
    return came, stayed_away


def percent(part: float, whole: int) -> str:
    """Say a share in words of the table."""
    return f"{100 * part / whole:.1f} %"


def a_coin(random: Random) -> bool:
    """Draw whether the person came."""
    return random.random() < 0.5


def told_twice(design: Design) -> int:
    """Count whom the same quarter gives away, evaluated without and with them: any difference does."""
    random = Random(SEED)  # noqa: S311  a seed, not a secret
    cells = [one_number(random) for _ in range(TRIALS)]
    before_and_after = ((drawn(design(one.others), random), drawn(design(one.others + 1), random)) for one in cells)
    return sum(before != after for before, after in before_and_after)


def one_number_each(design: Design) -> Found:
    """Look at one number, of which all but one person is known."""
    random, found = Random(SEED), Found()  # noqa: S311
    for _ in range(TRIALS):
        cell, came = one_number(random), a_coin(random)
        found.add(*weighed(design, cell, drawn(design(cell.count(came=came)), random)), is_so=came)
    return found


def whole_quarters(design: Design) -> Found:
    """Look at all numbers of a quarter, of which all is known but whether one person, of whom all is known, came."""
    random, found = Random(SEED), Found()  # noqa: S311
    for _ in range(QUARTERS):
        town, came = list(a_town(random)), a_coin(random)
        if_so = if_not = 1.0
        for cell in numbers_of(town, came=came, with_all_totals=design is not ours):
            with_, without = weighed(design, cell, drawn(design(cell.count(came=came)), random))
            if_so, if_not = if_so * with_, if_not * without
        found.add(if_so, if_not, is_so=came)
    return found


def neighbouring_quarters(design: Design) -> Found:
    """Look at one number in two quarters: in which of them did the person come?"""
    random, found = Random(SEED), Found()  # noqa: S311
    for _ in range(TRIALS):
        one, other, in_the_first = one_number(random), one_number(random), a_coin(random)
        seen_1 = drawn(design(one.count(came=in_the_first)), random)
        seen_2 = drawn(design(other.count(came=not in_the_first)), random)
        (in_1, out_1), (in_2, out_2) = weighed(design, one, seen_1), weighed(design, other, seen_2)
        found.add(in_1 * out_2, out_1 * in_2, is_so=in_the_first)
    return found


def test_a_quarter_that_is_evaluated_twice_gives_away_whom_the_difference_is_about(note: Note) -> None:
    raw, rounded_twice = told_twice(exact_from_three), told_twice(nearest_ten)

    assert raw > 0.9 * TRIALS
    assert rounded_twice > 0.05 * TRIALS
    of = "numbers, before and after"
    note("differencing, told twice: exact from three on, given away", size=TRIALS, of=of, result=percent(raw, TRIALS))
    claim = "differencing, told twice: ten, nearest ten, given away"
    note(claim, size=TRIALS, of=of, result=percent(rounded_twice, TRIALS))


def test_the_real_gate_asked_twice_says_the_same(note: Note, tmp_path: Path) -> None:
    random, differs = Random(SEED), 0  # noqa: S311
    stores = SqliteStores(tmp_path)
    for number in range(GATES):
        folder = tmp_path / str(number)
        folder.mkdir()
        with stores.fresh(folder) as store, a_gate_with_recipients(folder, store) as gate:
            enrol(gate)
            gate.clock.now = AFTER_Q1
            without = {row: random.randrange(5, 60) for table in TABLES for row in table.rows}
            gate.hear(*everything("2026-Q1", **without))
            look(gate)
            before = told(gate)
            gate.hear(*everything("2026-Q1", **{row: count + 1 for row, count in without.items()}))
            look(gate)
            differs += told(gate) != before or len(before) != 1

    assert differs == 0
    claim = "differencing, told twice: ours, through the real gate, given away"
    note(claim, size=GATES, of="quarters", result=percent(differs, GATES))


def test_to_who_knows_all_others_the_secret_place_gives_far_fewer_away_than_the_nearest_ten(note: Note) -> None:
    for what, attack, trials in (
        ("one number", one_number_each, TRIALS),
        ("a whole quarter", whole_quarters, QUARTERS),
        ("two neighbouring quarters", neighbouring_quarters, TRIALS),
    ):
        found = {name: attack(design) for name, design in DESIGNS.items()}

        assert found["ours"].given_away < found["ten, nearest ten"].given_away / 2
        for name, outcome in found.items():
            claim = f"differencing, all others known, {what}: {name}, given away (best guess right)"
            note(claim, size=trials, of="trials", result=outcome.said(trials))


def test_what_is_weighed_here_is_what_the_gate_does() -> None:
    for count, place in product(range(60), range(STEP)):
        shown = protect({"row": count}, is_whole=False, place=lambda _, at=place: at)  # type: ignore[misc]  # binds it

        assert shown.rows["row"] in ours(count)
    secrets = (str(number).encode() for number in range(5_000))
    found = Counter(places(secret, quarter="2026-Q1", table="needs")("debts") for secret in secrets)
    assert (len(found), min(found.values()) > 400) == (STEP, True)
