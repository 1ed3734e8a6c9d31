"""What a case in intake needs next and by when, and which contacts and identities are possible.

Pure rules: no clock, no database, no broker. What a case is about is left to the assessment service.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from shared.contracts.intake import Channel, Contact, Identity, Origin
from shared.contracts.town import ESSEN, Town

DEFAULT_TEAM = "team-intake"
EARLIEST_BIRTH = date(1900, 1, 1)


class IntakeError(Exception):
    """Base of everything that this service refuses. Texts never repeat what was sent."""

    code = "intake_error"
    fields: list[dict[str, str]] | None = None


class CaseNotFound(IntakeError):
    """Raised when a request names a case that this service never opened."""

    code = "case_not_found"

    def __init__(self) -> None:
        super().__init__("no case by that id")


class PersonNotFound(IntakeError):
    """Raised when a request names a person of whom this service keeps nothing."""

    code = "person_not_found"

    def __init__(self) -> None:
        super().__init__("no person by that id")


class CaseHasEnded(IntakeError):
    """Raised when something is to be changed in a case that is over."""

    code = "case_has_ended"

    def __init__(self) -> None:
        super().__init__("the case has ended: whoever needs help gets a new one")


class NoticesNotGiven(IntakeError):
    """Raised when more is to be done than reaching the person and acute help, and the three notices were not given."""

    code = "notices_not_given"

    def __init__(self) -> None:
        super().__init__("the three notices come first: give them, then send this again")


class CannotBeJoined(IntakeError):
    """Raised when a commission is not to move to another case; says which rule stands against it."""

    code = "cannot_be_joined"


class CaseInAcuteNeed(IntakeError):
    """Raised when a case is to end while an acute need is open."""

    code = "case_in_acute_need"

    def __init__(self) -> None:
        super().__init__("an acute need is open in the case: write down what came of it first")


class AcuteNeedNotFound(IntakeError):
    """Raised when a request names an acute need that nobody reported."""

    code = "acute_need_not_found"

    def __init__(self) -> None:
        super().__init__("no acute need by that id")


class NotYetAcknowledged(IntakeError):
    """Raised when an acute need is to be settled that nobody has taken on."""

    code = "not_yet_acknowledged"

    def __init__(self) -> None:
        super().__init__("nobody has acknowledged it yet: acknowledge it first")


class AlarmNotFound(IntakeError):
    """Raised when a request names an alarm that was never raised."""

    code = "alarm_not_found"

    def __init__(self) -> None:
        super().__init__("no alarm by that id")


class NotAcceptable(IntakeError):
    """Raised when a field's value breaks a rule; names field and reason."""

    code = "malformed"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__("the request has fields that cannot be accepted")
        self.fields = [{"field": field, "reason": reason}]


class NextStep(StrEnum):
    """What intake owes a person next."""

    GIVE_NOTICES = "give_notices"
    ASSESSMENT = "assessment"
    REVIEW = "review"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Step:
    """A next step with its day."""

    code: NextStep
    due_on: date


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a case is in intake."""

    first_contact_by: date
    notices_given: bool = False
    reviewed_on: date | None = None
    finished_on: date | None = None
    """When the assessment said that it has nothing more to do, if nobody has reviewed the case since."""


def next_step(progress: Progress, town: Town = ESSEN) -> Step:
    """Return what has to be done next: the three notices before anything else."""
    deadlines = town.deadlines.intake
    if not progress.notices_given:
        return Step(NextStep.GIVE_NOTICES, progress.first_contact_by)
    if progress.finished_on is not None:
        return Step(NextStep.CLOSE, town.after_working_days(progress.finished_on, deadlines.close_working_days))
    if progress.reviewed_on is None:
        return Step(NextStep.ASSESSMENT, progress.first_contact_by)
    return Step(NextStep.REVIEW, progress.reviewed_on + timedelta(days=deadlines.review_days))


@dataclass(frozen=True, slots=True)
class Joining:
    """What is known of two cases of which the earlier one is to take over the other's commission."""

    is_same_case: bool
    earlier_has_commission: bool
    former_has_commission: bool
    earlier_is_shielded: bool
    former_is_shielded: bool
    earlier_was_opened_first: bool

    def check(self) -> None:
        """Refuse what would lose a commission, or take a shield off."""
        if self.is_same_case:
            raise NotAcceptable("former_case_id", "must name another case")
        if self.earlier_has_commission:
            raise CannotBeJoined("the earlier case has a commission already")
        if not self.former_has_commission:
            raise CannotBeJoined("the former case has no commission")
        if not self.earlier_was_opened_first:
            raise CannotBeJoined("the case that is to go on was opened after the other one")
        if self.earlier_is_shielded is not self.former_is_shielded:
            raise CannotBeJoined("one of the cases is shielded and the other is not: shield it first")


def is_overdue(due_on: date, *, today: date) -> bool:
    """Say whether a step's day has passed."""
    return due_on < today


def first_contact_by(origin: Origin, *, opened_on: date, deadline: date | None = None, town: Town = ESSEN) -> date:
    """Return the day by which somebody must have spoken with the person; a commission's deadline can shorten it."""
    deadlines, is_street = town.deadlines.intake, origin is Origin.STREET
    days = deadlines.street_contact_working_days if is_street else deadlines.first_contact_working_days
    usual = town.after_working_days(opened_on, days)
    return usual if deadline is None else max(opened_on, min(usual, deadline))


def check_contact(contact: Contact, *, path: str = "") -> None:
    """Refuse a phone, e-mail or letter without an address; no address at all is in person, and ordinary."""
    if contact.channel is not Channel.IN_PERSON and contact.address is None:
        raise NotAcceptable(f"{path}address", "is needed for this channel")


def check_identity(identity: Identity, *, today: date, path: str = "") -> None:
    """Refuse a day of birth that cannot be one."""
    if identity.born_on is not None and not EARLIEST_BIRTH <= identity.born_on <= today:
        raise NotAcceptable(f"{path}born_on", "cannot be a day of birth")
