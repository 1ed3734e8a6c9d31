"""The desk's page: plain HTML, no script, nothing from elsewhere. Built as a tree, so that every text is escaped."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any  # what is held is JSON
from xml.etree.ElementTree import Element, SubElement, tostring

_REFRESH_SECONDS = 3

_STYLE = """
body { font: 1.05rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a;
  background: #fff }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
caption { text-align: start; font-weight: 600; padding: .3rem 0 }
th, td { border: 1px solid #767676; padding: .4rem .6rem; text-align: start; vertical-align: top }
thead th { background: #eef2f5 }
ul { margin: 0; padding-inline-start: 1.2rem }
"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def render(*, title: str, state: Mapping[str, Any]) -> str:
    """Return the page that shows what this desk knows."""
    html = Element("html", lang="en")
    _head(html, title=title)
    main = SubElement(SubElement(html, "body"), "main")
    _text(main, "h1", title)
    _text(main, "p", f"Everything that {state['recipient_id']} knows through Gesehen, and nothing else.")
    _text(main, "p", _condition(state))
    _text(main, "h2", "Held now")
    for held in state["held"]:
        _released(main, held["released"])
    if not state["held"]:
        _text(main, "p", "Nothing.")
    _text(main, "h2", "Status of commissions")
    if state["statuses"]:
        _statuses(main, state["statuses"])
    else:
        _text(main, "p", "None.")
    return "<!doctype html>\n" + tostring(html, encoding="unicode", method="html")


def _head(html: Element, *, title: str) -> None:
    head = SubElement(html, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    SubElement(head, "meta", {"http-equiv": "refresh", "content": str(_REFRESH_SECONDS)})
    _text(head, "title", title)
    _text(head, "style", _STYLE)


def _condition(state: Mapping[str, Any]) -> str:
    connection = "Connected" if state["connected"] else "Not connected, trying again"
    reception = "notices are left unopened" if state["paused"] else "notices are opened as they come"
    return f"{connection}; {reception}; {state['received']} things received over the bus so far."


def _released(parent: Element, released: Mapping[str, Any]) -> None:
    frame = {"type", "reference", "professional_secrecy"}
    rows = {name: value for name, value in released.items() if name not in frame}
    table = _table(parent, f"{released['reference']} ({released['type']})", ("Category", "What was released"))
    for name, value in rows.items():
        row = SubElement(table, "tr")
        _text(row, "th", name, scope="row")
        _value(SubElement(row, "td"), value)
    if released.get("professional_secrecy"):
        _text(parent, "p", "It comes from a person bound to professional secrecy, which binds this desk too.")


def _statuses(parent: Element, statuses: Mapping[str, str]) -> None:
    table = _table(parent, "Follows from the commission and the calendar alone", ("Reference", "Status"))
    for reference, status in statuses.items():
        row = SubElement(table, "tr")
        _text(row, "th", reference, scope="row")
        _text(row, "td", status)


def _table(parent: Element, caption: str, columns: tuple[str, ...]) -> Element:
    table = SubElement(parent, "table")
    _text(table, "caption", caption)
    row = SubElement(SubElement(table, "thead"), "tr")
    for column in columns:
        _text(row, "th", column, scope="col")
    return SubElement(table, "tbody")


def _value(parent: Element, value: Any) -> None:
    match value:
        case list():
            items = SubElement(parent, "ul")
            for one in value:
                _value(SubElement(items, "li"), one)
        case dict():
            parent.text = ", ".join(f"{name}: {one}" for name, one in value.items())
        case _:
            parent.text = str(value)


def _text(parent: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(parent, tag, attributes).text = text
