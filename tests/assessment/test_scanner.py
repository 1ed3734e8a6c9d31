"""The second line over statements: what it finds of a list, what it overlooks, and that it stops nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.assessment.scanner import Kind, scan
from tests.assessment.builders import Assessment

SENTENCES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("sentences.json").read_text())["sentences"]
RECALL = {
    Kind.DIAGNOSIS_CODE: 0.95,
    Kind.ORGANISATION: 0.8,
    Kind.SOMEBODY_ELSE: 0.8,
    Kind.REFERENCE_NUMBER: 0.85,
}
"""What it finds at the least of each kind; it was measured, and is printed below."""
PRECISION = 0.95


def found(text: str) -> set[str]:
    """Return which kinds a sentence is warned about."""
    return {warned.kind.value for warned in scan(text)}


@pytest.mark.parametrize("kind", Kind)
def test_it_finds_most_of_each_kind(kind: Kind) -> None:
    holding = [one["text"] for one in SENTENCES if kind in one["holds"]]
    overlooked = [text for text in holding if kind not in found(text)]

    recall = 1 - len(overlooked) / len(holding)

    print(f"{kind.value}: found {recall:.0%} of {len(holding)}; overlooked: {overlooked}")
    assert recall >= RECALL[kind]


def test_it_rarely_warns_of_nothing() -> None:
    warned = [(one["text"], kind, kind in one["holds"]) for one in SENTENCES for kind in found(one["text"])]

    precision = sum(right for *_, right in warned) / len(warned)

    print(f"precision {precision:.0%} of {len(warned)}; wrong: {[text for text, _, right in warned if not right]}")
    assert precision >= PRECISION


def test_the_list_is_long_and_half_of_it_holds_nothing() -> None:
    assert len(SENTENCES) >= 120
    assert sum(not one["holds"] for one in SENTENCES) >= 60


@given(st.text(max_size=300))
def test_whatever_is_written_it_names_places_in_the_text_and_never_fails(text: str) -> None:
    assert all(0 <= warned.start < warned.end <= len(text) for warned in scan(text))


def test_a_draft_is_answered_with_kinds_and_places_and_is_kept_all_the_same(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    text = "Frau Schulze hat F32.1 gesagt."

    drafted = assessment.ask("POST", f"/cases/{case_id}/statements", {"text": text})

    assert drafted.status_code == 201
    assert drafted.json()["warnings"] == [
        {"kind": "somebody_else", "start": 0, "end": 12},
        {"kind": "diagnosis_code", "start": 17, "end": 22},
    ]
    assert [one["text"] for one in assessment.case(case_id)["statements"]] == [text]


def test_a_new_draft_is_looked_at_anew(assessment: Assessment) -> None:
    case_id = assessment.open_case().case_id
    drafted = assessment.ask("POST", f"/cases/{case_id}/statements", {"text": "Frau Schulze hilft mir."}).json()

    newer = assessment.ask(
        "PUT", f"/cases/{case_id}/statements/{drafted['statement_id']}", {"text": "Mir wird geholfen."}
    )

    assert newer.json()["warnings"] == []
