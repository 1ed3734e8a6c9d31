"""What narrows outlives every restore: on the disk before the commit, with its effect again where it is missing."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlmodel import Session

from shared.journal import JournalMissing
from shared.journal_file import SUFFIX, JournalUnreadable
from shared.keys import KeyDestroyed
from shared.unit_of_work import UnitOfWork
from shared.writer import StoreUnavailable
from tests.shared.builders import Base, Kit, Tally, busy, count, running_kit
from tests.shared.conftest import Store

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def a_kit(store: Store, folder: Path) -> AsyncIterator[Kit]:
    """Run an instance with a journal in a folder."""
    async with running_kit(store.url, store.key_store_url, journal_in=folder) as kit:
        yield kit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where the journal lies."""
    return tmp_path / "journal"


def narrow(name: str, value: int) -> Callable[[UnitOfWork], None]:
    """Return a handler that sets a tally and has the journal keep it."""

    def handler(work: UnitOfWork) -> None:
        tally = work.session.get(Tally, name) or Tally(name=name)
        tally.value = value
        work.session.add(tally)
        work.narrows(tally)

    return handler


def destroy(key_id: str) -> Callable[[UnitOfWork], None]:
    """Return a handler that destroys a key."""
    return lambda work: work.destroys(key_id)


def lines(folder: Path) -> list[bytes]:
    """Return the lines of all journals but their first ones."""
    return [line for path in folder.glob(f"*{SUFFIX}") for line in path.read_bytes().split(b"\n")[1:-1]]


def forget(store: Store, *, since: int) -> None:
    """Have the database be as an older backup had it: without tallies, and at an earlier line of the journal."""
    engine = store.engine()
    with Session(engine) as session:
        session.connection().exec_driver_sql("DELETE FROM tally")
        session.connection().execute(Base.metadata.tables["journal_position"].update().values(position=since))
        session.commit()


async def test_what_narrows_has_its_effect_again_after_a_restore(store: Store, folder: Path) -> None:
    async with a_kit(store, folder) as kit:
        await kit.writer.run(narrow("no", 1))
        await kit.writer.run(narrow("no", 2))
        await kit.writer.run(narrow("ask", 7))
    forget(store, since=0)

    async with a_kit(store, folder) as kit:
        assert kit.tallies() == {"no": 2, "ask": 7}


async def test_only_what_the_database_does_not_know_is_written_again(store: Store, folder: Path) -> None:
    async with a_kit(store, folder) as kit:
        await kit.writer.run(narrow("first", 1))
        await kit.writer.run(narrow("second", 1))
    forget(store, since=1)

    async with a_kit(store, folder) as kit:
        assert kit.tallies() == {"second": 1}


async def test_a_restart_without_a_restore_writes_nothing_again(store: Store, folder: Path) -> None:
    async with a_kit(store, folder) as kit:
        await kit.writer.run(narrow("held", 1))
        await kit.writer.run(count("held", by=-1))  # lifted since: that widens, so the journal does not know it

    async with a_kit(store, folder) as kit:
        assert kit.tallies() == {"held": 0}


async def test_what_does_not_narrow_costs_no_line(store: Store, folder: Path) -> None:
    async with a_kit(store, folder) as kit:
        await kit.writer.run(count("visits"))

    assert lines(folder) == []


async def test_a_group_shares_one_line(store: Store, folder: Path) -> None:
    async with a_kit(store, folder) as kit:
        async with busy(kit.writer):
            both = [asyncio.create_task(kit.writer.run(narrow(name, 1))) for name in ("one", "other")]
        await asyncio.gather(*both)

    assert len(lines(folder)) == 1


async def test_what_fails_leaves_nothing_in_the_journal(store: Store, folder: Path) -> None:
    def fail(work: UnitOfWork) -> None:
        narrow("no", 1)(work)
        raise ValueError

    def attempt(work: UnitOfWork) -> None:
        with pytest.raises(ValueError), work.attempt():  # noqa: PT011  ours
            fail(work)

    async with a_kit(store, folder) as kit:
        with pytest.raises(ValueError):  # noqa: PT011  ours
            await kit.writer.run(fail)
        await kit.writer.run(attempt)

    assert lines(folder) == []


