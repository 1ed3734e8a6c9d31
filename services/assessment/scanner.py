"""Warns when a statement seems to hold what does not belong into one: a diagnosis code, the name of a clinic or
provider, somebody else's name, a reference number.

A second line, and never the wall: it knows patterns, not meaning, and what it overlooks is listed with its test. It
names kinds and places, never the words, and it stops nothing: the person and the team decide what stands there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What may be in there."""

    DIAGNOSIS_CODE = "diagnosis_code"
    ORGANISATION = "organisation"
    SOMEBODY_ELSE = "somebody_else"
    REFERENCE_NUMBER = "reference_number"


@dataclass(frozen=True, slots=True)
class Warned:
    """Where something of a kind may be: from one character up to another."""

    kind: Kind
    start: int
    end: int


_NAME = r"[A-ZÄÖÜ][a-zäöüß]+(?:-[A-ZÄÖÜ][a-zäöüß]+)?"
_RELATIVE = (
    r"(?:Mann|Frau|Ehemann|Ehefrau|Ex-Mann|Ex-Frau|Sohn|Tochter|Mutter|Vater|Bruder|Schwester|Freund|Freundin|Partner"
    r"|Partnerin|Nachbar|Nachbarin|Kind|Enkel|Enkelin|Onkel|Tante|Oma|Opa|Kollege|Kollegin|Vermieter|Vermieterin)"
)
_NO_NAME = r"(?!Ich\b|Und\b|Die\b|Der\b|Das\b|Wir\b|Sie\b|Er\b|Es\b|Im\b|In\b|Am\b|Seit\b)"

_PATTERNS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    # ICD-10-GM: a letter and two digits; without a point only in chapter F or named as a diagnosis (A40 is a motorway).
    (Kind.DIAGNOSIS_CODE, re.compile(r"\b[A-TV-Zf]\s?\d{2}\.\d{1,2}[GVAZLRB]?\b")),
    (Kind.DIAGNOSIS_CODE, re.compile(r"\bF\d{2}[GVAZ]?\b")),
    (Kind.DIAGNOSIS_CODE, re.compile(r"(?:ICD|Diagnose|diagnostiziert)[^.]{0,25}?\b([A-TV-Z]\d{2})\b", re.IGNORECASE)),
    # ICD-11: 6A70, 6C40.2
    (Kind.DIAGNOSIS_CODE, re.compile(r"\b[1-9A-H][A-HJ-NP-V]\d[0-9A-HJ-NP-V](?:\.[0-9A-HJ-NP-V]{1,2})?\b(?! \d{4})")),
    (
        Kind.ORGANISATION,
        re.compile(
            r"\b(?:LVR\b|\w*[Kk]linik(?:um|en|ums)?\b|\w*[Pp]sychiatrie\b|\w*[Kk]rankenhaus\w*|\w*[Hh]ospital\b"
            r"|\w*[Ss]chuldner(?:hilfe|beratung)\b|\w*[Ss]uchtberatung\b|\w*[Dd]rogenberatung\b|Caritas\w*|Diakonie\w*"
            r"|AWO\b|Tafel\b|Wohnhilfe\b|Frauenhaus\w*|[Pp]raxis (?:von )?(?:Dr\.|Frau|Herrn?)|\w*[Tt]agesstätte\b"
            r"|\w*[Tt]herapiezentrum\b|Bahnhofsmission\b|[Ee]ntgiftung\w*station\b|\w*[Ss]ozialpsychiatrisch\w*)"
        ),
    ),
    (
        Kind.SOMEBODY_ELSE,
        re.compile(rf"\b(?:Frau|Herrn?|Familie|Dr\.|Prof\.|Doktor)\s+(?:Dr\.\s+|Prof\.\s+)?{_NO_NAME}{_NAME}"),
    ),
    (
        Kind.SOMEBODY_ELSE,
        re.compile(rf"\b[Mm]ein(?:e[mnrs]?)?\s+(?:\w+[en]\s+)?{_RELATIVE}\s+{_NO_NAME}{_NAME}\b"),
    ),
    (Kind.REFERENCE_NUMBER, re.compile(r"\bDE\d{2}(?:\s?\d{4}){4}\s?\d{2}\b")),  # IBAN
    (Kind.REFERENCE_NUMBER, re.compile(r"\b\d{5}\s?BG\s?\d{4,7}\b")),  # number of a benefit household
    (Kind.REFERENCE_NUMBER, re.compile(r"\b\d{3}[A-Z]\d{6}\b")),  # customer number of the employment agency
    (
        Kind.REFERENCE_NUMBER,
        re.compile(r"\b[A-Z]\d{9}\b|\b\d{2}\s?\d{6}\s?[A-Z]\s?\d{3}\b"),
    ),  # health, pension insurance
    (Kind.REFERENCE_NUMBER, re.compile(r"(?<![\d.])(?:\+49 ?|0)[1-9]\d{1,4}[ /-]{0,3}\d[\d /-]{4,}\d")),  # telephone
    (Kind.REFERENCE_NUMBER, re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")),
    (
        Kind.REFERENCE_NUMBER,
        re.compile(
            r"\b(?:Az\.?|Aktenzeichen|BG-?Nummer|Kundennummer|Vorgangsnummer|Geschäftszeichen|Versichertennummer)"
            r"[:\s]+(?:lautet |ist )?[\w/.-]*\d[\w/.-]*"
        ),
    ),
)


def scan(text: str) -> tuple[Warned, ...]:
    """Return what a statement may hold that does not belong into it, in the order of its places."""
    kept: list[Warned] = []
    for warned in sorted(set(_found(text)), key=lambda one: (one.start, -one.end, one.kind)):
        if not any(warned.kind is other.kind and warned.end <= other.end for other in kept):  # part of the other
            kept.append(warned)
    return tuple(kept)


def _found(text: str) -> Iterator[Warned]:
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            place = match.span(1) if pattern.groups else match.span()
            yield Warned(kind, *place)
