"""Why the consent service refuses: one class per reason a caller can act on. Texts never hold what was sent."""


class ConsentError(Exception):
    """The base of all refusals of this service."""

    code = "consent_error"

    def __init__(self, message: str, *, fields: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.fields = fields or []


class PersonNotFound(ConsentError):
    """Raised when the gate never heard of a person."""

    code = "person_not_found"

    def __init__(self) -> None:
        super().__init__("no person by that id")


class PersonForgotten(ConsentError):
    """Raised when a person was erased: nobody can read, or record, anything about them any more."""

    code = "person_erased"

    def __init__(self) -> None:
        super().__init__("the person was erased; nobody can read anything about them any more")


class RecipientNotFound(ConsentError):
    """Raised when nobody, or nobody any more, is registered by that id."""

    code = "recipient_not_found"

    def __init__(self) -> None:
        super().__init__("no recipient by that id")


class DisputeNotFound(ConsentError):
    """Raised when no voucher by that serial was disputed."""

    code = "dispute_not_found"

    def __init__(self) -> None:
        super().__init__("no voucher by that serial is disputed")


class DisputeSettled(ConsentError):
    """Raised when a dispute was settled in another way before."""

    code = "dispute_settled"

    def __init__(self) -> None:
        super().__init__("the dispute was settled in another way before")


class FactNotFound(ConsentError):
    """Raised when the gate knows no such fact of this person, or none any more."""

    code = "fact_not_found"

    def __init__(self) -> None:
        super().__init__("no fact by that id of this person")


class RecipientEnded(ConsentError):
    """Raised when an ended recipient is to be registered or given another key: only a reinstatement brings it back."""

    code = "recipient_ended"

    def __init__(self) -> None:
        super().__init__("the recipient has been ended; it takes a reinstatement, with a fresh commitment")


class RecipientNotEnded(ConsentError):
    """Raised when a recipient is to be reinstated that nobody ended."""

    code = "recipient_not_ended"

    def __init__(self) -> None:
        super().__init__("the recipient has not been ended")


class EndingNotDone(ConsentError):
    """Raised when a recipient is to be reinstated while answers towards it are still being ended: they would revive."""

    code = "ending_not_done"

    def __init__(self, left: int) -> None:
        super().__init__(f"the recipient is still being ended: {left} persons are left, try again later")


class GrantNotFound(ConsentError):
    """Raised when a command names a grant that this service never recorded."""

    code = "grant_not_found"

    def __init__(self) -> None:
        super().__init__("no grant by that id")


class NotAcceptable(ConsentError):
    """Raised when fields are well formed and still cannot be accepted; names each field and why, never the value."""

    code = "not_acceptable"

    def __init__(self, *fields: tuple[str, str]) -> None:
        named = [{"field": field, "reason": reason} for field, reason in fields]
        super().__init__("fields cannot be accepted", fields=named)


class GrantOver(ConsentError):
    """Raised when a declaration is to be confirmed, disputed or settled that has nothing left to be."""

    code = "grant_over"

    def __init__(self) -> None:
        super().__init__("the grant has nothing that waits for this")


class InquiryNotFound(ConsentError):
    """Raised when a word is given on a message that nobody ever asked about."""

    code = "inquiry_not_found"

    def __init__(self) -> None:
        super().__init__("no inquiry by that id")


class InquiryOver(ConsentError):
    """Raised when a word comes after its time, a second time, or for a message that has changed since."""

    code = "inquiry_over"

    def __init__(self) -> None:
        super().__init__("the inquiry waits for no word any more")


class TextDiffers(ConsentError):
    """Raised when the hash that a word names is not that of the message: the person read another text."""

    code = "text_differs"

    def __init__(self) -> None:
        super().__init__("the inquiry is about another text")


class RepresentationNotFound(ConsentError):
    """Raised when somebody answers under a representation that was never recorded for this person."""

    code = "representation_not_found"

    def __init__(self) -> None:
        super().__init__("no representation by that id")


class ObjectionStands(ConsentError):
    """Raised when a representative would open what the person themselves refused or took back."""

    code = "objection_stands"

    def __init__(self) -> None:
        super().__init__("the person's own no, or withdrawal, stands against this")


class CommandRefused(ConsentError):
    """Raised when a parked command, handled again, is refused; it stays parked."""

    code = "command_refused"

    def __init__(self) -> None:
        super().__init__("the parked command is refused")


class EntryNotFound(ConsentError):
    """Raised when a person asks about an entry that is not theirs, or is none of a disclosure."""

    code = "entry_not_found"

    def __init__(self) -> None:
        super().__init__("no entry by that number of this recipient")


class EmergencyNotFound(ConsentError):
    """Raised when a command names an emergency that this service never recorded."""

    code = "emergency_not_found"

    def __init__(self) -> None:
        super().__init__("no emergency by that id")


class NotTheSecondPerson(ConsentError):
    """Raised when somebody confirms what they told themselves, or what somebody else was named to confirm."""

    code = "not_the_second_person"

    def __init__(self) -> None:
        super().__init__("another person has to confirm the emergency")


class SecondPersonTooLate(ConsentError):
    """Raised when the time for a second person is over: only a review counts now."""

    code = "second_person_too_late"

    def __init__(self) -> None:
        super().__init__("the emergency has to be reviewed now")


class ReviewerWasInvolved(ConsentError):
    """Raised when somebody reviews what they told, or were named to confirm."""

    code = "reviewer_was_involved"

    def __init__(self) -> None:
        super().__init__("somebody who was not involved has to review the emergency")


class AlreadyRecorded(ConsentError):
    """Raised when something else stands on record already: what was recorded of an emergency never changes."""

    code = "already_recorded"

    def __init__(self) -> None:
        super().__init__("something else was recorded of the emergency before")


class RequestKeyUsed(ConsentError):
    """Raised when an Idempotency-Key comes with another request than before."""

    code = "request_key_used"

    def __init__(self) -> None:
        super().__init__("the Idempotency-Key was used for another request")
