"""The readable document: every value of the export stands on it, escaped, in words, under a policy that forbids all."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.access_page import LANGUAGES, STYLE, WORDS, page, policy
from tests.ops.builders import a_document, a_record

NASTY = [
    "<script>alert(1)</script>",
    '" onmouseover="x',
    "</style>",
    "&amp;",
    "a\r\nb",
    "\u202egnol",
    "<!--",
    "]]>",
    "\x00",
]
TEXTS = st.one_of(st.text(max_size=20), st.sampled_from(NASTY))
LEAVES = st.one_of(
    TEXTS, st.booleans(), st.integers(), st.dates().map(str), st.datetimes().map(lambda t: f"{t:%FT%TZ}")
)
NAMES = st.one_of(st.sampled_from(["text", "code", "name", "stands", "due_on", "about_id"]), TEXTS)
CONTENTS = st.dictionaries(
    NAMES,
    st.recursive(
        st.one_of(LEAVES, st.none()),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
        max_leaves=8,
    ),
    max_size=5,
)
RECORDS = st.builds(
    a_record,
    st.one_of(st.sampled_from(["case", "note", "answer", "disclosure", "message", "referral"]), TEXTS),
    id=TEXTS,
    source=TEXTS,
    content=CONTENTS,
    recorded_at=st.one_of(st.none(), st.just("2026-03-02T12:00:00Z")),
    concerns_others=st.sampled_from(["no", "perhaps", "yes"]),
)


class Seen(HTMLParser):
    """Collects what a reader of the page finds: the elements, and the value behind each."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: Counter[str] = Counter()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element."""
        said = dict(attrs)
        self.elements.add(tag)
        self.attributes |= said.keys()
        self.links += [name for name in said if name in ("src", "href", "srcset", "action", "style")]
        if said.get("class") == "value":
            self.values[str(said.get("value", said.get("datetime")))] += 1


def leaves_of(value: Any) -> Iterator[str]:  # Any: JSON values
    """Yield every value that is there, as text."""
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves_of(item)
    elif value is not None:
        yield value if isinstance(value, str) else str(value).lower()


@settings(deadline=None, max_examples=150)
@given(records=st.lists(RECORDS, max_size=4), language=st.sampled_from(LANGUAGES))
def test_every_value_of_the_export_stands_on_the_page(records: list[dict[str, Any]], language: str) -> None:
    document = a_document({"assessment": records or [a_record()], "intake": [a_record()]})

    seen = Seen(page(document, language))

    told = [record for one in document["services"] for record in one["records"]]
    wanted = Counter(leaf for record in told for leaf in leaves_of(record["content"]))
    wanted.update(value for record in told for value in (record["id"], record["source"], record["recorded_at"] or ""))
    wanted.pop("", None)
    assert wanted - seen.values == Counter()


@settings(deadline=None, max_examples=150)
@given(records=st.lists(RECORDS, min_size=1, max_size=3))
def test_nothing_that_is_told_becomes_part_of_the_page(records: list[dict[str, Any]]) -> None:
    usual = {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "br", "section", "article"),
        *("dl", "dt", "dd", "ul", "li", "data", "time"),
    }

    seen = Seen(page(a_document({"assessment": records}), "de"))

    assert seen.elements <= usual
    assert seen.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class", "dir", "value", "datetime"}
    assert seen.links == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_forbids_everything_but_its_own_style(language: str) -> None:
    html = page(a_document(), language)

    assert html.count("<style>") == 1
    assert f"<style>{STYLE}</style>" in html
    assert policy().startswith("default-src 'none'; style-src 'sha256-")
    assert 'http-equiv="Content-Security-Policy"' in html
    assert re.findall(r"https?:|url\(|@import", html) == []


@pytest.mark.parametrize(
    ("language", "group", "kind", "day"),
    [
        ("de", "Was wir wissen", "Private Notiz", "2. März 2026, 13:00:00"),
        ("en", "What we know", "Private note", "2 March 2026, 13:00:00"),
    ],
)
def test_headings_kinds_and_times_are_in_the_chosen_language(language: str, group: str, kind: str, day: str) -> None:
    html = page(a_document(), language)

    assert f'<html lang="{language}">' in html
    assert all(text in html for text in (group, kind, day))


def test_who_is_responsible_and_what_comes_next_stand_together() -> None:
    case = a_record(
        "case", content={"responsible_id": "team-nord", "next_step": "give_notices", "due_on": "2026-03-05"}
    )
    over = a_record(
        "case", content={"responsible_id": "team-alt", "next_step": "take", "due_on": "2026-01-01", "ended_at": "x"}
    )
    stands = {"next_step": "provider_opens", "due_at": "2026-03-06T12:00:00+00:00"}
    referral = a_record("referral", source="assessor-7", content={"stands": stands})

    html = page(a_document({"intake": [case, over], "referral": [referral]}), "en")

    assert "<li>intake (team-nord): give the three notices, by 5 March 2026</li>" in html
    assert "<li>referral (assessor-7): provider opens, by 6 March 2026, 13:00:00</li>" in html
    assert "(team-alt)" not in html


def test_a_recipient_is_called_by_its_name_wherever_its_id_stands() -> None:
    content = {"recipient_id": "lvr-klinik", "recipient": "LVR-Klinik (synthetic)"}
    told = {
        "consent": [a_record("disclosure", content=content)],
        "referral": [a_record("referral", content={"asked": {"recipient_id": "lvr-klinik"}})],
    }

    html = page(a_document(told), "de")

    assert html.count('value="lvr-klinik">LVR-Klinik (synthetic)<') == 2


def test_the_persons_own_words_are_never_taken_for_a_code_or_a_day() -> None:
    note = a_record(content={"content": {"text": "not_reached"}, "identity": {"name": "2026-01-01"}})

    html = page(a_document({"assessment": [note]}), "de")

    assert ">not_reached</data>" in html
    assert ">2026-01-01</data>" in html


def test_a_carriage_return_is_kept_where_a_browser_would_make_a_new_line_of_it() -> None:
    html = page(a_document({"assessment": [a_record(content={"text": "one\r\ntwo"})]}), "de")

    assert ">one&#13;\ntwo</data>" in html
    assert "\r" not in html


def test_what_is_or_may_be_about_somebody_else_and_what_cannot_be_read_is_said() -> None:
    records = [a_record(concerns_others="perhaps"), a_record(concerns_others="yes", unreadable=["content"])]

    html = page(a_document({"assessment": records}), "en")

    assert "May also be about other people." in html
    assert "Is about somebody else." in html
    assert "about other people too: 2" in html
    assert "Cannot be read any more: Content" in html


def test_a_kind_that_nobody_knows_yet_is_shown_among_the_rest() -> None:
    html = page(a_document({"assessment": [a_record("home_visit", content={"agreed_on": "2026-05-01"})]}), "en")

    rest = html[html.index("What else is kept") :]
    assert "home visit" in rest
    assert "1 May 2026" in rest


def test_every_word_is_there_in_both_languages() -> None:
    known = tomllib.loads(WORDS.read_text(encoding="utf-8"))

    lists = [known[name] for name in ("phrases", "services", "kinds", "fields", "words")]
    words = [word for one in lists for word in one.values()]
    assert all(word["de"] and word["en"] for word in [*words, *known["group"], known["rights"]["heading"]])
    assert [len(known[name][language]) for name in ("months", "intro", "rights") for language in LANGUAGES] == [
        12,
        12,
        2,
        2,
        5,
        5,
    ]
