"""What a note that was made without network means for a visit that went on without it. Pure rules: no clock, no store.

Notes come late, again, and in any order; meanwhile the person may have taken their permission back, the plan may be
another, or a colleague may have noted the same. What comes after the end changes nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.referral.visit import Agreed, Over, Proposed, Visit
from shared.contracts.packet import EntryKind, JournalEntry, Settlement


class Effect(StrEnum):
    """What an entry does to a visit."""

    START = "start"
    END = "end"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows from an entry."""

    settled: Settlement
    effect: Effect
    is_late_start: bool = False
    """Whether somebody set out on a visit that was over when this was heard, and could not know: the lead is told."""


_START: Final = Consequence(Settlement.TAKEN, Effect.START)
_END: Final = Consequence(Settlement.TAKEN, Effect.END)
_KEPT: Final = Consequence(Settlement.TAKEN, Effect.NOTHING)
_AFTER_THE_END: Final = Consequence(Settlement.AFTER_THE_END, Effect.NOTHING)
_LATE_START: Final = Consequence(Settlement.AFTER_THE_END, Effect.NOTHING, is_late_start=True)


def consequence(entry: JournalEntry, visit: Visit | None, *, plan_sha256: str, ended_by_note: bool) -> Consequence:
    """Return what follows from an entry that is heard for the first time.

    `plan_sha256` names the plan of the packet under which it was noted: for another plan nobody was permitted to come.
    `ended_by_note` says whether an entry has ended the visit already: then its start was no surprise. A visit that
    cannot be read (None) ends by any word, and begins by none.
    """
    is_start = entry.kind is EntryKind.SET_OUT
    if visit is None:
        return _KEPT if is_start else _END
    if isinstance(visit, Over | Proposed) or visit.plan.sha256 != plan_sha256:
        return _LATE_START if is_start and not ended_by_note else _AFTER_THE_END
    if not is_start:
        return _END
    return _START if isinstance(visit, Agreed) else _KEPT


def in_order(entries: tuple[JournalEntry, ...]) -> list[JournalEntry]:
    """Return starts before ends: in which order they were handed in does not matter."""
    return sorted(entries, key=lambda entry: entry.kind is EntryKind.OVER)
