"""Refusing costs nothing: what the Jobcenter can act on is the same for who releases all and for who refuses all."""

from datetime import date

from tests.consent.builders import JOBCENTER
from tests.consent.gate import Gate
from tests.consent.no_detriment import compare, statement


def test_who_refuses_all_looks_like_who_releases_all(sqlite_gate: Gate) -> None:
    result = compare(sqlite_gate, pairs=2)

    assert result.different == 0
    assert result.released_to_other == 0
    assert result.released_to_one > 5  # who never releases anything proves nothing
    assert result.observations >= 2 * 12
    assert "no difference was found" in statement(result, on=date(2026, 3, 2))
    assert sqlite_gate.notices(JOBCENTER)
