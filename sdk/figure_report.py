"""A report of steering figures that another town's council can read: one page in two languages, and one CSV.

Plain HTML, no script, nothing from elsewhere. Built as a tree, so that every text is escaped.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from pydantic import ValidationError

from sdk.errors import BadFile
from sdk.figure_words import (
    ABOUT,
    FEWER,
    HOW_TO_READ,
    NOT_TOLD,
    PERSONS,
    PUBLISHED,
    ROW,
    TABLES,
    TITLE,
    TableWords,
    Words,
)
from sdk.figures import Figures, FigureTable

LANGUAGES = {"de": "Deutsch", "en": "English"}
TOTAL = "total"
COLUMNS = ("quarter", "table", "row", "label_de", "label_en", "about", "shown")

_STYLE = """
body { font: 1.05rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a;
  background: #fff }
table { border-collapse: collapse; width: 100%; margin: 1.5rem 0 .3rem }
caption { text-align: start; font-weight: 600; padding: .3rem 0 }
th, td { border: 1px solid #767676; padding: .3rem .6rem; text-align: start; font-weight: normal }
thead th, tfoot th, tfoot td { background: #eef2f5; font-weight: 600 }
td { text-align: end; width: 13rem }
section + section { border-top: 3px solid #1a1a1a; margin-top: 3rem }
@media print { section + section { break-before: page } table { break-inside: avoid } }
"""


def read_figures(path: Path) -> list[Figures]:
    """Read the figures out of what the gate answered: one JSON object, or a line each; the oldest quarter first."""
    found: dict[str, Figures] = {}
    for answer in _objects(path):
        if not isinstance(answer, dict) or answer.get("result") != "figures":
            continue
        try:
            figures = Figures.model_validate(answer.get("figures"))
        except ValidationError as error:
            fields = sorted({".".join(str(part) for part in one["loc"]) for one in error.errors(include_input=False)})
            raise BadFile(f"{path} holds figures of a form that is not known here: {', '.join(fields)}") from None
        if found.setdefault(figures.quarter, figures) != figures:
            raise BadFile(f"{path} holds two versions of {figures.quarter}: there is only ever one")
    if not found:
        raise BadFile(f"{path} holds no figures")
    return [found[quarter] for quarter in sorted(found)]


def as_html(quarters: Sequence[Figures], *, town: str = "") -> str:
    """Return the page."""
    names = ", ".join(figures.quarter for figures in quarters)
    html = Element("html", lang="de")
    head, body = SubElement(html, "head"), SubElement(html, "body")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    _text(head, "title", " ".join(part for part in (TITLE.de, town, names) if part))
    _text(head, "style", _STYLE)
    chosen = SubElement(SubElement(body, "nav", {"aria-label": "Sprache / language"}), "p")
    for language, name in LANGUAGES.items():
        _text(chosen, "a", name, href=f"#{language}", lang=language).tail = " "
    main = SubElement(body, "main")
    for language in LANGUAGES:
        section = SubElement(main, "section", id=language, lang=language)
        _text(section, "h1", " ".join(part for part in (TITLE.in_(language), town, names) if part))
        for words in HOW_TO_READ:
            first = quarters[0]
            _text(section, "p", words.in_(language).format(minimum=first.minimum, step=first.rounded_to))
        for figures in quarters:
            _quarter(section, figures, language)
    return "<!doctype html>\n" + tostring(html, encoding="unicode", method="html")


def as_csv(quarters: Iterable[Figures]) -> str:
    """Return a line for each cell; what is not told has no number and `shown` says no."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for figures in quarters:
        for table in figures.tables:
            for code, label, about in _cells(table):
                shown = "no" if about is None else "yes"
                number = "" if about is None else about
                writer.writerow((figures.quarter, table.table, code, label.de, label.en, number, shown))
    return text.getvalue()


def _objects(path: Path) -> Iterator[object]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path} cannot be read: {type(error).__name__}") from None
    try:
        yield json.loads(text)
        return
    except ValueError:
        lines = [line for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines, start=1):
        try:
            yield json.loads(line)
        except ValueError:
            raise BadFile(f"{path}: line {number} is no JSON") from None


def _cells(table: FigureTable) -> Iterator[tuple[str, Words, int | None]]:
    known = _words_of(table)
    for row in table.rows:
        yield row.row, known.rows.get(row.row, Words(row.row, row.row)), row.about
    if known.total is not None or table.total is not None:
        yield TOTAL, known.total or Words(TOTAL, TOTAL), table.total


def _words_of(table: FigureTable) -> TableWords:
    code = Words(table.table, table.table)
    return TABLES.get(table.table, TableWords(code, Words("", "")))


def _quarter(parent: Element, figures: Figures, language: str) -> None:
    _text(parent, "h2", figures.quarter)
    _text(parent, "p", PUBLISHED.in_(language).format(day=figures.published_on.isoformat()))
    for table in figures.tables:
        _table(parent, table, language, minimum=figures.minimum)


def _table(parent: Element, table: FigureTable, language: str, *, minimum: int) -> None:
    words = _words_of(table)
    shown = SubElement(parent, "table")
    _text(shown, "caption", words.title.in_(language))
    head = SubElement(SubElement(shown, "thead"), "tr")
    for title in (ROW, PERSONS):
        _text(head, "th", title.in_(language), scope="col")
    body = SubElement(shown, "tbody")
    for code, label, about in _cells(table):
        is_total = code == TOTAL
        line = SubElement(SubElement(shown, "tfoot") if is_total else body, "tr")
        _text(line, "th", label.in_(language), scope="row")
        nothing = NOT_TOLD.in_(language) if is_total else FEWER.in_(language).format(minimum=minimum)
        _text(line, "td", nothing if about is None else ABOUT.in_(language).format(about=about))
    if words.means.in_(language):
        _text(parent, "p", words.means.in_(language))


def _text(parent: Element, tag: str, text: str, **attributes: str) -> Element:
    element = SubElement(parent, tag, attributes)
    element.text = text
    return element
