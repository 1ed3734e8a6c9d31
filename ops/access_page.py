"""The readable answer to a person who asks what is kept about them: one page, in plain words, for paper or screen.

Every value of the document stands on it, in the order of the person's questions. No script, nothing from elsewhere:
the page's own policy forbids it. What its words do not know is shown as it is.
"""

import base64
import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from html import escape
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

Document = Mapping[str, Any]  # Any: JSON values

LANGUAGES: Final = ("de", "en")
ZONE: Final = ZoneInfo("Europe/Berlin")
WORDS: Final = Path(__file__).with_name("access_words.toml")
AS_WRITTEN: Final = {"text", "name", "address"}
"""Fields that hold a person's own words: never taken for a code or a day."""

STYLE: Final = """
body{font:1rem/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.8rem;line-height:1.2}h2{margin-top:2.5rem;border-bottom:2px solid #1a1a1a}h3{margin:0}
article{margin:1rem 0;padding:.75rem 1rem;border:1px solid #767676;border-radius:.4rem;break-inside:avoid}
.from,.id{margin:.2rem 0;color:#595959;font-size:.9rem}
.mark{margin:.4rem 0;padding-left:.5rem;border-left:.3rem solid #8a5a00}
dl{display:grid;grid-template-columns:minmax(8rem,13rem) 1fr;gap:.15rem 1rem;margin:.4rem 0}
dt{font-weight:600}dd{margin:0}dl dl{grid-column:1/-1}ul{margin:0;padding-left:1.2rem}
.value{white-space:pre-wrap;overflow-wrap:anywhere}
@media print{body{margin:0;max-width:none;font-size:10pt}h2{break-after:avoid}}
"""


def page(document: Document, language: str) -> str:
    """Return the whole document as a page in this language."""
    return _Page(document, language).html()


