"""Where everything lives that exists only while something runs: `.run/` in the checkout."""

import os
from collections.abc import Mapping
from pathlib import Path

from ops.errors import RunFolderUnusable

CHECKOUT = Path(__file__).resolve().parent.parent


def run_folder() -> Path:
    """Return the run folder: `GESEHEN_RUN_DIR`, else `.run/` in the checkout. It exists and is the owner's alone."""
    return _usable(Path(os.environ.get("GESEHEN_RUN_DIR") or CHECKOUT / ".run").absolute())


def stage_folder(stage: str) -> Path:
    """Return the folder of one stage (demo, story, test), made if it is not there."""
    return _usable(stage_path(stage))


def stage_path(stage: str) -> Path:
    """Return where the folder of a stage is or would be: for a command beside it, which makes none."""
    return run_folder() / "stage" / stage


def private_folder(path: Path) -> Path:
    """Create a folder that only its owner may enter."""
    missing = [one for one in (path, *path.parents) if not one.is_dir()]
    for one in reversed(missing):  # `parents=True` would leave those above open to all
        one.mkdir(mode=0o700, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Replace a file that only its owner may read; a crash leaves the old or the new one, never half."""
    private_folder(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def write_private_together(folder: Path, texts: Mapping[str, str]) -> None:
    """Replace several files of a folder that only their owner may read: what fails while they are written leaves none.

    The folder may be somebody else's choice and exist; only a new one is made the owner's alone.
    """
    private_folder(folder)
    drafts = {name: folder / f".{name}.{os.getpid()}" for name in texts}
    try:
        for name, draft in drafts.items():
            draft.touch(mode=0o600, exist_ok=False)
            draft.write_text(texts[name], encoding="utf-8", newline="")
        for name, draft in drafts.items():
            draft.replace(folder / name)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def _usable(path: Path) -> Path:
    try:
        return private_folder(path)
    except OSError as error:
        raise RunFolderUnusable(path, error.strerror or type(error).__name__) from None
