"""What a caller of this service can be told. Texts name fields, and never what was sent."""


class ReferralError(Exception):
    """The base of all reasons for which this service says no."""

    code = "referral_error"
    fields: list[dict[str, str]] | None = None


class CaseNotFound(ReferralError):
    """Raised when no case by that id was announced to this service."""

    code = "case_not_found"

    def __init__(self) -> None:
        super().__init__("no case by that id")


class PersonNotFound(ReferralError):
    """Raised when this service keeps nothing of a person."""

    code = "person_not_found"

    def __init__(self) -> None:
        super().__init__("no person by that id")


class CaseOver(ReferralError):
    """Raised when help is to be asked for in a case that has ended."""

    code = "case_over"

    def __init__(self) -> None:
        super().__init__("the case has ended")


class NoticesNotGiven(ReferralError):
    """Raised when help is to be asked for in the name of somebody who was not given the notices yet."""

    code = "notices_not_given"

    def __init__(self) -> None:
        super().__init__("the notices have not been given")


class ReferralNotFound(ReferralError):
    """Raised when there is no referral by that id, or its person was erased."""

    code = "referral_not_found"

    def __init__(self) -> None:
        super().__init__("no referral by that id")


class ReferralOver(ReferralError):
    """Raised when something is to be done in a referral that is closed."""

    code = "referral_over"

    def __init__(self) -> None:
        super().__init__("the referral is closed")


class NoAppointmentOffered(ReferralError):
    """Raised when the person would take an appointment but none is on offer."""

    code = "no_appointment_offered"

    def __init__(self) -> None:
        super().__init__("the referral has no appointment on offer")


class FieldRefused(ReferralError):
    """Raised when a field is well formed but cannot be accepted; names the field and the reason."""

    code = "malformed"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__("the request has fields that cannot be accepted")
        self.fields = [{"field": field, "reason": reason}]


class ReferralStillOpen(ReferralError):
    """Raised when a referral is to be re-opened that is not over."""

    code = "referral_still_open"

    def __init__(self) -> None:
        super().__init__("the referral is not over")


class NoPlaceFree(ReferralError):
    """Raised when a place is to be held and none is free, or the provider's offer is over."""

    code = "no_place_free"

    def __init__(self) -> None:
        super().__init__("no place is free there")


class HoldNotFound(ReferralError):
    """Raised when a hold does not exist, is over, or is for something else."""

    code = "hold_not_found"

    def __init__(self) -> None:
        super().__init__("no hold by that id for this service at this provider")


class WaitingNotFound(ReferralError):
    """Raised when nobody waits there under that id."""

    code = "waiting_not_found"

    def __init__(self) -> None:
        super().__init__("nobody waits there under that id")


class OutOfOrder(ReferralError):
    """Raised when somebody waits longer and no reason was given for going first."""

    code = "out_of_order"

    def __init__(self) -> None:
        super().__init__("somebody waits longer: holding out of order needs a reason")
