"""The example desk's page and its record of what came in."""

from pathlib import Path
from typing import Any

from examples.page import CONTENT_SECURITY_POLICY, render
from examples.received import ReceivedLog
from sdk import Arrival


def a_state(**changes: Any) -> dict[str, Any]:
    state = {
        "recipient_id": "jobcenter-essen",
        "held": [],
        "statuses": {},
        "received": 0,
        "paused": False,
        "connected": True,
    }
    return state | changes


def an_arrival(**changes: Any) -> Arrival:
    values: dict[str, Any] = {
        "kind": "notice",
        "properties": {"message_id": "n"},
        "headers": {},
        "delivery": {},
        "size": 2,
        "body": b"{}",
    }
    return Arrival(**(values | changes))


def test_what_came_over_the_bus_is_escaped() -> None:
    held = [{"released": {"type": "t", "reference": "<script>", "statements": [{"text": "<img src=x>&"}]}}]

    page = render(title="Desk", state=a_state(held=held, statuses={"<b>": "running"}))

    assert "<script" not in page
    assert "<img" not in page
    assert "<b>" not in page
    assert "&lt;img src=x&gt;&amp;" in page


def test_a_desk_that_knows_nothing_says_so_and_no_more() -> None:
    page = render(title="Desk", state=a_state())

    assert "Nothing." in page
    assert "withheld" not in page.lower()


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    page = render(title="Desk", state=a_state())

    assert not [word for word in ("http://", "https://", "src=", "href=", "<script") if word in page]
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'")


def test_a_restart_keeps_what_came_in(tmp_path: Path) -> None:
    before = ReceivedLog(tmp_path / "received.jsonl")
    before.add(an_arrival(body=b'{"result":"empty"}'))
    before.add(an_arrival(body=b"\xff"))

    after = ReceivedLog(tmp_path / "received.jsonl")

    assert after.entries() == before.entries()
    assert [entry["number"] for entry in after.entries()] == [1, 2]
    assert [entry["body"] for entry in after.entries()] == [{"result": "empty"}, "\\xff"]
