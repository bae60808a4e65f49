"""The bookmark of an export: what it keeps, whom it keeps out, what it says when it is damaged."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from moregood_async.bulk.exporting import CannotExport
from moregood_async.bulk.exporting.bookmark import Bookmark, Job, Place
from moregood_async.bulk.exporting.forms import pages_of
from moregood_async.bulk.exporting.part import Part
from moregood_async.models.pages import Page
from moregood_async.models.reviews import Review


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "reviews.jsonl"


def test_every_difference_is_named() -> None:
    """The version of what is kept too."""
    one = Job(what="reviews", form="csv", base_url="https://a.example")
    two = Job(what="messages", form="csv", base_url="https://b.example", version=0)
    assert "list (messages, now reviews)" in one.differs(two)
    assert "base URL (https://b.example, now https://a.example)" in one.differs(two)
    assert "version" in one.differs(two)
    assert "" == one.differs(one)


def test_the_bookmark_costs_a_tenth_of_the_time_at_most(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is moved after the first page, and then as often as that allows."""
    moments = iter([0.0, 0.0, 1.0, 5.0, 9.9, 10.0, 10.0, 10.5, 11.0])
    job = Job(what="reviews", form="csv", base_url="")
    part = Part(
        target, pages_of("csv", Review), job, resume=False, clock=lambda: next(moments, 11.0)
    )
    kept: list[int] = []
    keep = Bookmark.keep

    def noted(self: Bookmark, job: Job, place: Place) -> None:
        kept.append(place.page)
        keep(self, job, place)

    monkeypatch.setattr(Bookmark, "keep", noted)
    for number in range(1, 6):
        part.add(Page(items=(Review(id=number),), page=number))
    part.close()
    assert [1, 4, 5] == kept


def test_a_damaged_bookmark_says_what_to_do(target: Path) -> None:
    """Rather than guess."""
    path = target.with_name(".reviews.jsonl.bookmark")
    path.write_bytes(b"no database at all, but long enough to be one" * 50)
    with pytest.raises(CannotExport, match="is damaged: remove it"):
        Bookmark(path)
    path.unlink()
    bookmark = Bookmark(path)
    bookmark.keep(Job(what="a", form="b", base_url="c"), Place(rows=1))
    bookmark._database.execute("UPDATE place SET place = '{}'")
    with pytest.raises(CannotExport, match="is damaged"):
        bookmark.read()
    bookmark.close()


@pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
def test_a_bookmark_that_its_owner_removes_meanwhile_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, used: bool
) -> None:
    """A lock on a file that is gone would keep nobody out."""
    path, connect = tmp_path / "bookmark", sqlite3.connect
    if used:
        Bookmark(path).close()

    def late(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)
        path.unlink()
        return connection

    monkeypatch.setattr(sqlite3, "connect", late)
    with pytest.raises(CannotExport, match="is running"):
        Bookmark(path)


def test_an_id_beyond_64_bits_is_known_again(tmp_path: Path) -> None:
    """Though SQLite has no such number."""
    bookmark = Bookmark(tmp_path / "bookmark")
    big = Review(id=2**64 + 2**63 + 5)
    assert [big] == bookmark.unknown([big])
    bookmark.note([big])
    assert [] == bookmark.unknown([big])
    bookmark.discard()
    assert [] == list(tmp_path.iterdir())
