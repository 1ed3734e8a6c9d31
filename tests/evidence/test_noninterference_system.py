"""N1, N2 and C1 on the real thing: gate, broker, database, two recipients' own accounts, and faults all the while."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from ops.stage import Stage, running_stage
from tests.consent.builders import CLINIC, JOBCENTER
from tests.evidence.conftest import Note
from tests.evidence.firehose import Firehose
from tests.evidence.sizes import SEED, sized
from tests.evidence.system_pairs import CANARY, HISTORIES, draw_group
from tests.evidence.town import Town

SHARDS = 2
PAIRS = sized(5_000)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Return a stage of its own: broker, databases, services."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GESEHEN_RUN_DIR", str(tmp_path))
        with running_stage("evidence", tell=lambda _: None) as running:
            yield running


@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_real_gate_shows_alike_what_differs_in_nothing_that_was_released(
    stage: Stage, shard: int, note: Note
) -> None:
    groups = -(-PAIRS // SHARDS // (HISTORIES - 1))
    first = (SEED * SHARDS + shard) * groups
    alike = [draw_group(first + number, number) for number in range(groups)]
    histories = [history for group in alike for history in group]
    firehose = Firehose(stage.broker, CANARY.encode())
    town = Town(stage, Random(SEED * SHARDS + shard), firehose=firehose)  # noqa: S311  a seed, not a secret

    asyncio.run(town.play(histories))

    met = Counter[str]()
    for number, group in enumerate(alike):
        seen = [sorted(town.seen[history.person_id]) for history in group]
        apart = [(sorted({*one} - {*seen[0]}), sorted({*seen[0]} - {*one})) for one in seen if one != seen[0]]
        assert not apart, f"seed {first + number}: {apart}"
        for what in ("released", "retracted", "empty"):
            met[what] += any(f'"result": "{what}"' in text for _, text in seen[0])
        met["nothing told"] += not any('"result": "released"' in text for _, text in seen[0])
        met[group[0].observer] += 1
    distinct = {str(sorted(town.seen[group[0].person_id])) for group in alike}
    assert len(distinct) > groups / 4  # what differs in what was released is told apart
    assert min(met[case] for case in ("released", "retracted", "nothing told", JOBCENTER, CLINIC)) > groups / 20, met
    assert {name: len(one.shapes) for name, one in town.observers.items()} == {JOBCENTER: 1, CLINIC: 1}
    assert min(town.faults["gate killed"], town.faults["malformed events"]) > 0, town.faults
    assert hits(stage, CANARY.encode()) == []
    assert firehose.met["hits"] == 0
    assert firehose.met["messages"] > 2 * len(histories)
    pairs = groups * (HISTORIES - 1)
    note("N1, N2, N6 whole system: pairs told apart", size=pairs, of="pairs", result=0)
    note("N6 whole system: faults injected meanwhile", size=pairs, of="pairs", result=sum(town.faults.values()))
    note("C1 canary: hits in the broker's firehose", size=firehose.met["messages"], of="messages", result=0)
    note("C1 canary: hits in logs, databases, journals, broker files", size=len(files(stage)), of="files", result=0)


def files(stage: Stage) -> list[Path]:
    """Return every file of the stage but those of the recipients."""
    return [
        Path(folder) / name
        for folder, _, names in os.walk(stage.folder)
        for name in names
        if "outside" not in Path(folder).parts
    ]


def hits(stage: Stage, mark: bytes) -> list[str]:
    """Return in which files a mark can be read."""
    return [path.name for path in files(stage) if mark in path.read_bytes()]
