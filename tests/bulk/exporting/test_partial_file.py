"""The partial file of an export."""

from pathlib import Path

import pytest

from moregood_async.bulk.exporting.checkpoint import Checkpoint, ExportIdentity, Position
from moregood_async.bulk.exporting.file_formats import page_encoder_for
from moregood_async.bulk.exporting.partial_file import PartialFile
from moregood_async.models.pages import Page
from moregood_async.models.reviews import Review

IDENTITY = ExportIdentity(list_name="reviews", file_format="csv", base_url="")


def page(number: int) -> Page[Review]:
    """Return a page with one review."""
    return Page(items=(Review(id=number, review="canary"),), page=number)


def test_saving_the_checkpoint_takes_at_most_a_tenth_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first page is saved at once; that takes 1 s, so the next save is due 9 s later."""
    # Page 1: asked at 0, saved from 0 to 1. Pages 2 and 3 come at 5 and 9.9. Page 4 comes at 10
    # and is saved from 10 to 10.5. Page 5 comes at 11; `close` saves it.
    moments = iter([0.0, 0.0, 1.0, 5.0, 9.9, 10.0, 10.0, 10.5, 11.0])
    partial = PartialFile(
        tmp_path / "reviews.csv",
        page_encoder_for("csv", Review),
        IDENTITY,
        resume=False,
        clock=lambda: next(moments, 11.0),
    )
    saved_pages: list[int] = []
    save = Checkpoint.save

    def record_and_save(self: Checkpoint, identity: ExportIdentity, position: Position) -> None:
        saved_pages.append(position.page)
        save(self, identity, position)

    monkeypatch.setattr(Checkpoint, "save", record_and_save)
    for number in range(1, 6):
        partial.add(page(number))
    partial.close()
    assert saved_pages == [1, 4, 5]


def test_the_repr_of_a_partial_file_shows_no_row(tmp_path: Path) -> None:
    """It names the file, the encoder and the number of rows."""
    encoder = page_encoder_for("csv", Review)
    partial = PartialFile(tmp_path / "reviews.csv", encoder, IDENTITY, resume=False)
    partial.add(page(1))
    assert repr(partial) == (
        "PartialFile('.reviews.csv.part', TextEncoder(CsvWriter, Review), rows=1)"
    )
    partial.close()
