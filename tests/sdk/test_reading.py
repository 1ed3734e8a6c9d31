"""Answers and replies as they come off the wire."""

import json
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from sdk import Empty, FieldError, Received, Referral, Refused, Released, Retracted, Situation, UnreadableAnswer
from sdk.commands import read_reply
from sdk.content import CONTENT
from sdk.events import Unavailable, read_answer, read_event
from shared.contracts.released import JobcenterSituation, ProviderReferral
from tests.sdk.builders import a_release, a_retraction, a_status

EXAMPLES = Path(__file__).parents[2] / "docs/examples/released"
SECRET = "what-the-person-said"


def a_released_answer(**content: object) -> bytes:
    released = {"type": "jobcenter.situation.v1", "reference": "E-1"} | content
    return json.dumps(
        {"result": "released", "notice": "n", "release_id": "n", "sequence": 1, "released": released}
    ).encode()


def test_an_answer_with_content_is_a_release() -> None:
    answer = read_answer(a_released_answer(conclusion={"code": "work_possible", "decided_on": "2026-03-01"}))

    assert isinstance(answer, Released)
    assert (answer.type, answer.reference) == ("jobcenter.situation.v1", "E-1")
    assert answer.categories == {"conclusion": {"code": "work_possible", "decided_on": "2026-03-01"}}


def test_content_reads_as_its_typed_class() -> None:
    answer = read_answer(a_released_answer(conclusion={"code": "work_possible", "decided_on": "2026-03-01"}))

    assert isinstance(answer, Released)
    assert isinstance(answer.content, Situation)
    assert answer.content.conclusion is not None
    assert answer.content.conclusion.decided_on == date(2026, 3, 1)


def test_what_a_newer_gate_adds_does_no_harm() -> None:
    content = {"conclusion": {"code": "c", "new_word": 1}, "new_category": [1]}
    answer = read_answer(json.dumps(json.loads(a_released_answer(**content)) | {"new_field": True}).encode())

    assert isinstance(answer, Released)
    assert answer.categories["new_category"] == [1]
    assert isinstance(answer.content, Situation)


def test_a_type_that_is_not_known_here_stays_readable_by_category() -> None:
    answer = read_answer(a_released_answer(type="jobcenter.other.v1", other=1))

    assert isinstance(answer, Released)
    assert answer.categories == {"other": 1}
    with pytest.raises(UnreadableAnswer):
        _ = answer.content


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        a_release().sequence = 2


@pytest.mark.parametrize("event", [a_release(work=[{"code": "c"}]), a_retraction(), a_status()])
def test_an_event_survives_the_store(event: Released | Retracted) -> None:
    assert read_event(event.model_dump_json()) == event


def test_empty_and_try_again_are_read() -> None:
    assert read_answer(b'{"result":"empty"}') == Empty()
    assert read_answer(b'{"result":"try_again"}') == Unavailable()


@pytest.mark.parametrize(
    "plaintext",
    [b"", b"[]", b'{"result":"other"}', b'{"result":"released"}', b"\xff", a_released_answer(reference=[SECRET])],
)
def test_an_unknown_answer_is_refused_without_its_values(plaintext: bytes) -> None:
    with pytest.raises(UnreadableAnswer) as caught:
        read_answer(plaintext)

    assert SECRET not in repr(caught.value)


def test_what_was_released_is_not_shown_when_an_event_is_printed() -> None:
    assert SECRET not in repr(a_release(statements=[{"text": SECRET}]))


def test_replies_are_read() -> None:
    assert read_reply(b'{"result":"received","command_id":"c"}') == Received(command_id="c")
    assert read_reply(
        b'{"result":"refused","command_id":null,"errors":[{"field":"body","reason":"cannot be read"}]}'
    ) == Refused(errors=(FieldError(field="body", reason="cannot be read"),))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.name)
def test_the_typed_classes_read_every_golden_example_without_loss(path: Path) -> None:
    example = json.loads(path.read_text())
    answer = read_answer(a_released_answer(**example))

    assert isinstance(answer, Released)
    assert answer.content.model_dump(mode="json", exclude_unset=True) == example


@pytest.mark.parametrize("released", [JobcenterSituation, ProviderReferral])
def test_the_sdk_knows_every_field_that_can_be_released(
    released: type[JobcenterSituation] | type[ProviderReferral],
) -> None:
    assert set(released.model_fields) <= set(CONTENT[released.message_type].model_fields)


def test_the_typed_classes_are_those_of_the_two_roles() -> None:
    assert set(CONTENT.values()) == {Situation, Referral}
