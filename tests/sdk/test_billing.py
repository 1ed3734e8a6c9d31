"""Statements at a Jobcenter and its auditors: kept as they came, and checked offline, without a name."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from sdk import StatementIssued, Store, UnreadableAnswer
from sdk.billing import NO_STATEMENT, read_statement
from sdk.cli import main
from sdk.events import read_answer
from sdk.statement_check import SUFFIX, Keys, check

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs/examples/wire/answer.statement.json"
KEY = OKPKey.generate_key("Ed25519")
KEYS = Keys({"keys": [KEY.as_dict(private=False)]})
RECIPIENT = "jobcenter-essen"
Change = Callable[[dict[str, Any]], None]


def encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def signature_of(text: bytes, key: OKPKey = KEY) -> str:
    return encoded(JWSRegistry.algorithms["EdDSA"].sign(text, key))


def token_of(said: dict[str, Any], key: OKPKey = KEY, typ: str = "billing-statement") -> str:
    header = encoded(json.dumps({"alg": "EdDSA", "kid": key.thumbprint(), "typ": typ}).encode())
    signed = f"{header}.{encoded(json.dumps(said).encode())}"
    return f"{signed}.{signature_of(signed.encode(), key)}"


def a_voucher(serial: str, cents: int = 9000, recipient_id: str = RECIPIENT) -> str:
    return f"{serial}.{signature_of(f'gesehen voucher|{recipient_id}|{serial}|{cents}'.encode())}"


def a_group(first: int, count: int = 10, *lines: str) -> dict[str, Any]:
    vouchers = [a_voucher(f"synthetic-serial-{number:05}") for number in range(first, first + count)]
    return {
        "budget_lines": lines or ["A-12"],
        "unit_cents": 9000,
        "count": count,
        "amount_cents": count * 9000,
        "vouchers": vouchers,
    }


def a_document(number: int, previous: str, **changes: Any) -> dict[str, Any]:
    said = {
        "schema_version": 1,
        "issuer": "https://gesehen.example",
        "recipient_id": RECIPIENT,
        "number": number,
        "previous_sha256": previous,
        "month": f"2026-{number + 9:02}",
        "part": 1,
        "parts": 1,
        "issued_on": "2026-12-01",
        "currency": "EUR",
        "funded": [{"budget_line": "A-12", "units": 100}],
        "groups": [a_group(number * 100)],
        "corrections": [],
        "disputes": [],
        "total_cents": 90_000,
    }
    return said | changes


def statements(*changes: Change | None) -> dict[str, str]:
    """Return documents of months from October on; each change is to one, before it is signed."""
    found, previous = {}, NO_STATEMENT
    for number, change in enumerate(changes, start=1):
        said = a_document(number, previous)
        if change is not None:
            change(said)
        token = token_of(said)
        found[f"{number}{SUFFIX}"] = token
        previous = sha256(token.encode()).hexdigest()
    return found


def faults_of(texts: dict[str, str], **given: Any) -> list[str]:
    return [fault.fault for fault in check(texts, KEYS, **given)[1]]


def test_statements_that_are_in_order_have_no_fault() -> None:
    assert faults_of(statements(None, None, None), until="2026-12") == []


def set_to(**changes: Any) -> Change:
    return lambda said: said.update(changes)


def in_group(**changes: Any) -> Change:
    return lambda said: said["groups"][0].update(changes)


def test_a_serial_counts_once_over_all_statements() -> None:
    again = statements(None, lambda said: said.update(groups=[a_group(100)]))

    assert len(faults_of(again)) == 10
    assert all("again" in fault for fault in faults_of(again))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (in_group(count=20), "counts a group otherwise than its vouchers, or not in tens"),
        (in_group(amount_cents=1), "has a wrong amount"),
        (set_to(total_cents=1), "has a wrong total"),
        (set_to(recipient_id="another"), "is for another recipient"),
        (set_to(month="2027-02"), "is not of the month and part that come next"),
        (set_to(parts=2), "is not the last part of its month"),
        (
            set_to(previous_sha256="1" * 64),
            "does not follow the document before it: one is missing, doubled or changed",
        ),
        (set_to(funded=[{"budget_line": "A-12", "units": 10}]), "says that less was funded than before"),
        (set_to(groups=[a_group(300, 100)], total_cents=900_000), "bills more of A-12 than was funded"),
        (
            set_to(
                corrections=[{"budget_lines": ["A-12"], "unit_cents": 9000, "count": 3, "amount_cents": -27_000}],
                total_cents=63_000,
            ),
            "has a wrong correction",
        ),
        (
            set_to(
                corrections=[{"budget_lines": ["A-12"], "unit_cents": 9000, "count": 30, "amount_cents": -270_000}],
                total_cents=-180_000,
            ),
            "bills more than was funded, or pays back more than was billed",
        ),
    ],
)
def test_what_is_wrong_is_found_even_if_it_was_signed(change: Change, fault: str) -> None:
    assert fault in faults_of(statements(None, change))


def test_a_voucher_that_the_gate_did_not_make_is_found() -> None:
    forged = [a_voucher(f"synthetic-serial-{number:05}", recipient_id="another") for number in range(10)]

    assert len(faults_of(statements(in_group(vouchers=forged)))) == 10


def test_a_line_that_was_billed_beyond_what_it_was_funded_is_found_among_others() -> None:
    funded = [{"budget_line": "A-12", "units": 10}, {"budget_line": "B-2", "units": 100}]
    both = set_to(funded=funded, groups=[a_group(0, 10, "A-12"), a_group(50, 10, "A-12")], total_cents=180_000)

    assert faults_of(statements(both)) == ["bills more of A-12 than was funded"]


def test_a_missing_month_is_found_in_between_and_at_the_end() -> None:
    whole = statements(None, None, None)
    without = {name: text for name, text in whole.items() if not name.startswith("2")}

    assert faults_of(without) != []
    assert faults_of(whole, until="2027-01") == ["is the last one; 2027-01 is missing"]


def test_a_small_line_that_was_billed_by_itself_is_found() -> None:
    sizes = {"2026-10": {"A-12": 10}, "2026-11": {"A-12": 9}}

    assert faults_of(statements(None, None), commissions=sizes) == ["bills A-12 with fewer than ten commissions"]


@pytest.mark.parametrize("typ", ["consent-receipt", "ledger-head"])
def test_nothing_else_that_the_gate_signed_is_taken_for_a_statement(typ: str) -> None:
    token = token_of(a_document(1, NO_STATEMENT), typ=typ)

    assert faults_of({"a": token}) == ["is not what the gate signed"]


def test_a_statement_of_another_key_is_not_genuine() -> None:
    other = OKPKey.generate_key("Ed25519")

    assert faults_of({"a": token_of(a_document(1, NO_STATEMENT), other)}) == ["is not what the gate signed"]


@pytest.mark.parametrize("seed", range(200))
def test_any_edit_of_any_document_is_found(seed: int) -> None:
    chance = Random(seed)  # noqa: S311  chance, not a secret
    texts = dict(EDITED)
    name = chance.choice(sorted(texts))
    texts[name] = edited(texts[name], chance)

    assert faults_of(texts)


def edited(token: str, chance: Random) -> str:
    """Return a token with one letter changed, left out, added or swapped with another one."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.="
    place = chance.randrange(len(token))
    letter = chance.choice([one for one in letters if one != token[place]])
    kept = chance.choice((place, place + 1))
    written = chance.choice((letter, "")) if kept == place + 1 else letter
    return token[:place] + written + token[kept:]


