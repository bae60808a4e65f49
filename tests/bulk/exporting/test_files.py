"""Files that appear under their name only when they are complete."""

import json
import os
from pathlib import Path

import pytest

from moregood_async.bulk.exporting import JsonLinesWriter, whole_file
from moregood_async.bulk.exporting.file_formats import page_encoder_for
from moregood_async.models.reviews import Review


def test_a_file_is_replaced_only_by_a_complete_one(tmp_path: Path) -> None:
    """After an error the old file stays, and no temporary file is left."""
    path = tmp_path / "reviews.csv"
    path.write_text("old")

    def fail_halfway() -> None:
        with whole_file(path) as file:
            file.write("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with whole_file(path) as file:
        file.write("new\r\n")
    assert path.read_bytes() == b"new\r\n"
    assert list(tmp_path.iterdir()) == [path]


def test_the_target_of_a_symbolic_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.touch()
    link.symlink_to(target)
    with whole_file(link) as file:
        file.write("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_device_is_written_to_directly() -> None:
    """A file that replaced it would be no device any more."""
    with whole_file(Path(os.devnull)) as file:
        file.write("ignored")
    assert not Path(os.devnull).is_file()


def test_a_lone_surrogate_does_not_stop_an_export(tmp_path: Path) -> None:
    """JSON may hold half a surrogate pair, and UTF-8 may not: it is escaped as in JSON."""
    halved = Review(id=1, review="\ud83d!", extra={"mood": "\ude00"})
    path = tmp_path / "reviews.jsonl"
    with whole_file(path) as file:
        JsonLinesWriter(file, Review).write(halved)
    line = json.loads(path.read_bytes())
    assert line["review"] == "\ud83d!"
    assert line["mood"] == "\ude00"
    assert b"\\ud83d!" in page_encoder_for("csv", Review).encode([halved])
