"""Plays the stories against a running stage, checks every step, and prints them as they happen.

Left what is done inside the care circle, right what each outside party receives at that moment.
"""

import json
import secrets
import shutil
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx2

from ops.errors import OpsError
from ops.leaks import Knowledge
from ops.stage import ROLE_OF, Stage
from ops.story_file import Story, fill, fits, pick, texts_of

Tell = Callable[[str], None]

POLL_SECONDS: Final = 0.1


class StepFailed(OpsError):
    """Raised when a step did not come out as the story says."""

    code = "step_failed"

    def __init__(self, story: str, number: int, said: str, reason: str) -> None:
        super().__init__(f"story {story}, step {number} ({said}): {reason}")


@dataclass(slots=True)
class Player:
    """Plays stories one after the other; what one keeps, the next can use."""

    stage: Stage
    tell: Tell = print
    names: dict[str, Any] = field(default_factory=lambda: initial_names())  # noqa: PLW0108  defined below; Any: TOML and JSON values
    knowledge: Knowledge = field(default_factory=Knowledge)
    patience_seconds: float = 30.0
    after_step: Callable[[Story, int], None] = lambda story, number: None
    _heard: Counter[str] = field(default_factory=Counter)

    def play(self, story: Story) -> None:
        """Play one story; raise StepFailed at the first step that comes out wrong."""
        self.tell(f"\n{story.name}  {story.title}\n{textwrap.fill(story.about, 110)}")
        for number, step in enumerate(story.steps, start=1):
            self._print(f"{number:>2}. {step['say']}")
            reason = self._call(step) if "call" in step else None
            reason = reason or self._outside(step)
            if reason:
                raise StepFailed(story.name, number, step["say"], reason)
            self._print_news()
            self.after_step(story, number)

    def received(self, desk: str) -> list[dict[str, Any]]:  # Any: JSON values
        """Return everything that ever reached a desk over the bus."""
        return list(self._get(desk, "/received"))

    def _call(self, step: Mapping[str, Any]) -> str | None:
        method, target, path = fill(step["call"], self.names).split(" ", 2)
        body = fill(step["with"], self.names) if "with" in step else None
        self._note(step, target, body)
        role = step.get("as", ROLE_OF.get(target))
        headers = {"Idempotency-Key": secrets.token_urlsafe(24)} if method == "POST" and target in ROLE_OF else {}
        if role:
            headers["Authorization"] = f"Bearer {self.stage.tokens[role]}"
        until = time.monotonic() + self.patience_seconds
        while True:
            reason, may_change = self._try(step, method, self.stage.url(target) + path, body, headers)
            if reason is None or not may_change or time.monotonic() > until:
                return reason
            time.sleep(POLL_SECONDS)

    def _try(
        self, step: Mapping[str, Any], method: str, url: str, body: Any, headers: dict[str, str]
    ) -> tuple[str | None, bool]:
        """Make the call once; return what is wrong, and whether it may come right by itself."""
        try:
            answer = httpx2.request(method, url, json=body, headers=headers, timeout=30)
        except httpx2.TransportError as error:
            return f"no answer ({type(error).__name__})", True
        wanted = step.get("status", 200)
        if answer.status_code != wanted:
            waits = answer.status_code in (*step.get("retry_while", ()), 503)
            return f"status {answer.status_code} instead of {wanted}: {answer.text[:300]}", waits or "until" in step
        if "contains" in step or "lacks" in step:
            return self._compare_text(step, answer.text), True
        found = answer.json()
        expected = fill(step.get("until", step.get("expect", {})), self.names)
        if not fits(expected, found):
            return f"found {json.dumps(found)[:500]}, expected {json.dumps(expected)}", "until" in step
        if "count" in step and len(found) != step["count"]:
            return f"found {len(found)} instead of {step['count']}", True
        for name, place in step.get("keep", {}).items():
            self.names[name] = pick(found, place)
        return None, False

    def _compare_text(self, step: Mapping[str, Any], text: str) -> str | None:
        missing = [item for item in fill(step.get("contains", []), self.names) if item not in text]
        unwanted = [item for item in fill(step.get("lacks", []), self.names) if item in text]
        if missing or unwanted:
            return f"missing {missing}, unwanted {unwanted}"
        if step.get("show"):
            for line in text.splitlines():
                self._print(textwrap.indent(textwrap.fill(line, 104), "      | "), wide=True)
        return None

    def _outside(self, step: Mapping[str, Any]) -> str | None:
        """Check what outside parties have; what comes over the bus may take a moment."""
        checks = {"holds": self._held, "heard": self._answers, "statuses": self._statuses, "unopened": self._unopened}
        for word, look in checks.items():
            for desk, wanted in fill(step.get(word, {}), self.names).items():
                until = time.monotonic() + self.patience_seconds
                while (found := look(desk)) != wanted:
                    if time.monotonic() > until:
                        return f"{desk} {word} {found} instead of {wanted}"
                    time.sleep(POLL_SECONDS)
        return None

    def _held(self, desk: str) -> dict[str, list[str]]:
        frame = {"type", "reference", "service", "professional_secrecy"}
        held = self._get(desk, "/held")["held"]
        return {item["released"]["reference"]: sorted(item["released"].keys() - frame) for item in held}

    def _answers(self, desk: str) -> dict[str, int]:
        """Return how often each kind of answer came, without what was opened again and what was empty."""
        seen = {
            entry["body"]["notice"]: entry["body"]["result"]
            for entry in self.received(desk)
            if entry["kind"] == "answer" and "notice" in entry["body"]
        }
        return dict(Counter(seen.values()))

    def _statuses(self, desk: str) -> dict[str, str]:
        return dict(self._get(desk, "/held")["statuses"])

    def _unopened(self, desk: str) -> int:
        return int(self._get(desk, "/unopened")["count"])

    def _get(self, target: str, path: str) -> Any:  # Any: JSON values
        return httpx2.get(self.stage.url(target) + path, timeout=30).json()

    def _note(self, step: Mapping[str, Any], target: str, body: Any) -> None:
        if "mark" in step:
            for text in texts_of(body):
                self.knowledge.add(step["mark"]["person"], step["mark"]["category"], text)
        if "grants" in step:
            granted = {"recipient": body.get("recipient_id"), "words": body.get("words"), **step["grants"]}
            self.knowledge.grant(granted["recipient"], granted["person"], granted["words"])
        if "withdraws" in step:
            self.knowledge.withdraw(step["withdraws"]["recipient"], step["withdraws"]["person"])

    def _print_news(self) -> None:
        """Show beside the step what outside parties have received since the last one."""
        for desk in self.stage.desks():
            entries = self.received(desk)
            for entry in entries[self._heard[desk] :]:
                line = describe(entry)
                if line:
                    self._print_right(f"{desk} < {line}")
            self._heard[desk] = len(entries)

    def _print(self, text: str, *, wide: bool = False) -> None:
        width = shutil.get_terminal_size((132, 40)).columns // 2 - 2
        self.tell(text if wide else textwrap.fill(text, width, subsequent_indent="    "))

    def _print_right(self, text: str) -> None:
        columns = shutil.get_terminal_size((132, 40)).columns
        left = columns // 2
        for line in textwrap.wrap(text, columns - left - 2, subsequent_indent="    "):
            self.tell(f"{'':{left}}| {line}")


