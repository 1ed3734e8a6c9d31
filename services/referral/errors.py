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


class VisitNotFound(ReferralError):
    """Raised when there is no visit by that id, or its person was erased."""

    code = "visit_not_found"

    def __init__(self) -> None:
        super().__init__("no visit by that id")


class VisitOver(ReferralError):
    """Raised when something is to be done to a visit that is over."""

    code = "visit_over"

    def __init__(self) -> None:
        super().__init__("the visit is over")


class VisitUnderWay(ReferralError):
    """Raised when a visit is to be planned anew while somebody is out on it."""

    code = "visit_under_way"

    def __init__(self) -> None:
        super().__init__("somebody has set out on the visit")


class NotPermitted(ReferralError):
    """Raised when somebody would set out without a permission that stands."""

    code = "visit_not_permitted"

    def __init__(self) -> None:
        super().__init__("the person has given no permission for the visit as it is planned, or has taken it back")


class PlanChanged(ReferralError):
    """Raised when a permission is for another plan than the visit has."""

    code = "plan_changed"

    def __init__(self) -> None:
        super().__init__("the permission is for another plan than the visit has now")


class WindowOver(ReferralError):
    """Raised when the time that a visit was planned for is over."""

    code = "window_over"

    def __init__(self) -> None:
        super().__init__("the time that the visit was planned for is over")


class TooEarlyToSetOut(ReferralError):
    """Raised when somebody would set out long before the time that the person has permitted."""

    code = "too_early_to_set_out"

    def __init__(self) -> None:
        super().__init__("it is too early to set out: half an hour before the planned time at the earliest")


class NobodySetOut(ReferralError):
    """Raised when somebody checks out of a visit that nobody has set out on."""

    code = "nobody_set_out"

    def __init__(self) -> None:
        super().__init__("nobody has set out on the visit")


class NobodyMissing(ReferralError):
    """Raised when a lead would search for somebody of whom word is not overdue."""

    code = "nobody_missing"

    def __init__(self) -> None:
        super().__init__("nothing of the visit is overdue for which somebody would be out there")


class PacketTooEarly(ReferralError):
    """Raised when a packet would end before its visit begins."""

    code = "packet_too_early"

    def __init__(self) -> None:
        super().__init__("a packet lives for 72 hours: ask for it closer to the visit")


class NoWorkerKey(ReferralError):
    """Raised when a packet is to be sealed for somebody who has handed in no public key."""

    code = "no_worker_key"

    def __init__(self) -> None:
        super().__init__("no public key of yours is known here: hand it in first, PUT /workers/me/key")


class PacketNotFound(ReferralError):
    """Raised when something was noted under a packet that whoever hands it in never had of that visit."""

    code = "packet_not_found"

    def __init__(self) -> None:
        super().__init__("no packet of yours by that id for this visit")


class NoteChanged(ReferralError):
    """Raised when a note comes again under the same id and says something else."""

    code = "note_changed"

    def __init__(self) -> None:
        super().__init__("a note by that id was heard before and said something else; nothing was taken")
