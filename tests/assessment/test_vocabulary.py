"""The words for findings, recommendations and conclusions: closed lists in which no word can be taken for another."""

import json
import re
from itertools import permutations

import pytest

from services.assessment.app import VOCABULARY
from services.assessment.domain import NotAcceptable, Vocabulary
from shared.contracts.categories import LIFE_DOMAINS, Category
from tests.assessment.builders import Assessment

RAW = json.loads(VOCABULARY.read_text(encoding="utf-8"))
WORDS = [*RAW["recommendations"], *RAW["conclusions"], *(code for codes in RAW["facts"].values() for code in codes)]


def test_every_life_domain_has_words_and_nothing_else_has() -> None:
    assert set(RAW["facts"]) == {domain.value for domain in LIFE_DOMAINS}
    assert min(len(codes) for codes in RAW["facts"].values()) >= 8


def test_a_word_is_in_one_list_only_and_part_of_no_other() -> None:
    assert [one for one, other in permutations(WORDS, 2) if one in other] == []


def test_a_word_is_long_enough_to_be_found_and_fits_the_contract() -> None:
    assert [word for word in WORDS if not re.fullmatch(r"[a-z][a-z0-9_]{7,47}", word)] == []


def test_a_word_of_another_life_domain_is_refused_without_repeating_it() -> None:
    vocabulary = Vocabulary.from_json(json.dumps(RAW))

    with pytest.raises(NotAcceptable) as refused:
        vocabulary.check_fact(Category.WORK, "sleeping_rough")

    assert "sleeping_rough" not in f"{refused.value} {refused.value.fields}"


def test_every_word_that_is_taken_can_be_asked_for(assessment: Assessment) -> None:
    listed = assessment.ask("GET", "/vocabulary").json()

    assert listed["facts"] == {domain: sorted(codes) for domain, codes in RAW["facts"].items()}
    assert [listed[kind] for kind in ("recommendations", "conclusions")] == [
        sorted(RAW[kind]) for kind in ("recommendations", "conclusions")
    ]
