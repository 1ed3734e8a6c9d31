"""What a recipient of Gesehen installs: receive, open, commission, answer.

`Recipient` is the way in; everything else here is what it takes and gives back.
"""

from sdk.arrival import Arrival
from sdk.billing import BillingStatement
from sdk.commands import Contact, FieldError, Received, Refused
from sdk.connection import ConnectionFile
from sdk.content import Fact, Referral, Situation
from sdk.errors import (
    BadFile,
    GesehenError,
    HandlerFailed,
    LoginRefused,
    OpeningRefused,
    TryAgain,
    UnknownKey,
    UnreadableAnswer,
)
from sdk.events import (
    CapacityQuery,
    Empty,
    Event,
    FiguresPublished,
    Released,
    Retracted,
    StatementIssued,
    StatusChanged,
)
from sdk.figures import Figures
from sdk.keys import KeyRing
from sdk.recipient import Recipient
from sdk.store import Store
from sdk.subscription import Subscription

__all__ = [
    "Arrival",
    "BadFile",
    "BillingStatement",
    "CapacityQuery",
    "ConnectionFile",
    "Contact",
    "Empty",
    "Event",
    "Fact",
    "FieldError",
    "Figures",
    "FiguresPublished",
    "GesehenError",
    "HandlerFailed",
    "KeyRing",
    "LoginRefused",
    "OpeningRefused",
    "Received",
    "Recipient",
    "Referral",
    "Refused",
    "Released",
    "Retracted",
    "Situation",
    "StatementIssued",
    "StatusChanged",
    "Store",
    "Subscription",
    "TryAgain",
    "UnknownKey",
    "UnreadableAnswer",
]
