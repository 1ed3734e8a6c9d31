"""The doctor on a real stage: a service that was killed is loud, with what waits for it, and quiet once it is back."""

import time
from pathlib import Path

import pytest

from ops.doctor import examine
from ops.operator_file import operator_file_of, read_operator_file
from ops.provision import main
from ops.stage import running_stage
from tests.system.desk import commission

pytestmark = pytest.mark.system


LOST = "the gate has no line to lvr-klinik: it can neither be told nor ask"


def quiet(_text: str) -> None:
    """Print nothing."""


def problems(*, until: list[str]) -> list[str]:
    """Return what is wrong, once it is this or after a while."""
    give_up_at = time.monotonic() + 20
    where = read_operator_file(operator_file_of("doctor"))
    while (found := examine(where).problems) != until and time.monotonic() < give_up_at:
        time.sleep(0.2)
    return found


def test_a_killed_service_is_loud_with_what_waits_for_it_and_so_is_a_lost_recipient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GESEHEN_RUN_DIR", str(tmp_path))
    with running_stage("doctor", tell=quiet) as stage:
        assert problems(until=[]) == []

        stage.kill("intake")
        commission(stage)
        loud = [
            f"intake does not answer at {stage.url('intake')}",
            "nobody consumes intake.events; 1 message waits",
        ]
        assert problems(until=loud) == loud

        assert main(["remove-recipient", "lvr-klinik", "--stage", "doctor"]) == 0
        assert "warning: the gate was not told (state there: active)" in capsys.readouterr().err

        stage.start("intake")
        stage.wait_until_ready("intake")
        assert problems(until=[LOST]) == [LOST]