EDITED = statements(None, None)


def test_a_statement_is_kept_once(tmp_path: Path) -> None:
    [token] = statements(None).values()
    with Store(tmp_path / "held.sqlite3") as store:
        first = store.apply(StatementIssued(notice="n-1", statement=token))
        again = store.apply(StatementIssued(notice="n-2", statement=token))

        assert (first, again) == (StatementIssued(notice="n-1", statement=token), None)
        assert store.statements() == [token]
        assert store.unhandled() == [("n-1", first)]


def test_the_example_is_read_as_it_is_published() -> None:
    answer = read_answer(EXAMPLE.read_bytes())

    assert isinstance(answer, StatementIssued)
    assert (answer.content.month, answer.content.total_cents) == ("2026-11", 90_000)
    assert len(answer.content.groups[0].serials) == 10


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "a.W10.c"])
def test_what_is_no_statement_is_said_to_be_unreadable(token: str) -> None:
    with pytest.raises(UnreadableAnswer):
        read_statement(token)


def kept(folder: Path) -> tuple[Path, Path, Path]:
    """Return a store with two statements, a folder for them, and the file of the gate's key."""
    store, key = folder / "held.sqlite3", folder / "signing.public.json"
    with Store(store) as one:
        for number, token in enumerate(statements(None, None).values()):
            one.apply(StatementIssued(notice=f"n-{number}", statement=token))
    key.write_text(json.dumps({"keys": [KEY.as_dict(private=False)]}))
    return store, folder / "statements", key


def test_statements_are_written_and_checked_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, folder, key = kept(tmp_path)

    assert main(["statements", str(folder), "--store", str(store)]) == 0
    capsys.readouterr()
    assert main(["check-statements", str(folder), "--key", str(key), "--until", "2026-11"]) == 0

    assert json.loads(capsys.readouterr().out) == {
        "result": "in_order",
        "documents": "2",
        "months": "2026-10 to 2026-11",
        "vouchers": "20",
        "paid_back": "0",
        "total_eur": "1800.00",
    }


def test_a_folder_that_is_not_in_order_ends_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, folder, key = kept(tmp_path)
    main(["statements", str(folder), "--store", str(store)])
    (folder / f"2026-10.0001{SUFFIX}").unlink()
    capsys.readouterr()

    assert main(["check-statements", str(folder), "--key", str(key)]) == 1

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("document") for line in lines[:-1]] == [f"2026-11.0002{SUFFIX}"]
    assert lines[-1]["result"] == "not_in_order"


def test_commissions_are_read_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, folder, key = kept(tmp_path)
    main(["statements", str(folder), "--store", str(store)])
    sizes = tmp_path / "sizes.json"
    sizes.write_text('{"2026-10": {"A-12": 12}, "2026-11": {"A-12": 3}}')

    assert main(["check-statements", str(folder), "--key", str(key), "--commissions", str(sizes)]) == 1
    assert "fewer than ten commissions" in capsys.readouterr().out


@pytest.mark.parametrize("written", ['{"2026-10": 3}', '{"2026-10": {"A-12": "3"}}', "[]", "no json"])
def test_files_that_cannot_be_read_end_with_two(tmp_path: Path, written: str) -> None:
    store, folder, key = kept(tmp_path)
    main(["statements", str(folder), "--store", str(store)])
    sizes = tmp_path / "sizes.json"
    sizes.write_text(written)

    assert main(["check-statements", str(folder), "--key", str(key), "--commissions", str(sizes)]) == 2
    assert main(["check-statements", str(tmp_path / "empty"), "--key", str(key)]) == 2
    assert main(["check-statements", str(folder), "--key", str(sizes)]) == 2
