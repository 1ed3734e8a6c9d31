"""What a case in assessment needs next and by when, and how often it is tried to reach somebody.

Pure rules: no clock, no database, no broker.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from shared.contracts.town import ESSEN, AssessmentDeadlines, Town


class ContactOutcome(StrEnum):
    """What came of trying to make contact."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    MOVED = "moved"
    REFUSED = "refused"


class NextStep(StrEnum):
    """What the team owes a person next. A refusal is no step of its own, so a list does not tell it."""

    TAKE = "take"
    CONTACT = "contact"
    TALK = "talk"
    CONCLUDE = "conclude"
    CONFIRM = "confirm"
    TELL = "tell_person"
    FOLLOW_UP = "follow_up"
    FINISH = "finish"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Step:
    """A next step with its day."""

    code: NextStep
    due_on: date


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to make contact."""

    made_on: date
    outcome: ContactOutcome = field(repr=False)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a case is in assessment."""

    opened_on: date
    first_contact_by: date
    taken: bool = False
    attempts: tuple[Attempt, ...] = ()
    """In order of time."""
    first_talk_on: date | None = None
    last_talk_on: date | None = None
    concluded_on: date | None = None
    unconfirmed_since: date | None = None
    """Since when a finding waits for a second person."""
    protect_by: date | None = None
    """By when something is owed about a child; towards everybody it is a talk like any other."""
    tell_by: date | None = None
    """By when the person has to be told something."""

    @property
    def last_attempt(self) -> Attempt | None:
        """Return the newest try."""
        return self.attempts[-1] if self.attempts else None


def next_step(progress: Progress, town: Town = ESSEN) -> Step:
    """Return what has to be done next and by when, the earliest of all that is owed. Every case has an answer."""
    return first_of([_of_the_case(progress, town), *owed_besides(progress, town)])


def first_of(steps: Iterable[Step]) -> Step:
    """Return the step that comes first."""
    return min(steps, key=lambda step: step.due_on)


def owed_besides(progress: Progress, town: Town = ESSEN) -> list[Step]:
    """Return what is owed however far a case is: nobody is through with it before that is done."""
    owed = []
    if progress.unconfirmed_since is not None:
        owed.append(Step(NextStep.CONFIRM, town.after_working_days(progress.unconfirmed_since, 1)))
    if progress.tell_by is not None:
        owed.append(Step(NextStep.TELL, progress.tell_by))
    if progress.protect_by is not None:
        owed.append(Step(NextStep.TALK, progress.protect_by))
    return owed


def _of_the_case(progress: Progress, town: Town) -> Step:
    deadlines = town.deadlines.assessment
    if not progress.taken:
        usual = town.after_working_days(progress.opened_on, deadlines.take_working_days)
        return Step(NextStep.TAKE, min(usual, progress.first_contact_by))
    if progress.concluded_on is not None or _is_refused(progress):
        return Step(NextStep.FOLLOW_UP, _last_event_on(progress) + timedelta(days=deadlines.follow_up_days))
    if progress.first_talk_on is not None:
        return Step(NextStep.CONCLUDE, progress.first_talk_on + timedelta(days=deadlines.conclude_days))
    return _of_contact(progress, town)


def _of_contact(progress: Progress, town: Town) -> Step:
    deadlines, attempt = town.deadlines.assessment, progress.last_attempt
    if attempt is None:
        return Step(NextStep.CONTACT, progress.first_contact_by)
    if attempt.outcome is ContactOutcome.REACHED:
        return Step(NextStep.TALK, town.after_working_days(attempt.made_on, deadlines.talk_working_days))
    if is_not_found(progress.attempts, deadlines):
        return Step(NextStep.FINISH, town.after_working_days(attempt.made_on, deadlines.finish_working_days))
    pause = pause_after(progress.attempts, deadlines)
    return Step(NextStep.CONTACT, town.after_working_days(attempt.made_on, pause))


def is_not_found(attempts: Sequence[Attempt], deadlines: AssessmentDeadlines) -> bool:
    """Say whether somebody was tried often and long enough: what follows looks like any other end."""
    failed = _failed_in_a_row(attempts)
    tried_for = timedelta(days=deadlines.tried_for_days)
    return len(failed) >= deadlines.tries and failed[-1].made_on - failed[0].made_on >= tried_for


def pause_after(attempts: Sequence[Attempt], deadlines: AssessmentDeadlines) -> int:
    """Return after how many working days to try again: at first soon, then at longer intervals."""
    return deadlines.try_again_working_days * min(len(_failed_in_a_row(attempts)), 4)


def _failed_in_a_row(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Return the tries since somebody was last reached, in order of time."""
    failed: list[Attempt] = []
    for attempt in attempts:
        failed = [] if attempt.outcome is ContactOutcome.REACHED else [*failed, attempt]
    return failed


def _is_refused(progress: Progress) -> bool:
    attempt = progress.last_attempt
    if attempt is None or attempt.outcome is not ContactOutcome.REFUSED:
        return False
    return progress.last_talk_on is None or attempt.made_on > progress.last_talk_on


def _last_event_on(progress: Progress) -> date:
    tried_on = progress.last_attempt.made_on if progress.last_attempt else None
    return max(day for day in (progress.opened_on, tried_on, progress.last_talk_on, progress.concluded_on) if day)


def is_overdue(due_on: date, *, today: date) -> bool:
    """Say whether a step's day has passed."""
    return due_on < today
