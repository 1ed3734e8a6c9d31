"""The named moments in the work of a service at which a kill -9 could lose or double something.

Runs inside the service's own process (`crashing/sitecustomize.py`); no line of the service knows of it. Each passing of
a moment is noted in a file, and at one of them the process kills itself. Nothing is flushed, closed or answered.
"""

import inspect
import os
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any

import aiormq
from faststream.rabbit.message import RabbitMessage
from sqlalchemy.orm import Session

from shared import journal_file
from shared.bus import Line
from shared.effect import Effects
from shared.inbox import Inbox
from shared.journal import Journal
from shared.journal_file import JournalFile
from shared.keys import PersonKeys
from shared.outbox import Outbox
from shared.receiver import Receiver
from shared.topology import EVENTS, GATE

FAILS_FIRST = "retry_moved"
"""The one moment that does not come by itself: a handler has to fail for it."""

EVERYWHERE = {
    "delivered": "a message has arrived, nothing is done",
    "read": "it is decoded and checked, no transaction has begun",
    "inbox_row": "its inbox row is written, its handler has not run",
    "handled": "its handler has run, no outbox row is written",
    "outbox_row": "the outbox rows are written",
    "before_commit": "all is written, nothing is committed",
    "committed": "it is committed, nobody was told: no ack, no answer, no relay",
    "before_ack": "its effect is known to the receiver, it is not acknowledged",
    "acked": "it is acknowledged; the relay may not have begun",
    "before_publish": "the relay has taken a row, nothing is sent",
    "unconfirmed": "it is published, and the broker's confirmation arrives unread",
    "confirmed": "the confirmation is read, the row is not marked",
    "marked": "the row is marked as sent, that is not committed",
    "retry_moved": "its handler failed, a copy waits for the next attempt, the first one is not acknowledged",
    "journal_torn": "half a line of the journal is written",
    "journal_unsynced": "the line is written, the disk has not confirmed it",
    "journal_synced": "the disk has confirmed it, no key is destroyed, nothing is committed",
    "keys_destroyed": "the keys are destroyed, that is not committed",
}
AT_THE_GATE = {
    "opened": "an opening is committed, its request is neither acknowledged nor answered",
    "unanswered": "its request is acknowledged, the recipient has no answer",
    "carried_out": "a recipient's command has had its effect, its request is neither acknowledged nor answered",
}
RISING = {
    "free_again": "it rises after a crash, and has ended the claims of the dead process",
    "claimed": "it rises, and has taken from the table what was left over",
    "replayed": "it rises, and has brought the database to where the journal is, not committed",
}
RISES_AFTER = {"free_again": "before_publish", "claimed": "before_publish", "replayed": "journal_synced"}
"""At which moment it has to die first, so that there is something to rise to."""


ACTS_WITHOUT_COMMIT = {"journal_unsynced", "journal_synced", "keys_destroyed"}
"""What lies in the journal has its effect after the next start, though its transaction never came to a commit."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of something that is watched. Any: whatever it takes and returns."""

    arguments: tuple[Any, ...]
    options: dict[str, Any]
    result: Any = None


Passed = Callable[[str], bool]
"""Notes that a moment was passed, and ends the process if it is the last; returns whether it is."""
When = Callable[[Call], bool]


def points_of(service: str) -> list[str]:
    """Return every moment at which a service can be killed."""
    return [*EVERYWHERE, *(AT_THE_GATE if service == GATE else ()), *RISING]


def watch(trace: str, *, at: str) -> None:
    """Have every moment noted in a file; `at` names one, and at which passing (`committed:3`) it is the last."""
    point, _, turn = at.partition(":")
    file = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    passings: Counter[str] = Counter()

    def passed(name: str) -> bool:
        passings[name] += 1
        is_last = name == point and passings[name] == int(turn or 1)
        os.write(file, f"{name}{' died' if is_last else ''}\n".encode())
        if is_last and name != FAILS_FIRST:
            os.kill(os.getpid(), signal.SIGKILL)
        return is_last

    _receiving(passed)
    _writing(passed)
    _publishing(passed)
    _journalling(passed)
    with suppress(ImportError):  # only the gate's image holds it
        _at_the_gate(passed)


