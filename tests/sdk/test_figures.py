"""Steering figures at whoever receives them: kept once a quarter, and made into a page and a CSV."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from sdk import BadFile, FiguresPublished, Store
from sdk.cli import main
from sdk.events import read_answer
from sdk.figure_report import COLUMNS, as_csv, as_html, read_figures
from sdk.figure_words import TABLES

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs/examples/wire/answer.figures.json"


def some_figures(quarter: str = "2026-Q1", notice: str = "n-1", *tables: dict[str, Any]) -> FiguresPublished:
    """Return the figures of a quarter."""
    content = {"quarter": quarter, "published_on": "2026-04-08", "minimum": 10, "rounded_to": 10}
    came_by = {"table": "came_by", "rows": [{"row": "self", "about": 40}, {"row": "street"}]}
    figures = {**content, "tables": [came_by, *tables]}
    return FiguresPublished.model_validate({"notice": notice, "figures": figures})


def a_file(folder: Path, *lines: str) -> Path:
    """Write a file as the command line prints it."""
    path = folder / "figures.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def the_page(*quarters: FiguresPublished, town: str = "") -> str:
    """Return the page of some quarters."""
    return as_html([one.figures for one in quarters], town=town)


def test_the_golden_answer_is_read() -> None:
    answer = read_answer(EXAMPLE.read_bytes())

    assert isinstance(answer, FiguresPublished)
    assert [row.about for row in answer.figures.tables[0].rows] == [120, 40, None]


def test_a_quarter_is_an_event_once_and_kept(tmp_path: Path) -> None:
    with Store(tmp_path / "held.sqlite3") as store:
        first = store.apply(some_figures())
        again = store.apply(some_figures(notice="n-2"))
        later = store.apply(some_figures("2026-Q2", "n-3"))

        assert (first, again, later) == (some_figures(), None, some_figures("2026-Q2", "n-3"))
        assert [one.figures.quarter for one in store.figures()] == ["2026-Q1", "2026-Q2"]
        assert [event for _, event in store.unhandled()] == [first, later]


def test_the_csv_has_a_line_for_each_cell_and_no_number_where_there_is_none() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv([some_figures().figures]))))

    assert tuple(rows[0]) == COLUMNS
    assert [(row["row"], row["about"], row["shown"]) for row in rows] == [
        ("self", "40", "yes"),
        ("street", "", "no"),
        ("total", "", "no"),
    ]


def test_the_page_says_everything_in_both_languages() -> None:
    page = the_page(some_figures(), town="Musterstadt")

    for text in ("Steuerungszahlen Musterstadt 2026-Q1", "etwa 40", "weniger als 10", "wird nicht genannt"):
        assert text in page
    for text in ("Steering figures Musterstadt 2026-Q1", "about 40", "fewer than 10", "not told"):
        assert text in page


def test_the_page_has_no_script_and_fetches_nothing() -> None:
    page = the_page(some_figures())

    assert not re.search(r"<script|src=|url\(|@import|https?:|<link", page)


def test_every_table_has_a_caption_and_every_line_a_heading() -> None:
    page = the_page(some_figures())

    tables = re.findall(r"<table>(.*?)</table>", page)
    assert len(tables) == 2
    assert all("<caption>" in table for table in tables)
    assert all('<th scope="' in line for table in tables for line in re.findall(r"<tr>(.*?)</tr>", table))
    assert re.findall(r'<section id="(..)" lang="(..)">', page) == [("de", "de"), ("en", "en")]


def test_what_this_version_does_not_know_is_shown_by_its_code_and_escaped() -> None:
    page = the_page(
        some_figures("2026-Q1", "n", {"table": "new<b>", "rows": [{"row": "r&d", "about": 20}], "total": 20})
    )

    assert "new&lt;b&gt;" in page
    assert "r&amp;d" in page
    assert "<b>" not in page


def test_the_command_makes_both_out_of_what_was_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = json.dumps({"result": "status", "notice": "n", "reference": "E-1", "status": "running"})
    file = a_file(tmp_path, some_figures("2026-Q2").model_dump_json(), status, some_figures().model_dump_json())
    page, table = tmp_path / "report.html", tmp_path / "report.csv"

    code = main(["figures-report", str(file), "--html", str(page), "--csv", str(table)])

    assert code == 0
    assert page.read_text() == the_page(some_figures(), some_figures("2026-Q2"))
    assert table.read_bytes().count(b"\r\n") == 7
    assert json.loads(capsys.readouterr().out)["quarters"] == "2026-Q1, 2026-Q2"


def test_the_golden_answer_alone_makes_a_report(tmp_path: Path) -> None:
    assert [one.quarter for one in read_figures(EXAMPLE)] == ["2026-Q1"]
    assert main(["figures-report", str(EXAMPLE), "--csv", str(tmp_path / "out.csv")]) == 0


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["no json"], "line 1 is no JSON"),
        (['{"result": "empty"}'], "holds no figures"),
        (
            ['{"result": "figures", "figures": {"quarter": 1}}'],
            "of a form that is not known here: minimum, published_on",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(tmp_path: Path, lines: list[str], reason: str) -> None:
    with pytest.raises(BadFile, match=reason):
        read_figures(a_file(tmp_path, *lines))


def test_two_versions_of_a_quarter_are_refused(tmp_path: Path) -> None:
    other = some_figures("2026-Q1", "n-2", {"table": "needs", "rows": []})

    with pytest.raises(BadFile, match="two versions of 2026-Q1"):
        read_figures(a_file(tmp_path, some_figures().model_dump_json(), other.model_dump_json()))


def test_what_cannot_be_read_or_written_is_said_and_ends_with_2(tmp_path: Path) -> None:
    file = a_file(tmp_path, some_figures().model_dump_json())

    assert main(["figures-report", str(tmp_path / "not-there"), "--csv", str(tmp_path / "out.csv")]) == 2
    assert main(["figures-report", str(file), "--html", str(tmp_path / "no" / "folder.html")]) == 2


def test_words_of_both_languages_are_there_for_every_row() -> None:
    words = [one for table in TABLES.values() for one in (table.title, table.means, *table.rows.values())]

    assert all(one.de and one.en for one in words)
