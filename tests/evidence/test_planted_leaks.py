"""The tests are tested: every leak and broken rule that is planted on purpose is caught by the check that is for it."""

import re
from collections.abc import Iterator

import pytest

from tests.evidence.conftest import Note
from tests.evidence.mutants import MUTANTS, PURE, Mutant
from tests.evidence.planting import CHECKOUT, Copy, a_copy

PAGE = CHECKOUT / "docs" / "planted-leaks.md"


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """Return a copy with a process that has the libraries loaded."""
    with a_copy(tmp_path_factory.mktemp("planted")) as copy:
        yield copy


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.meaning)
def test_what_is_planted_is_caught(mutant: Mutant, copied: Copy, note: Note) -> None:
    code, printed = copied.run_with(mutant)

    assert code == 1, printed
    assert mutant.check == PURE or "1 failed" in printed, printed
    note("planted leaks and broken rules that nothing caught", size=1, of="mutants", result=0, seed=None)


def test_the_code_as_it_is_passes_the_same_checks(copied: Copy) -> None:
    for checks in ([PURE], sorted({mutant.check for mutant in MUTANTS} - {PURE})):
        code, printed = copied.run(*checks)
        assert code == 0, printed


def test_there_are_many_of_many_kinds() -> None:
    assert len(MUTANTS) >= 60
    assert len({mutant.file for mutant in MUTANTS}) > 12
    assert len({(mutant.file, mutant.new, mutant.old) for mutant in MUTANTS}) == len(MUTANTS)


def test_the_page_lists_them() -> None:
    listed = re.findall(r"^\| ([^|]+) \| `([^`|]+)` \| ([^|]+) \|", PAGE.read_text(), flags=re.MULTILINE)

    assert [(meaning, file) for meaning, file, _ in listed] == [(one.meaning, one.file) for one in MUTANTS]
