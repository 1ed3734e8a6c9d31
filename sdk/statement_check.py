"""An auditor's check of a Jobcenter's statements: offline, with the gate's public key, and without a single name.

It proves that every document was signed and none is missing in between, that every voucher was signed by the gate and
is billed once over all of them, that the sums are right, and that no more was billed than funded. Told how many
commissions each line had in a month, it also sees that no small line was billed by itself.
"""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from sdk.billing import CONTINGENT, NO_STATEMENT, BilledGroup, BillingStatement, Correction, read_statement
from sdk.errors import BadFile, UnreadableAnswer
from sdk.keys import read_json

SUFFIX = ".statement.jws"
TEN = 10

Commissions = Mapping[str, Mapping[str, int]]
"""How many commissions each budget line had, by month."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and in which document."""

    document: str
    fault: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document under the name of its file, with what it says if the gate signed it."""

    name: str
    sha256: str
    said: BillingStatement


class Keys:
    """The gate's public keys: the one that signs now, and former ones."""

    def __init__(self, raw: Mapping[str, Any]) -> None:  # Any: a JWK or a JWK Set
        try:
            keys = [OKPKey.import_key(dict(jwk)) for jwk in raw.get("keys", [raw])]
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise BadFile("the key must be an Ed25519 key as a JWK, or a JWK Set of such") from None
        self._keys = {key.thumbprint(): key for key in keys}
        self._algorithm = JWSRegistry.algorithms["EdDSA"]

    def has_signed(self, text: bytes, signature: str, *, kid: str | None = None) -> bool:
        """Whether one of the keys (the named one) made the signature under a text, written in the one right way."""
        keys = self._keys.values() if kid is None else [self._keys[kid]] if kid in self._keys else []
        try:
            written = _decoded(signature)
            return any(self._algorithm.verify(text, written, key) for key in keys)
        except ValueError:
            return False


def check_folder(
    folder: Path, keys: Keys, *, commissions: Commissions | None = None, until: str | None = None
) -> tuple[list[Document], list[Fault]]:
    """Check all documents in a folder; return them in their order, and everything that is wrong."""
    try:
        texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob(f"*{SUFFIX}"))}
    except (OSError, UnicodeDecodeError):
        raise BadFile(f"{folder} cannot be read") from None
    if not texts:
        raise BadFile(f"{folder} holds no *{SUFFIX}")
    return check(texts, keys, commissions=commissions, until=until)


def check(
    texts: Mapping[str, str], keys: Keys, *, commissions: Commissions | None = None, until: str | None = None
) -> tuple[list[Document], list[Fault]]:
    """Check documents by the names of their files."""
    documents, faults = [], []
    for name, text in texts.items():
        token = text.removesuffix("\n")
        said = _genuine(token, keys)
        if said is None:
            faults.append(Fault(name, "is not what the gate signed"))
        else:
            documents.append(Document(name, hashlib.sha256(token.encode()).hexdigest(), said))
    documents.sort(key=lambda one: (one.said.number, one.name))
    faults += _faults_of_chain(documents, until=until)
    faults += _faults_of_serials(documents)
    for document in documents:
        faults += [Fault(document.name, fault) for fault in _faults_of_sums(document.said)]
        faults += [Fault(document.name, fault) for fault in _faults_of_vouchers(document.said, keys)]
        faults += [Fault(document.name, fault) for fault in _faults_of_sizes(document.said, commissions)]
    faults += _faults_of_funding(documents)
    return documents, faults


def read_commissions(path: Path) -> Commissions:
    """Read how many commissions each line had by month: `{"2026-11": {"A-12": 14}}`."""
    read = read_json(path)
    if not all(isinstance(lines, dict) and all(type(n) is int for n in lines.values()) for lines in read.values()):
        raise BadFile(f'{path} must be like {{"2026-11": {{"A-12": 14}}}}')
    return read


def _genuine(token: str, keys: Keys) -> BillingStatement | None:
    try:
        header, payload, signature = token.split(".")
        named = json.loads(_decoded(header))
        _decoded(payload)
        is_ours = (named["alg"], named["typ"]) == ("EdDSA", "billing-statement")
        if is_ours and keys.has_signed(f"{header}.{payload}".encode(), signature, kid=str(named["kid"])):
            return read_statement(token)
    except (ValueError, KeyError, TypeError, RecursionError, UnreadableAnswer):
        return None
    return None


