"""`make demo` and `make story`: everything up, the stories played, then either staying up or done.

`python -m ops.demo` stays up until Ctrl-C; `--once` ends by itself, with exit code 0 only if every step came out right.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ops.errors import OpsError, report
from ops.operator_file import operator_file_of, read_operator_file
from ops.run_folder import CHECKOUT
from ops.stage import READY_SECONDS, ROLE_OF, NotReady, Stage, is_ok, running_stage
from ops.story import Player
from ops.story_file import read_stories
from ops.summary import summarise
from ops.watch import Watch, ask_for_restart
from shared.topology import SERVICES
from shared.town import USUAL

DEFAULT: Final = "demo"
PYTHON: Final = ".venv/bin/python"
STORIES: Final = CHECKOUT / "ops" / "stories"
PEOPLE: Final = STORIES / "people"


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="play the stories, print the counts, end")
    parser.add_argument("--people", action="store_true", help="play the stories of eight people instead")
    parser.add_argument("--town", type=Path, default=USUAL, help="the folder of another town (docs/another-town.md)")
    parser.add_argument("--stage", help="name of the stage's folder in the run folder")
    parser.add_argument("--restart", metavar="NAME", help="have a stage that stays up start a service or desk again")
    said = parser.parse_args(arguments)
    if said.restart:
        return _restart(said.restart, said.stage or DEFAULT)
    try:
        name = said.stage or _usual_name(said)
        recipients = PEOPLE / "recipients.json" if said.people else None
        with running_stage(name, town=said.town.absolute(), recipients=recipients, tell=_tell) as stage:
            counts = play_all(stage, PEOPLE if said.people else stories_of(said.town))
            if not said.once:
                _stay_up(stage)
            print(json.dumps(counts), flush=True)
    except OpsError as error:
        print(f"\n{error.code}: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, a folder of somebody else
        print(f"\ncannot_write: {error.strerror or type(error).__name__} ({error.filename})", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        _tell("\nended; every process that was started here is gone")
        return 0
    return 1 if counts["leaks"] else 0


def stories_of(town: Path) -> Path:
    """Return the folder of a town's own stories, or of those that are played in the usual one."""
    own = town / "stories"
    return own if own.exists() else STORIES


def _usual_name(said: argparse.Namespace) -> str:
    if not said.once:
        return DEFAULT
    return "people" if said.people else "story"


def play_all(stage: Stage, folder: Path = STORIES, *, player: Player | None = None) -> dict[str, int]:
    """Play every story of a folder in order and count what came of them."""
    player = player or Player(stage, tell=_tell)
    for story in read_stories(folder):
        player.play(story)
    return summarise(player)


def _restart(name: str, stage: str) -> int:
    try:
        ask_for_restart(stage, name)
        _wait_until_ready(name, stage)
    except OpsError as error:
        return report(error)
    _tell(f"{name} was started again and is ready")
    return 0


def _wait_until_ready(name: str, stage: str) -> None:
    file = operator_file_of(stage)
    url = read_operator_file(file).services.get(name)
    until = time.monotonic() + READY_SECONDS
    while url and not is_ok(f"{url}/ready"):
        if time.monotonic() > until:
            raise NotReady(name, file.parent / "logs" / f"{name}.log")
        time.sleep(0.1)


def _stay_up(stage: Stage) -> None:
    tokens = stage.folder / "keys" / "tokens.json"
    lines = [
        "",
        "Everything stays up. Where to look:",
        *(f"  {f'what {desk} knows':<28} {stage.url(desk)}/" for desk in stage.desks()),
        *(f"  {name:<28} {stage.url(name)}/openapi.json   (token: {ROLE_OF[name]})" for name in SERVICES),
        f"  {'for Prometheus':<28} " + " ".join(f"{name}:{port}" for name, port in stage.metrics_ports.items()),
        f"  {'role tokens':<28} {tokens}",
        f"  {'logs':<28} {stage.folder / 'logs'}",
        f"  {'connections':<28} {stage.folder / 'outside'}  (what a partner gets, and its own key)",
        "",
        "What to try, in another shell:",
        *(f"  {command:<72} # {what}" for command, what in _to_try(stage)),
        "",
        "Ctrl-C ends every process.",
    ]
    _tell("\n".join(lines))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    watch = Watch(stage, tell=_tell, restart_command=_restart_command(stage))
    while True:
        watch.look()
        time.sleep(0.5)


def _to_try(stage: Stage) -> list[tuple[str, str]]:
    desk = stage.url(next(str(one["recipient_id"]) for one in stage.recipients if one["role"] == "jobcenter"))
    return [
        (f"curl -s {desk}/held", "what the Jobcenter holds now"),
        (f"curl -s -X POST {desk}/pause", "from now on its notices wait unopened, until /resume"),
        (f"curl -s {desk}/unopened", "how many wait"),
        (f"curl -s -X POST {desk}/resume", "it opens them: what may still be known comes"),
        (f"{PYTHON} -m ops.doctor{_named(stage)}", "one sentence for each thing that is wrong"),
        (f"kill -9 {stage.running['intake'].pid}", "intake: this shell says so, and starts it again"),
        (f"{_restart_command(stage)} intake", "have it started again in an orderly way"),
    ]


def _restart_command(stage: Stage) -> str:
    return f"{PYTHON} -m ops.demo{_named(stage)} --restart"


def _named(stage: Stage) -> str:
    return "" if stage.folder.name == DEFAULT else f" --stage {stage.folder.name}"


def _tell(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
