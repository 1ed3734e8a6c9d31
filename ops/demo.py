"""`make demo` and `make story`: everything up, the stories played, then either staying up or done.

`python -m ops.demo` stays up until Ctrl-C; `--once` ends by itself, with exit code 0 only if every step came out right.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence

from ops.errors import OpsError
from ops.run_folder import CHECKOUT
from ops.stage import ROLE_OF, Stage, running_stage
from ops.story import Player
from ops.story_file import read_stories
from ops.summary import summarise
from shared.topology import SERVICES


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="play the stories, print the counts, end")
    parser.add_argument("--stage", help="name of the stage's folder in the run folder")
    said = parser.parse_args(arguments)
    try:
        with running_stage(said.stage or ("story" if said.once else "demo"), tell=_tell) as stage:
            counts = play_all(stage)
            if not said.once:
                _stay_up(stage)
            print(json.dumps(counts), flush=True)
    except OpsError as error:
        print(f"\n{error.code}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        _tell("\nended; every process that was started here is gone")
        return 0
    return 1 if counts["leaks"] else 0


def play_all(stage: Stage, *, player: Player | None = None) -> dict[str, int]:
    """Play every story in order and count what came of them."""
    player = player or Player(stage, tell=_tell)
    for story in read_stories(CHECKOUT / "ops" / "stories"):
        player.play(story)
    return summarise(player)


def _stay_up(stage: Stage) -> None:
    tokens = stage.folder / "keys" / "tokens.json"
    lines = [
        "",
        "Everything stays up. Where to look:",
        *(f"  what {desk} knows    {stage.url(desk)}/" for desk in stage.desks()),
        *(f"  {name:<12} {stage.url(name)}/openapi.json   (token: {ROLE_OF[name]})" for name in SERVICES),
        f"  role tokens   {tokens}",
        f"  logs          {stage.folder / 'logs'}",
        f"  connections   {stage.folder / 'outside'}  (what a partner gets, and its own key)",
        "",
        "What to try, in another shell:",
        f"  curl -s {stage.url('jobcenter-essen')}/held",
        f"  curl -s {stage.url('consent')}/ready",
        "  kill -9 one of the services, and see that it is loud: curl its neighbours' /ready",
        "",
        "Ctrl-C ends every process.",
    ]
    _tell("\n".join(lines))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    while True:
        time.sleep(1)


def _tell(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
