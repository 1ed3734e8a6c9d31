"""A visit packet in words: on the screen for the worker, and on paper with the sheet that the person keeps.

The sheet says who comes, why, when and where, and that a no counts now, at the door and inside. No script, nothing from
elsewhere: the page's own policy forbids it.
"""

import tomllib
from collections.abc import Iterator
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, Final

from ops.access_page import LANGUAGES, ZONE, policy
from shared.contracts.packet import Packet

WORDS: Final = Path(__file__).with_name("packet_words.toml")
_STYLE: Final = """
body{font:1.1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#000;background:#fff}
h1{font-size:1.7rem;line-height:1.2}h2{font-size:1.25rem;margin:1.5rem 0 .3rem}
section+section{border-top:2px dashed #767676;margin-top:2rem}
dl{display:grid;grid-template-columns:minmax(8rem,12rem) 1fr;gap:.3rem 1rem}
dt{font-weight:600}dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
.line{border-bottom:1px solid #000;min-height:2.2rem}
@media print{body{margin:0;max-width:none;font-size:12pt}section+section{break-before:page;border:0;margin:0}}
"""

Line = tuple[str, str]


class Wording:
    """The words of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._known: dict[str, Any] = tomllib.loads(WORDS.read_text(encoding="utf-8"))  # Any: TOML values

    def phrase(self, name: str) -> str:
        """Return a short label."""
        return str(self._known["phrases"][name][self.language])

    def texts(self, name: str) -> list[str]:
        """Return the sentences of a paragraph."""
        said = self._known[name][self.language]
        return [said] if isinstance(said, str) else list(said)

    def purpose(self, code: str) -> str:
        """Return why somebody comes; a code that is not known stands for itself."""
        return str(self._known["purposes"].get(code, {}).get(self.language, code))

    def time(self, at: datetime) -> str:
        """Return day and time as they are said in Essen."""
        here = at.astimezone(ZONE)
        pattern: str = self._known["times"][self.language]
        return pattern.format(
            weekday=self._known["weekdays"][self.language][here.weekday()],
            day=here.day,
            month=self._known["months"][self.language][here.month - 1],
            year=here.year,
            time=f"{here:%H:%M}",
        )


def language_of(packet: Packet) -> str:
    """Return the language of the person's sheet: their own if it is known here, else German."""
    spoken = (packet.language or "").split("-")[0].lower()
    return spoken if spoken in LANGUAGES else "de"


def lines(packet: Packet, wording: Wording) -> list[Line]:
    """Return the plan: who comes, why, when, where."""
    window = packet.permission.window
    return [
        (wording.phrase("who"), ", ".join(packet.workers)),
        (wording.phrase("why"), wording.purpose(packet.purpose)),
        (wording.phrase("from"), wording.time(window.starts_at)),
        (wording.phrase("until"), wording.time(window.ends_at)),
        (wording.phrase("where"), packet.where),
        *([(wording.phrase("ask_for"), packet.ask_for)] if packet.ask_for else []),
    ]


def worker_lines(packet: Packet, wording: Wording) -> list[Line]:
    """Return the plan with what only the worker needs."""
    return [
        *lines(packet, wording),
        (wording.phrase("readable_until"), wording.time(packet.expires_at)),
        (wording.phrase("permission"), packet.permission.plan_sha256[:16]),
    ]


def page(packet: Packet, *, own: str, theirs: str) -> str:
    """Return two sheets: the worker's in their own language, and the person's in theirs."""
    parts = [
        f'<!DOCTYPE html>\n<html lang="{theirs}">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy(_STYLE))}">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{escape(Wording(theirs).phrase('person_title'))}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
        *_worker_sheet(packet, Wording(own)),
        *_person_sheet(packet, Wording(theirs)),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _worker_sheet(packet: Packet, wording: Wording) -> Iterator[str]:
    yield f'<section lang="{wording.language}">\n<h1>{escape(wording.phrase("worker_title"))}</h1>'
    yield from _list(worker_lines(packet, wording))
    yield from _items(wording.texts("worker"))
    yield "</section>"


def _person_sheet(packet: Packet, wording: Wording) -> Iterator[str]:
    yield f'<section lang="{wording.language}">\n<h1>{escape(wording.phrase("person_title"))}</h1>'
    yield from (f"<p>{escape(text)}</p>" for text in wording.texts("intro"))
    yield from _list(lines(packet, wording), blank=wording.phrase("name"))
    yield f"<h2>{escape(wording.phrase('rights'))}</h2>"
    yield from _items(wording.texts("rights"))
    yield f"<h2>{escape(wording.phrase('withdraw'))}</h2>"
    yield from _items(wording.texts("withdraw"))
    yield from _list([], blank=wording.phrase("reach_us"))
    yield from (f"<p>{escape(text)}</p>" for text in wording.texts("signing"))
    yield from _list([], blank=wording.phrase("place_and_day"))
    yield from _list([], blank=wording.phrase("signature"))
    yield "</section>"


def _list(told: list[Line], *, blank: str | None = None) -> Iterator[str]:
    yield "<dl>"
    yield from (f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in told)
    if blank is not None:
        yield f'<dt>{escape(blank)}</dt><dd class="line"></dd>'
    yield "</dl>"


def _items(texts: list[str]) -> Iterator[str]:
    yield "<ul>"
    yield from (f"<li>{escape(text)}</li>" for text in texts)
    yield "</ul>"