def policy(style: str = STYLE) -> str:
    """Return the policy of a page: its own style and nothing else, from nowhere."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


class _Page:
    def __init__(self, document: Document, language: str) -> None:
        self._document = document
        self._language = language
        self._known = tomllib.loads(WORDS.read_text(encoding="utf-8"))
        self._records = [(one["service"], record) for one in document["services"] for record in one["records"]]
        self._recipients = {
            record["content"]["recipient_id"]: record["content"]["recipient"]
            for _, record in self._records
            if {"recipient", "recipient_id"} <= record["content"].keys()
        }

    def html(self) -> str:
        title = escape(self._phrase("title"))
        parts = [
            f'<!DOCTYPE html>\n<html lang="{self._language}">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(policy())}">',
            '<meta name="referrer" content="no-referrer">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>",
            *self._head(),
            *(line for group in self._known["group"] for line in self._group(group)),
            *self._rights(),
            "</body>\n</html>\n",
        ]
        return "\n".join(parts)

    def _head(self) -> Iterator[str]:
        for paragraph in self._known["intro"][self._language]:
            yield f"<p>{escape(paragraph)}</p>"
        generated = self._value("generated_at", self._document["generated_at"])
        person = self._value("text", self._document["person_id"])
        marked = sum(record["concerns_others"] != "no" for _, record in self._records)
        yield f"<p>{self._say('made')}: {generated}<br>{self._say('your_id')}: {person}</p>"
        if marked:
            yield f'<p class="mark">{self._say("count_others")}: {marked}</p>'
        if self._document["unknown_to"]:
            names = ", ".join(self._look_up("services", name) for name in self._document["unknown_to"])
            yield f"<p>{self._say('unknown_to')}: {escape(names)}</p>"

    def _group(self, group: Mapping[str, Any]) -> Iterator[str]:
        records = [one for one in self._records if self._group_of(*one) is group]
        if not records and not group["kinds"]:
            return
        yield f"<section>\n<h2>{escape(group[self._language])}</h2>"
        if "referral" in group["kinds"]:
            yield from self._next_steps()
        if not records:
            yield f"<p>{self._say('nothing')}</p>"
        for service, record in records:
            yield self._article(service, record)
        yield "</section>"

    def _group_of(self, service: str, record: Mapping[str, Any]) -> Mapping[str, Any]:
        names = {f"{service}.{record['kind']}", record["kind"]}
        groups: list[Mapping[str, Any]] = self._known["group"]
        return next((group for group in groups if names & set(group["kinds"])), groups[-1])

    def _next_steps(self) -> Iterator[str]:
        lines = list(self._steps())
        if lines:
            yield f"<h3>{self._say('next_steps')}</h3>\n<ul>"
            yield from (f"<li>{line}</li>" for line in lines)
            yield "</ul>"

    def _steps(self) -> Iterator[str]:
        for service, record in self._records:
            content = record["content"]
            step = content["stands"] if isinstance(content.get("stands"), dict) else content
            if step.get("next_step") is None or content.get("ended_at"):
                continue
            who = self._shown(content.get("responsible_id") or record["source"])
            what, due = self._shown(step["next_step"]), self._shown(step.get("due_on") or step.get("due_at") or "")
            where = escape(self._look_up("services", service))
            yield f"{where} ({escape(who)}): {escape(what)}, {self._say('until')} {escape(due)}"

    def _article(self, service: str, record: Mapping[str, Any]) -> str:
        marks = {"perhaps": "perhaps", "yes": "others"}
        mark = marks.get(record["concerns_others"])
        when = self._value("recorded_at", record["recorded_at"]) if record["recorded_at"] else ""
        lines = [
            "<article>",
            f"<h3>{escape(self._look_up('kinds', record['kind']))}</h3>",
            f'<p class="from">{self._say("held_by")}: {escape(self._look_up("services", service))}; '
            f"{self._say('recorded')} {when} {self._say('from')} {self._value('source', record['source'])}</p>",
            f'<p class="mark">{self._say(mark)}</p>' if mark else "",
            self._value("", record["content"]),
            *(f"<p>{self._say('unreadable')}: {self._label(name)}</p>" for name in record["unreadable"]),
            f'<p class="id">{self._say("id")}: {self._value("text", record["id"])}</p>',
            "</article>",
        ]
        return "\n".join(line for line in lines if line)

    def _rights(self) -> Iterable[str]:
        rights = self._known["rights"]
        items = [f"<li>{escape(right)}</li>" for right in rights[self._language]]
        return [f"<section>\n<h2>{escape(rights['heading'][self._language])}</h2>\n<ul>", *items, "</ul>\n</section>"]

    def _value(self, name: str, value: Any) -> str:  # Any: a JSON value
        if isinstance(value, dict):
            told = {key: item for key, item in value.items() if item is not None}
            rows = [f"<dt>{self._label(key)}</dt><dd>{self._value(key, item)}</dd>" for key, item in told.items()]
            return f"<dl>{''.join(rows)}</dl>" if rows else ""
        if isinstance(value, list):
            return "<ul>" + "".join(f"<li>{self._value(name, item)}</li>" for item in value) + "</ul>"
        return self._leaf(name, value)

    def _leaf(self, name: str, value: Any) -> str:  # Any: a JSON value
        plain = value if isinstance(value, str) else str(value).lower()
        shown = plain if name in AS_WRITTEN else self._shown(plain)
        tag = "time" if _moment(plain) and shown != plain else "data"
        kept = f'{"datetime" if tag == "time" else "value"}="{_escaped(plain)}"'
        return f'<{tag} class="value" dir="auto" {kept}>{_escaped(shown)}</{tag}>'

    def _shown(self, value: Any) -> str:  # Any: a JSON value
        """Return a day, a code or the id of a recipient in words; anything else as it is."""
        plain = str(value)
        moment = _moment(plain)
        if moment is not None:
            return self._day(moment)
        if plain in self._recipients:
            return str(self._recipients[plain])
        known = self._known["words"].get(plain)
        if known:
            return str(known[self._language])
        is_code = plain.isascii() and plain == plain.lower() and plain.replace("_", "").isalnum() and "_" in plain
        return plain.replace("_", " ") if is_code else plain

    def _day(self, moment: date | datetime) -> str:
        local = moment.astimezone(ZONE) if isinstance(moment, datetime) else moment
        month = self._known["months"][self._language][local.month - 1]
        dot = "." if self._language == "de" else ""
        day = f"{local.day}{dot} {month} {local.year}"
        return f"{day}, {local:%H:%M:%S}" if isinstance(local, datetime) else day

    def _label(self, name: str) -> str:
        return escape(self._look_up("fields", name))

    def _look_up(self, list_: str, name: str) -> str:
        known = self._known[list_].get(name)
        return str(known[self._language]) if known else name.replace("_", " ")

    def _phrase(self, name: str) -> str:
        return str(self._known["phrases"][name][self._language])

    def _say(self, name: str) -> str:
        return escape(self._phrase(name))


def _moment(text: str) -> date | datetime | None:
    """Return the day or the time that a text is, as services write them; None if it is something else."""
    try:
        if len(text) == len("2026-01-01"):
            return date.fromisoformat(text)
        found = datetime.fromisoformat(text) if "T" in text else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _escaped(text: str) -> str:
    """Escape a text so that it is read back letter by letter; a browser would make a new line of a carriage return."""
    return escape(text).replace("\r", "&#13;")
