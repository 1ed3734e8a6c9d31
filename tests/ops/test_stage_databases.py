"""A database that cannot be set up is named, with the one line that says why."""

from pathlib import Path

import pytest

from ops.stage_databases import NotMigrated, migrate


def test_a_database_that_cannot_be_written_is_named_with_its_last_line(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()

    with pytest.raises(NotMigrated, match=r"database of intake could not be migrated: .*unable to open") as caught:
        migrate({"intake": f"sqlite:///{tmp_path}/no/such/folder.sqlite"}, logs=tmp_path / "logs")

    assert len(str(caught.value).splitlines()) == 1