def describe(entry: Mapping[str, Any]) -> str | None:  # Any: JSON values
    """Return what reached a desk, in a line; notices themselves say nothing and are left out."""
    body = entry["body"]
    if entry["kind"] == "notice" or body.get("result") == "empty":
        return None
    if body.get("result") == "released":
        told = {key: value for key, value in body["released"].items() if key != "type"}
        return f"released: {json.dumps(told, ensure_ascii=False)}"
    if body.get("result") == "retracted":
        return "retracted: drop what was released"
    if body.get("result") == "status":
        return f"status of {body['reference']}: {body['status']}"
    if body.get("result") == "refused":
        return "refused: " + "; ".join(f"{item['field']} {item['reason']}" for item in body["errors"])
    return str(body.get("result"))


def initial_names() -> dict[str, Any]:  # Any: TOML and JSON values
    """Return what every story may use from the start."""
    text_sha256 = "5e" * 32
    evidence = {
        "channel": "paper",
        "place": "elsewhere",
        "language": "de",
        "text_version": "2026-10",
        "text_sha256": text_sha256,
        "document_sha256": "d0" * 32,
        "told_purpose": True,
        "told_refusal_is_free": True,
        "told_right_to_withdraw": True,
    }
    now = datetime.now(UTC)
    today = now.date()
    return {
        "today": today.isoformat(),
        "an_hour_ago": (now - timedelta(hours=1)).isoformat(),
        "now": now.isoformat(),
        "in_10_minutes": (now + timedelta(minutes=10)).isoformat(),
        "in_2_hours": (now + timedelta(hours=2)).isoformat(),
        "in_90_days": (today + timedelta(days=90)).isoformat(),
        "yesterday": (now - timedelta(days=1)).isoformat(),
        "three_days_ago": (now - timedelta(days=3)).isoformat(),
        "a_week_ago": (now - timedelta(days=7)).isoformat(),
        "text_sha256": text_sha256,
        "evidence": evidence,
        "evidence_at_the_jobcenter": {**evidence, "channel": "portal", "place": "jobcenter_device"},
    }