def _faults_of_chain(documents: Sequence[Document], *, until: str | None) -> Iterator[Fault]:
    before: Document | None = None
    for document in documents:
        said = document.said
        if said.previous_sha256 != (before.sha256 if before else NO_STATEMENT):
            yield Fault(document.name, "does not follow the document before it: one is missing, doubled or changed")
        if before is not None and said.recipient_id != before.said.recipient_id:
            yield Fault(document.name, "is for another recipient")
        if (said.month, said.part) != _expected(before.said if before else None, said):
            yield Fault(document.name, "is not of the month and part that come next")
        before = document
    if before is not None and before.said.part != before.said.parts:
        yield Fault(before.name, "is not the last part of its month")
    if until is not None and (before is None or before.said.month < until):
        yield Fault(before.name if before else "", f"is the last one; {until} is missing")


def _expected(before: BillingStatement | None, said: BillingStatement) -> tuple[str, int]:
    if before is None:
        return said.month, 1
    if before.part < before.parts:
        return before.month, before.part + 1
    year, month = (int(part) for part in before.month.split("-"))
    return (f"{year + 1}-01" if month == 12 else f"{year}-{month + 1:02}"), 1  # noqa: PLR2004  December


def _faults_of_serials(documents: Iterable[Document]) -> Iterator[Fault]:
    seen: set[str] = set()
    for document in documents:
        for group in document.said.groups:
            for serial in group.serials:
                if serial in seen:
                    yield Fault(document.name, f"bills {serial} again")
                seen.add(serial)


def _faults_of_sums(said: BillingStatement) -> Iterator[str]:
    for group in said.groups:
        if group.count != len(group.vouchers) or group.count % TEN:
            yield "counts a group otherwise than its vouchers, or not in tens"
        if group.amount_cents != group.count * group.unit_cents:
            yield "has a wrong amount"
    for correction in said.corrections:
        if correction.count % TEN or correction.amount_cents != -correction.count * correction.unit_cents:
            yield "has a wrong correction"
    if said.total_cents != sum(one.amount_cents for one in said.amounts):
        yield "has a wrong total"


def _faults_of_vouchers(said: BillingStatement, keys: Keys) -> Iterator[str]:
    for group in said.groups:
        for voucher in group.vouchers:
            serial, _, signature = voucher.partition(".")
            text = f"gesehen voucher|{said.recipient_id}|{serial}|{group.unit_cents}".encode()
            if not keys.has_signed(text, signature):
                yield f"bills {serial}, which the gate did not make for this recipient at this price"


def _faults_of_sizes(said: BillingStatement, commissions: Commissions | None) -> Iterator[str]:
    if commissions is None:
        return
    sizes = commissions.get(said.month, {})
    for part in said.amounts:
        counted = [0 if line == CONTINGENT else sizes.get(line, 0) for line in part.budget_lines]
        if sum(counted) < TEN:
            yield f"bills {', '.join(part.budget_lines)} with fewer than ten commissions"


def _faults_of_funding(documents: Sequence[Document]) -> Iterator[Fault]:
    """Find lines of which more was billed than funded, and what was paid back without having been billed."""
    billed: dict[frozenset[str], int] = {}
    repaid = 0
    before: dict[str, int] = {}
    for document in documents:
        funded = {one.budget_line: one.units for one in document.said.funded}
        if any(funded.get(line, 0) < units for line, units in before.items()):
            yield Fault(document.name, "says that less was funded than before")
        before = funded
        for part in document.said.amounts:
            repaid += _repaid(part)
            lines = frozenset(part.budget_lines)
            billed[lines] = billed.get(lines, 0) + (part.count if isinstance(part, BilledGroup) else 0)
        for lines in billed:
            within = sum(count for other, count in billed.items() if other <= lines)
            if within > sum(funded.get(line, 0) for line in lines):
                yield Fault(document.name, f"bills more of {', '.join(sorted(lines))} than was funded")
        if sum(billed.values()) > sum(funded.values()) or repaid > sum(billed.values()):
            yield Fault(document.name, "bills more than was funded, or pays back more than was billed")


def _repaid(part: BilledGroup | Correction) -> int:
    return part.count if isinstance(part, Correction) else 0


def _decoded(text: str) -> bytes:
    """Return what is written in base64url; there is one way only to write it."""
    found = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if urlsafe_b64encode(found).rstrip(b"=").decode() != text:
        raise ValueError("is not base64url")
    return found