async def test_a_key_is_destroyed_before_the_commit_and_again_when_an_old_key_store_is_put_back(
    sqlite_store: Store, folder: Path, tmp_path: Path
) -> None:
    async with a_kit(sqlite_store, folder) as kit:
        kit.keys.seal("person-1", "x", b"value")
    shutil.copy(tmp_path / "keys.db", tmp_path / "old-keys.db")
    async with a_kit(sqlite_store, folder) as kit:
        await kit.writer.run(destroy("person-1"))
        assert kit.keys.is_destroyed("person-1")

    shutil.copy(tmp_path / "old-keys.db", tmp_path / "keys.db")

    async with a_kit(sqlite_store, folder) as kit:
        assert kit.keys.is_destroyed("person-1")
        with pytest.raises(KeyDestroyed):
            kit.keys.seal("person-1", "x", b"value")


async def test_nothing_shares_a_group_with_what_comes_before_a_destroyed_key(store: Store, folder: Path) -> None:
    async with a_kit(store, folder) as kit:
        async with busy(kit.writer):
            first = asyncio.create_task(kit.writer.run(destroy("person-1")))
            second = asyncio.create_task(kit.writer.run(lambda work: work.seal("person-1", "x", "late")))
        await first
        with pytest.raises(KeyDestroyed):
            await second


@pytest.mark.parametrize("loss", ["file", "lines", "folder"])
async def test_a_service_does_not_start_without_the_journal_that_its_database_knows(
    store: Store, folder: Path, loss: str
) -> None:
    async with a_kit(store, folder) as kit:
        await kit.writer.run(narrow("no", 1))
        await kit.writer.run(narrow("no", 2))
    [path] = folder.glob(f"*{SUFFIX}")
    losses: dict[str, Callable[[], object]] = {
        "file": path.unlink,
        "lines": lambda: path.write_bytes(path.read_bytes().rsplit(b"\n", 2)[0] + b"\n"),
        "folder": lambda: shutil.rmtree(folder),
    }

    losses[loss]()

    with pytest.raises(JournalMissing) as refused:
        async with a_kit(store, folder):
            pytest.fail("it started")
    assert refused.value.code == "journal_missing"


async def test_a_database_that_never_narrowed_knows_its_journal_all_the_same(store: Store, folder: Path) -> None:
    async with a_kit(store, folder):
        pass
    shutil.rmtree(folder)

    with pytest.raises(JournalMissing):
        async with a_kit(store, folder):
            pytest.fail("it started")


async def test_a_last_line_that_was_torn_is_cut_off(store: Store, folder: Path) -> None:
    async with a_kit(store, folder) as kit:
        await kit.writer.run(narrow("no", 1))
    [path] = folder.glob(f"*{SUFFIX}")
    whole = path.read_bytes()
    path.write_bytes(whole + b'0badcafe {"at":"2026-')

    async with a_kit(store, folder) as kit:
        assert path.read_bytes() == whole
        await kit.writer.run(narrow("no", 2))
    forget(store, since=0)
    async with a_kit(store, folder) as kit:
        assert kit.tallies() == {"no": 2}


@pytest.mark.parametrize("damage", [b"1", b"\n", b" ", b"\x00"])
async def test_anything_else_that_cannot_be_read_is_refused(store: Store, folder: Path, damage: bytes) -> None:
    async with a_kit(store, folder) as kit:
        await kit.writer.run(narrow("no", 1))
        await kit.writer.run(narrow("no", 2))
    [path] = folder.glob(f"*{SUFFIX}")
    first, second, *others = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([first, second[:30] + damage + second[31:], *others]))

    with pytest.raises(JournalUnreadable) as refused:
        async with a_kit(store, folder):
            pytest.fail("it started")
    assert refused.value.code == "journal_unreadable"


async def test_the_journal_of_another_service_is_refused(sqlite_store: Store, folder: Path) -> None:
    async with a_kit(sqlite_store, folder):
        pass
    [path] = folder.glob(f"*{SUFFIX}")
    other = subprocess.run(
        [sys.executable, "-c", OTHER, str(folder)], capture_output=True, text=True, check=True, timeout=60
    )

    assert other.stdout.strip() == "journal_unreadable"
    assert path.exists()


