"""The sheets for paper: the plan for the worker, and for the person that a no counts now, at the door and inside."""

import re
import tomllib
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.access_page import LANGUAGES
from ops.packet_page import WORDS, language_of, page
from tests.ops.packets import ASK_FOR, WHERE, a_packet

ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "section"),
    *("h1", "h2", "p", "dl", "dt", "dd", "ul", "li"),
}
NASTY = ["<script>alert(1)</script>", '" onmouseover="x', "</style>", "&amp;", "<!--", "]]>", "<img src=//x>"]
VISIBLE = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=30)
TEXTS = st.one_of(st.sampled_from(NASTY), VISIBLE)


class Seen(HTMLParser):
    """Collects the elements, attributes and texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_persons_sheet_says_all_that_it_must(language: str) -> None:
    words = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    sheet = unescape(_person_sheet(page(a_packet(language=language), own="de", theirs=language)))

    assert all(text in sheet for part in ("intro", "rights", "withdraw") for text in words[part][language])
    assert words["signing"][language] in sheet
    asked = ("who", "why", "from", "until", "where", "ask_for", "reach_us", "place_and_day", "signature")
    assert all(words["phrases"][name][language] in sheet for name in asked)
    assert all(
        value in sheet for value in (WHERE, ASK_FOR, "outreach-0001", words["purposes"]["get_to_know"][language])
    )


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", ("Jetzt gleich", "An der Tür", "in Ihrer Wohnung", "keine Folgen", "keinen Grund")),
        ("en", ("Right now", "At the door", "already inside", "no consequences", "not give a reason")),
    ],
)
def test_a_no_counts_now_at_the_door_and_inside(language: str, said: tuple[str, ...]) -> None:
    sheet = _person_sheet(page(a_packet(), own="de", theirs=language))

    assert all(part in sheet for part in said)


def test_every_text_stands_there_in_both_languages() -> None:
    words = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    tables = [*words["phrases"].values(), *words["purposes"].values()]
    texts = [
        words[name] for name in ("months", "weekdays", "times", "worker", "intro", "rights", "withdraw", "signing")
    ]

    assert {frozenset(one) for one in [*tables, *texts]} == {frozenset(LANGUAGES)}
    assert [len(one["de"]) for one in texts if isinstance(one["de"], list)] == [
        len(one["en"]) for one in texts if isinstance(one["de"], list)
    ]


@pytest.mark.parametrize(("spoken", "sheet"), [("de", "de"), ("en-GB", "en"), ("uk", "de"), (None, "de")])
def test_the_sheet_is_in_the_persons_language_if_it_is_known_here(spoken: str | None, sheet: str) -> None:
    assert language_of(a_packet(language=spoken)) == sheet


def test_the_persons_sheet_names_no_word_of_the_machinery() -> None:
    sheet = _person_sheet(page(a_packet(), own="de", theirs="de"))

    assert not [part for part in ("a" * 16, "visit-0001", "packet-0001") if part in sheet]


def test_the_page_fetches_nothing() -> None:
    html = page(a_packet(), own="de", theirs="de")

    assert "default-src &#x27;none&#x27;" in html
    assert not re.search(r"https?:|url\(|@import|src=|href=|<script|<link", html)


@given(where=TEXTS, ask_for=TEXTS)
def test_whatever_the_plan_says_stays_text(where: str, ask_for: str) -> None:
    seen = Seen(page(a_packet(where=where, ask_for=ask_for), own="de", theirs="en"))

    assert seen.elements <= ELEMENTS
    assert seen.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class"}
    assert {where, ask_for} <= set(seen.texts)


def _person_sheet(html: str) -> str:
    return html.split("<section")[2]
