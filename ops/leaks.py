"""Looks for what nobody may have: every personal text of the stories, in everything outside and in every log.

A text counts as a leak at a recipient unless its person released its category to that recipient; in a log, always.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SHORTEST = 8
"""Texts that are shorter could turn up by accident, so the stories may not rest on them."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A text that belongs to one field of one person."""

    person: str
    category: str
    text: str


@dataclass(slots=True)
class Knowledge:
    """What the stories said inside, and what each recipient was ever, and is now, allowed to know."""

    marks: dict[str, Mark] = field(default_factory=dict)
    ever: set[tuple[str, str, str]] = field(default_factory=set)
    now: set[tuple[str, str, str]] = field(default_factory=set)

    def add(self, person: str, category: str, text: str) -> None:
        """Note a text; the same text in two fields would prove nothing, so it is refused."""
        mark = Mark(person, category, text)
        if len(text) < SHORTEST:
            return
        if self.marks.setdefault(text, mark) != mark:
            raise ValueError(f"the stories use one text for two fields ({person}, {category})")

    def grant(self, recipient: str, person: str, words: dict[str, str]) -> None:
        """Note a person's answers."""
        for category, word in words.items():
            entry = (recipient, person, category)
            if word == "yes":
                self.ever.add(entry)
                self.now.add(entry)
            else:
                self.now.discard(entry)

    def withdraw(self, recipient: str, person: str) -> None:
        """Note that a person took everything back from a recipient."""
        self.now = {entry for entry in self.now if entry[:2] != (recipient, person)}

    def leaks_in(self, recipient: str, received: Any, *, now: bool) -> list[Mark]:  # Any: JSON values
        """Return the marks in what a recipient has (`now`: in what it can still ask for) that it may not know."""
        allowed = self.now if now else self.ever
        return [mark for mark in self.found_in(received) if (recipient, mark.person, mark.category) not in allowed]

    def found_in(self, received: Any) -> list[Mark]:  # Any: JSON values
        """Return the marks that occur in something."""
        text = json.dumps(received, ensure_ascii=False)
        return [mark for mark in self.marks.values() if json.dumps(mark.text, ensure_ascii=False)[1:-1] in text]

    def leaks_in_logs(self, folders: list[Path]) -> list[tuple[Path, Mark]]:
        """Return the marks that occur in any log file."""
        encoded = [(mark, mark.text.encode()) for mark in self.marks.values()]
        return [
            (path, mark)
            for folder in folders
            for path in sorted(folder.rglob("*.log*"))
            for mark, text in encoded
            if text in path.read_bytes()
        ]