def _receiving(passed: Passed) -> None:
    _watch(Receiver, "receive", passed, before="delivered")
    _watch(Receiver, "_take_in", passed, before="read")
    _watch(RabbitMessage, "ack", passed, before="before_ack", after="acked")
    failed: list[bool] = []

    def fails(_call: Call) -> bool:
        if passed(FAILS_FIRST):
            failed.append(True)
            raise LookupError
        return False

    def dies(_call: Call) -> bool:
        if failed:
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    _watch(Effects, "now", passed, before=FAILS_FIRST, when=fails)
    _watch(Receiver, "_move", passed, after=FAILS_FIRST, when=dies)


def _writing(passed: Passed) -> None:
    def first_times(call: Call) -> bool:
        call.arguments[1].info["of_a_message"] = True
        return bool(call.result)

    def any_rows(call: Call) -> bool:
        _, session, rows = call.arguments
        session.info["of_a_message"] = bool(rows) or session.info.get("of_a_message", False)
        return bool(rows)

    def of_a_message(call: Call) -> bool:
        return bool(call.arguments[0].info.get("of_a_message"))

    _watch(Inbox, "first_times", passed, after="inbox_row", when=first_times)
    _watch(Outbox, "add", passed, before="handled", after="outbox_row", when=any_rows)
    _watch(Session, "commit", passed, before="before_commit", after="committed", when=of_a_message)


def _publishing(passed: Passed) -> None:
    _watch(
        Line,
        "publish",
        passed,
        before="before_publish",
        after="confirmed",
        when=lambda c: c.options["exchange"] == EVENTS,
    )
    _watch(aiormq.Channel, "_on_confirm_frame", passed, before="unconfirmed")
    _watch(Outbox, "mark_sent", passed, after="marked", when=lambda call: bool(call.arguments[2]))
    _watch(Outbox, "free_all", passed, after="free_again")
    _watch(Outbox, "claim", passed, after="claimed", when=lambda call: bool(call.result))


def _journalling(passed: Passed) -> None:
    write = journal_file._write

    def torn(descriptor: int, line: bytes) -> None:
        if b'"version":' in line:  # the head of a new file
            write(descriptor, line)
            return
        write(descriptor, line[: len(line) // 2])
        passed("journal_torn")
        write(descriptor, line[len(line) // 2 :])
        passed("journal_unsynced")

    journal_file._write = torn
    _watch(JournalFile, "append", passed, after="journal_synced")
    _watch(PersonKeys, "destroy_all", passed, after="keys_destroyed", when=lambda call: bool(call.result))
    _watch(Journal, "_catch_up", passed, after="replayed", when=lambda c: bool(c.result.rows or c.result.keys))


def _at_the_gate(passed: Passed) -> None:
    from services.consent.answering import Answering  # noqa: PLC0415  not in every service's image
    from services.consent.opening import Openings  # noqa: PLC0415  see above
    from services.consent.reception import Reception  # noqa: PLC0415  see above

    _watch(Openings, "open", passed, after="opened", when=lambda call: call.result["result"] == "released")
    _watch(Reception, "_reply", passed, before="unanswered", when=lambda c: c.arguments[3]["result"] == "released")
    _watch(Answering, "to_command", passed, after="carried_out")


def _watch(
    owner: type, name: str, passed: Passed, *, before: str = "", after: str = "", when: When = lambda _: True
) -> None:
    """Have the moments before and after a call of a method noted, where it is one of those that are meant."""
    original = getattr(owner, name)

    def begins(call: Call) -> None:
        if before and when(call):
            passed(before)

    def ends(call: Call) -> None:
        if after and when(call):
            passed(after)

    @wraps(original)
    async def later(*arguments: Any, **options: Any) -> Any:
        begins(Call(arguments, options))
        result = await original(*arguments, **options)
        ends(Call(arguments, options, result))
        return result

    @wraps(original)
    def now(*arguments: Any, **options: Any) -> Any:
        begins(Call(arguments, options))
        result = original(*arguments, **options)
        ends(Call(arguments, options, result))
        return result

    setattr(owner, name, later if inspect.iscoroutinefunction(original) else now)
