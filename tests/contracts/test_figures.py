"""The words of the report are those of the fixed tables: none is missing, none is too many."""

import pytest
from pydantic import ValidationError

from sdk import figure_words
from shared.contracts.figures import TABLES
from shared.contracts.published import PublishedRow


def test_the_report_has_words_for_every_table_row_and_total() -> None:
    known = {name: (tuple(words.rows), words.total is not None) for name, words in figure_words.TABLES.items()}

    assert known == {table.name: (table.rows, table.is_whole) for table in TABLES}


@pytest.mark.parametrize("about", [0, 9, 11, 15])
def test_a_number_that_leaves_is_a_ten_and_at_least_ten(about: int) -> None:
    with pytest.raises(ValidationError):
        PublishedRow(row="debts", about=about)
