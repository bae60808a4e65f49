"""The checkpoint of an export: what it stores, and how its lock and damage are reported."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from moregood_async.bulk.exporting import CannotExport
from moregood_async.bulk.exporting.checkpoint import Checkpoint, ExportIdentity, Position
from moregood_async.models.reviews import Review


def test_every_difference_of_an_interrupted_export_is_named() -> None:
    """The version of the checkpoint too."""
    now = ExportIdentity(list_name="reviews", file_format="csv", base_url="https://a.example")
    saved = ExportIdentity(
        list_name="messages", file_format="csv", base_url="https://b.example", version=0
    )
    differences = now.describe_differences(saved)
    assert "list (messages, now reviews)" in differences
    assert "base URL (https://b.example, now https://a.example)" in differences
    assert "version" in differences
    assert now.describe_differences(now) == ""


def test_a_damaged_checkpoint_is_refused_with_advice(tmp_path: Path) -> None:
    """Both a file that is no database and a database with other content."""
    path = tmp_path / "checkpoint"
    path.write_bytes(b"no database at all, but long enough to be one" * 50)
    with pytest.raises(CannotExport, match=r"is damaged\. Remove it"):
        Checkpoint(path)
    path.unlink()
    checkpoint = Checkpoint(path)
    identity = ExportIdentity(list_name="a", file_format="b", base_url="c")
    checkpoint.save(identity, Position(rows=1))
    checkpoint._database.execute("UPDATE progress SET position = '{}'")
    with pytest.raises(CannotExport, match="is damaged"):
        checkpoint.read()
    checkpoint.close()


@pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
def test_a_checkpoint_that_its_owner_removes_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, used: bool
) -> None:
    """A lock on a removed file would keep no other export out."""
    path, connect = tmp_path / "checkpoint", sqlite3.connect
    if used:
        Checkpoint(path).close()

    def connect_and_unlink(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)
        path.unlink()
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_and_unlink)
    with pytest.raises(CannotExport, match="is running"):
        Checkpoint(path)


def test_an_id_beyond_64_bits_is_found_again(tmp_path: Path) -> None:
    """SQLite's integers have 64 bits, the API's ids may have more."""
    checkpoint = Checkpoint(tmp_path / "checkpoint")
    big = Review(id=2**64 + 2**63 + 5)
    assert checkpoint.select_new([big]) == [big]
    checkpoint.add([big])
    assert checkpoint.select_new([big]) == []
    checkpoint.remove()
    assert list(tmp_path.iterdir()) == []
