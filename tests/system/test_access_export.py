"""After the stories each person is told all that was ever said about them, by all services, and nothing of anybody."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from ops import access_export
from ops.run_folder import CHECKOUT
from ops.stage import Stage, running_stage
from ops.story import Player
from ops.story_file import read_stories
from shared.topology import SERVICES

pytestmark = pytest.mark.system

STAGE = "access"


def quiet(_text: str) -> None:
    """Print nothing."""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    """Return a stage on which all stories were played."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GESEHEN_RUN_DIR", str(tmp_path_factory.mktemp("run")))
        with running_stage(STAGE, tell=quiet) as stage:
            player = Player(stage, tell=quiet, patience_seconds=120)
            for story in read_stories(CHECKOUT / "ops" / "stories"):
                player.play(story)
            yield player


@pytest.mark.parametrize("person", ["ada", "bela", "mira"])
def test_a_person_finds_every_text_of_hers_and_none_of_anybody_else(
    played: Player, person: str, tmp_path: Path
) -> None:
    ended = access_export.main([played.names[person], "--stage", STAGE, "--output", str(tmp_path / "out")])

    document = json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf-8"))
    found = set(played.knowledge.found_in(document))
    assert ended == 0
    assert found == {mark for mark in played.knowledge.marks.values() if mark.person == person}
    assert [one["service"] for one in document["services"]] == list(SERVICES)
    assert [record for one in document["services"] for record in one["records"] if record["unreadable"]] == []


def test_the_private_note_and_everything_else_stand_on_the_readable_page(played: Player, tmp_path: Path) -> None:
    access_export.main([played.names["ada"], "--stage", STAGE, "--language", "en", "--output", str(tmp_path)])

    html = (tmp_path / "export.html").read_text(encoding="utf-8")
    texts = [mark.text for mark in played.knowledge.marks.values() if mark.person == "ada"]
    assert "She cried when she spoke of her mother. (synthetic)" in html
    assert [text for text in texts if text not in html] == []
    assert [mark.text for mark in played.knowledge.marks.values() if mark.person != "ada" and mark.text in html] == []


def test_the_document_is_what_its_schema_says(played: Player, tmp_path: Path) -> None:
    access_export.main([played.names["ada"], "--stage", STAGE, "--output", str(tmp_path)])

    schema = json.loads((CHECKOUT / "docs" / "schemas" / "export.schema.json").read_text(encoding="utf-8"))
    document = json.loads((tmp_path / "export.json").read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(document)] == []


def test_what_was_disclosed_is_what_the_recipients_were_given(played: Player, tmp_path: Path) -> None:
    access_export.main([played.names["mira"], "--stage", STAGE, "--output", str(tmp_path)])

    document = json.loads((tmp_path / "export.json").read_text(encoding="utf-8"))
    [gate] = [one["records"] for one in document["services"] if one["service"] == "consent"]
    disclosed = [one["content"]["content"]["released"] for one in gate if one["kind"] == "disclosure"]
    received = [entry["body"].get("released") for entry in played.received("lvr-klinik")]
    assert disclosed
    assert [one for one in disclosed if one not in received] == []


def test_with_one_service_down_it_is_named_and_nothing_is_written(
    played: Player, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage: Stage = played.stage
    stage.kill("referral")

    ended = access_export.main([played.names["ada"], "--stage", STAGE, "--output", str(tmp_path / "out")])

    stage.start("referral")
    stage.wait_until_ready("referral")
    assert ended == 1
    assert "referral: no answer" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
