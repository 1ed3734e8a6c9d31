"""Why the consent service refuses: one class per reason a caller can act on. Texts hold ids and field names only."""


class ConsentError(Exception):
    """The base of all refusals of this service."""

    code = "consent_error"

    def __init__(self, message: str, *, fields: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.fields = fields or []


class PersonNotFound(ConsentError):
    """Raised when the gate never heard of a person."""

    code = "person_not_found"

    def __init__(self, person_id: str) -> None:
        super().__init__(f"no person {person_id}")


class RecipientNotFound(ConsentError):
    """Raised when nobody, or nobody any more, is registered by that id."""

    code = "recipient_not_found"

    def __init__(self, recipient_id: str) -> None:
        super().__init__(f"no recipient {recipient_id}")


class GrantNotFound(ConsentError):
    """Raised when a command names a grant that this service never recorded."""

    code = "grant_not_found"

    def __init__(self, grant_id: str) -> None:
        super().__init__(f"no grant {grant_id}")


class NotAcceptable(ConsentError):
    """Raised when fields are well formed and still cannot be accepted; names each field and why, never the value."""

    code = "not_acceptable"

    def __init__(self, *fields: tuple[str, str]) -> None:
        named = [{"field": field, "reason": reason} for field, reason in fields]
        super().__init__("fields cannot be accepted", fields=named)