OTHER = """
import sys
from pathlib import Path
from shared.journal_file import JournalFile, JournalUnreadable
try:
    JournalFile.claim(Path(sys.argv[1]), service="other")
except JournalUnreadable as error:
    print(error.code)
"""


async def test_two_instances_have_a_file_each_and_read_both(postgres_store: Store, folder: Path) -> None:
    async with a_kit(postgres_store, folder) as one, a_kit(postgres_store, folder) as other:
        await one.writer.run(narrow("one", 1))
        one.clock.pass_by(seconds=2)
        other.clock.pass_by(seconds=1)
        await other.writer.run(narrow("both", 1))
        await one.writer.run(narrow("both", 2))
    assert len(list(folder.glob(f"*{SUFFIX}"))) == 2
    forget(postgres_store, since=0)

    async with a_kit(postgres_store, folder) as kit:
        assert kit.tallies() == {"one": 1, "both": 2}


async def test_an_instance_that_starts_beside_another_leaves_its_open_group_alone(
    postgres_store: Store, folder: Path
) -> None:
    async with a_kit(postgres_store, folder) as one:
        await one.writer.run(narrow("no", 1))
        async with a_kit(postgres_store, folder) as other:
            await one.writer.run(narrow("no", 2))
            await other.writer.run(narrow("ask", 1))

            assert other.tallies() == {"no": 2, "ask": 1}


async def test_a_command_whose_commit_failed_is_not_carried_out_later(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_kit(store, folder) as kit:
        with monkeypatch.context() as broken:
            broken.setattr(Session, "commit", failing)
            with pytest.raises(StoreUnavailable):
                await kit.writer.run(narrow("no", 1))
        await kit.writer.run(narrow("ask", 1))
    assert len(lines(folder)) == 2
    forget(store, since=0)

    async with a_kit(store, folder) as kit:
        assert kit.tallies() == {"ask": 1}


async def test_what_was_written_with_a_destroyed_key_is_carried_out_although_the_commit_failed(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def erase(work: UnitOfWork) -> None:
        narrow("erased", 1)(work)
        work.destroys("person-1")

    async with a_kit(store, folder) as kit:
        with monkeypatch.context() as broken:
            broken.setattr(Session, "commit", failing)
            with pytest.raises(StoreUnavailable):
                await kit.writer.run(erase)
        await kit.writer.run(count("other"))

        assert kit.tallies() == {"erased": 1, "other": 1}


async def test_a_disk_that_refuses_the_journal_refuses_the_command_and_is_seen(
    sqlite_store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_kit(sqlite_store, folder) as kit:
        with monkeypatch.context() as full:
            full.setattr("os.fsync", failing)
            with pytest.raises(StoreUnavailable):
                await kit.writer.run(narrow("no", 1))
            assert not kit.journal.is_writable()
        assert (kit.tallies(), kit.journal.is_writable()) == ({}, True)

        await kit.writer.run(narrow("no", 2))
    assert len(lines(folder)) == 1


async def test_a_disk_that_would_refuse_is_seen_before_anybody_is_refused(
    sqlite_store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_kit(sqlite_store, folder) as kit:
        with monkeypatch.context() as full:
            full.setattr("os.fsync", failing)
            while_full = kit.journal.is_writable()

        assert (while_full, kit.journal.is_writable()) == (False, True)
        assert list(folder.glob("probe*")) == []


def failing(*_arguments: object) -> None:
    """Fail as a disk does."""
    raise OSError(28, "no space left on device")


@pytest.fixture
def killed(sqlite_store: Store, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Kill a process between the line in its journal and the commit."""
    command = [sys.executable, "-m", "tests.shared.journal_process", sqlite_store.url, sqlite_store.key_store_url]
    return subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False, timeout=60)


async def test_a_kill_between_the_line_and_the_commit_is_made_good_at_the_next_start(
    sqlite_store: Store, folder: Path, killed: "subprocess.CompletedProcess[str]"
) -> None:
    assert killed.returncode == -9, killed.stderr
    with sqlite3.connect(sqlite_store.url.removeprefix("sqlite:///")) as connection:
        assert connection.execute("SELECT count(*) FROM tally WHERE value = 2").fetchone() == (0,)
    connection.close()

    async with a_kit(sqlite_store, folder) as kit:
        assert kit.tallies() == {"no": 2}
        assert kit.keys.is_destroyed("person-1")
