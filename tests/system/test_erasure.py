"""A person is forgotten in all four services, through the real broker: with all keys that are left, nothing is read."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ops import zone_keys
from ops.run_folder import CHECKOUT
from ops.stage import Stage, running_stage
from ops.story import Player
from ops.story_file import read_stories
from services.consent.keys import GateKey
from shared.topology import SERVICES
from tests.system.attacker import files, readable, wrapped_keys

pytestmark = pytest.mark.system

PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    """Play the first stories: Ada was commissioned, Bela and Noor came by themselves, Noor was erased."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GESEHEN_RUN_DIR", str(tmp_path_factory.mktemp("run")))
        with running_stage("erasure", tell=quiet) as stage:
            player = Player(stage, tell=quiet, patience_seconds=PATIENCE_SECONDS)
            for story in read_stories(CHECKOUT / "ops" / "stories"):
                if story.name[:2] in CHOSEN:
                    player.play(story)
            yield player


CHOSEN = ("01", "02", "03", "04", "14")


def quiet(_text: str) -> None:
    """Print nothing."""


def ask(stage: Stage, method: str, path: str, *, role: str = "operator") -> Any:  # Any: JSON values
    """Ask the gate."""
    token = {"Authorization": f"Bearer {stage.tokens[role]}"}
    return httpx2.request(method, stage.url("consent") + path, headers=token, timeout=30).json()


def until(says_yes: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not says_yes():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.2)


def texts(player: Player, *persons: str) -> set[str]:
    """Return the seeded texts of persons; codes of a vocabulary stand in code and logs of nobody."""
    return {mark.text for mark in player.knowledge.marks.values() if mark.person in persons}


def found(player: Player, *persons: str) -> set[str]:
    """Return which seeded texts of persons somebody with all that is left can read."""
    gate_key = GateKey(json.loads((player.stage.folder / "keys" / "gate.key.json").read_text(encoding="utf-8")))
    read = readable(player.stage, gate_key)
    return {text for text in texts(player, *persons) if json.dumps(text, ensure_ascii=False)[1:-1].encode() in read}


def test_nothing_of_an_erased_person_can_be_read_with_all_keys_that_are_left(player: Player) -> None:
    stage = player.stage
    assert found(player, "ada") == texts(player, "ada"), "the attack itself must work while the keys are there"
    theirs = {player.names["ada"], *commissions_of(player, "ada")}
    stores = [wrapped_keys(stage, service) for service in SERVICES]
    wrapped = {key for store in stores for name, key in store.items() if name in theirs}
    assert len(wrapped) == 4, (
        "two at the gate, one each at intake and assessment; referral never sealed anything of her"
    )

    ask(stage, "POST", f"/persons/{player.names['ada']}/erasure", role="person_desk")
    until(lambda: {one["state"] for one in ask(stage, "GET", "/erasures")} == {"keys_destroyed"})
    week_later = datetime.now(UTC).date() + timedelta(days=8)
    zone_keys.rotate(stage.folder / "keys" / "zone-keys.json", today=week_later)
    until(lambda: {one["state"] for one in ask(stage, "GET", "/erasures")} == {"complete"})

    assert found(player, "ada", "noor") == set()
    assert found(player, "bela") != set()
    lying = [path.name for path in files(stage) for key in wrapped if key in path.read_bytes()]
    assert lying == [], "a wrapped key of an erased person still lies in a file"


def commissions_of(player: Player, person: str) -> list[str]:
    """Return the commissions that a person came by, as the gate knows them."""
    with sqlite3.connect(f"file:{player.stage.database('consent')}?mode=ro", uri=True) as connection:
        found = connection.execute("SELECT subject_id FROM subject WHERE person_id = ?", (player.names[person],))
        commissions = [row[0] for row in found]
    connection.close()
    return commissions


def test_the_jobcenter_keeps_its_status_and_drops_the_rest(player: Player) -> None:
    def held() -> Any:
        return httpx2.get(f"{player.stage.url('jobcenter-essen')}/held", timeout=30).json()

    until(lambda: held()["held"] == [])  # the notice of it travels while the erasure is confirmed already
    assert held()["statuses"] == {"AZ-2026-0417": "commissioned"}


def test_the_chains_verify_and_nothing_is_parked_or_waits(player: Player) -> None:
    chains = [ask(player.stage, "GET", f"/ledger/{desk}/verification")["whole"] for desk in player.stage.desks()]

    assert set(chains) == {True}
    for service in SERVICES:
        counts = httpx2.get(f"{player.stage.url(service)}/ready", timeout=10).json()["counts"]
        assert (counts["parked"], counts["waiting_too_long"]) == (0, 0)


def test_no_log_names_an_erased_person(player: Player) -> None:
    logs = b"".join(Path(path).read_bytes() for path in (player.stage.folder / "logs").glob("*"))

    assert not [text for text in texts(player, "ada", "noor") if text.encode() in logs]
