"""A receipt as its person reads it: the same that is signed, in sentences and in the town's own time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.consent.domain import BENEFIT, Kind, Place
from services.consent.receipts import GIVEN

Content = Mapping[str, Any]  # Any: JSON values

_KINDS = {
    Kind.SECRECY_RELEASE.value: "a release from professional secrecy (§ 203 StGB)",
    Kind.DATA_CONSENT.value: "a consent to data being passed on (§ 67b SGB X, Art. 7 GDPR)",
}
_NOTICES = {
    "purpose": "what it is for",
    "refusing_has_no_disadvantage": "that a no has no disadvantage",
    "right_to_withdraw": "that you can take it back at any time",
}


def in_plain_words(receipt: Content, zone: ZoneInfo) -> str:
    """Return what a receipt says as sentences."""
    lines = _given(receipt, zone) if receipt["event"] == GIVEN else _withdrawn(receipt, zone)
    recorded = f"Recorded by {receipt['recorded_by']} under the number {receipt['record_id']} at {receipt['issuer']}."
    return "\n".join([*lines, recorded])


def _given(receipt: Content, zone: ZoneInfo) -> list[str]:
    name, text = receipt["recipient"]["display_name"], receipt["text"]
    told = ", ".join(_NOTICES.get(notice, notice) for notice in receipt["notices_given"])
    paper = receipt["document_sha256"]
    return [
        f"{_time(receipt['recorded_at'], zone)}: {_who(receipt['given_by'])} what {name} may know, "
        f"{_purpose(receipt['purpose'])}.",
        f"In law it is {_KINDS.get(receipt['kind'], receipt['kind'])}.",
        *(_word(category, said, zone) for category, said in sorted(receipt["words"].items())),
        "It holds for what was known before, too."
        if receipt["reaches_back"]
        else "It holds only for what becomes known after it.",
        f"You were told before: {told}.",
        f"The text was version {text['version']} in the language {receipt['language']} (SHA-256 {text['sha256']}).",
        f"You answered by this way: {receipt['channel'].replace('_', ' ')}"
        + (f" (document with the SHA-256 {paper})." if paper else "."),
        *_place(receipt["place"]),
        "You can take it back at any time, without a reason.",
    ]


def _place(place: str) -> list[str]:
    """Say where it was said if it was at the Jobcenter; that a yes then waits is a rule that everybody is told."""
    if place == Place.ELSEWHERE:
        return []
    return ["You said it at the Jobcenter or on its device: a yes counts once you confirm it somewhere else."]


def _withdrawn(receipt: Content, zone: ZoneInfo) -> list[str]:
    return [
        f"{_time(receipt['recorded_at'], zone)}: you took back what you had allowed. It counts from then on.",
        *(_ended(grant) for grant in receipt["ended"]),
    ]


def _ended(grant: Content) -> str:
    categories = ", ".join(sorted(f"your {category.replace('_', ' ')}" for category in grant["words"]))
    kind = _KINDS.get(grant["kind"], grant["kind"])
    name, purpose = grant["recipient"]["display_name"], _purpose(grant["purpose"])
    return f"- {name} may no longer know {categories} ({purpose}; {kind})."


def _who(given_by: Any) -> str:  # Any: a JSON value
    if isinstance(given_by, str):
        return "you answered"
    return f"{given_by['name']} answered for you, as your {given_by['as'].replace('_', ' ')},"


def _word(category: str, said: Content, zone: ZoneInfo) -> str:
    words = {"yes": "yes", "no": "no", "ask": "ask me each time"}
    until = f", until {_time(said['valid_until'], zone)}" if said["valid_until"] else ""
    return f"- your {category.replace('_', ' ')}: {words.get(said['word'], said['word'])}{until}."


def _purpose(purpose: str) -> str:
    return "to be helped by the Jobcenter" if purpose == BENEFIT else f"for the purpose {purpose}"


def _time(written: str, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(written).astimezone(zone).strftime("%d %B %Y, %H:%M:%S")
