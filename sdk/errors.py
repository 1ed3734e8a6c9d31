"""What can go wrong at a recipient. Texts name files, fields and reasons, never a value, a key or a password."""


class GesehenError(Exception):
    """Stand for anything that this package raises on purpose."""

    code = "error"


class BadFile(GesehenError):
    """Raised when a connection, key or store file is missing, unreadable or not what it should be."""

    code = "bad_file"


class TryAgain(GesehenError):
    """Raised when the gate or the broker cannot be reached now; the same call may be made again at any time."""

    code = "try_again"


class UnreadableAnswer(GesehenError):
    """Raised when an answer cannot be decrypted or is of a form that this version does not know."""

    code = "unreadable_answer"


class UnknownKey(UnreadableAnswer):
    """Raised when an answer is sealed for a key that is not here; names the key by its thumbprint, and what to do."""

    code = "unknown_key"


class OpeningRefused(GesehenError):
    """Raised when the gate calls the request to open a notice malformed: this package and the gate disagree."""

    code = "opening_refused"


class HandlerFailed(GesehenError):
    """Raised around what a handler raised; the event stays in the store and is handed over again."""

    code = "handler_failed"


class LoginRefused(GesehenError):
    """Raised when the broker does not know the account or its password."""

    code = "login_refused"
