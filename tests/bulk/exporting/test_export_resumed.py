"""Exports that are resumed after the list has changed."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moregood_async.bulk.exporting import CannotExport
from tests.bulk.exporting.changing_list import (
    ChangingList,
    interrupt_export,
    names_in,
    read_ids,
    run_export,
)
from tests.depth import scaled

NEWEST_FIRST = list(range(30, 0, -1))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file that does not exist yet."""
    return tmp_path / "reviews.jsonl"


async def test_a_resumed_export_requests_the_last_page_again_and_none_before_it(
    target: Path,
) -> None:
    server = ChangingList(NEWEST_FIRST)
    server.fails_at = 5
    first = await run_export(server, target)
    assert first.kept_rows == 12
    assert first.rows == 12
    assert not first.resumed
    assert names_in(target.parent) == [".reviews.jsonl.checkpoint", ".reviews.jsonl.part"]
    server.recover()
    second = await run_export(server, target)
    assert read_ids(target) == NEWEST_FIRST
    assert sorted(server.requested_pages) == list(range(4, 11))
    assert second.resumed
    assert second.rows == 30
    assert second.new_rows == 18
    assert second.skipped_rows == 3
    assert names_in(target.parent) == [target.name]


async def test_without_resume_an_export_starts_over(target: Path) -> None:
    """The rows of the interrupted one are kept until the first new page arrived."""
    server = await interrupt_export(NEWEST_FIRST, target)
    server.fails_at = 1
    assert (await run_export(server, target, resume=False)).kept_rows == 12
    server.fails_at = 3
    assert (await run_export(server, target, resume=False)).kept_rows == 6
    server.fails_at = None
    assert not (await run_export(server, target, resume=False)).resumed
    assert read_ids(target) == NEWEST_FIRST


async def test_resume_without_an_interrupted_export_starts_a_new_one(target: Path) -> None:
    """One command can stand in a loop."""
    export = await run_export(ChangingList([3, 2, 1]), target)
    assert not export.resumed
    assert read_ids(target) == [3, 2, 1]


async def test_an_export_without_any_row_leaves_no_files(target: Path) -> None:
    server = ChangingList([1])
    server.fails_at = 1
    assert (await run_export(server, target)).kept_rows == 0
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("has_total", [True, False], ids=["with totals", "without totals"])
async def test_new_rows_at_the_top_push_no_row_out(target: Path, *, has_total: bool) -> None:
    """No row is written twice. Where the server reports a total, the new rows are written too."""
    server = ChangingList(NEWEST_FIRST, has_total=has_total)
    server.fails_at = 5
    await run_export(server, target)
    server.recover()
    server.ids = [34, 33, 32, 31, *server.ids]
    export = await run_export(server, target)
    written = read_ids(target)
    assert written[:30] == NEWEST_FIRST
    assert written[30:] == ([34, 33, 32, 31] if has_total else [])
    assert export.skipped_rows > 0


async def test_rows_that_moved_to_pages_that_were_read_are_written(target: Path) -> None:
    """Deleted rows pull others forward; rows added at the end hide that from the total."""
    server = await interrupt_export(list(range(1, 31)), target)
    server.recover()
    server.ids = [*range(7, 31), *range(31, 41)]
    await run_export(server, target)
    assert sorted(read_ids(target)) == list(range(1, 41))


async def test_a_list_that_has_shrunk_is_read_from_its_first_page(target: Path) -> None:
    """Only new rows are written."""
    server = await interrupt_export(list(range(1, 31)), target)
    server.recover()
    server.ids = list(range(2, 31))
    await run_export(server, target)
    assert read_ids(target) == list(range(1, 31))
    assert 1 in server.requested_pages


async def test_a_list_without_a_stable_sort_order_is_read_from_its_first_page(
    target: Path,
) -> None:
    """A row that was changed may have moved to the front."""
    ids = [5, 9, 1, 7, 3, 8, 2, 6, 4, 10, 12, 11]
    server = ChangingList(ids, has_total=False)
    server.fails_at = 3
    await run_export(server, target)
    server.recover()
    server.ids = [11, *ids[:-1]]
    await run_export(server, target)
    assert sorted(read_ids(target)) == sorted(ids)
    assert min(server.requested_pages) == 1


async def test_an_unfinished_page_is_cut_off_the_partial_file(target: Path) -> None:
    """A process that is killed while it writes leaves one."""
    server = await interrupt_export(NEWEST_FIRST, target)
    with target.with_name(".reviews.jsonl.part").open("ab") as partial:
        partial.write(b'{"id": 18, "revi')
    server.recover()
    await run_export(server, target)
    assert read_ids(target) == NEWEST_FIRST


@pytest.mark.parametrize("left", [None, b"", b'{"id": 30}\n'], ids=["gone", "empty", "shorter"])
async def test_a_partial_file_that_lacks_bytes_is_not_used(
    target: Path, left: bytes | None
) -> None:
    """The export starts over."""
    server = await interrupt_export(NEWEST_FIRST, target)
    partial = target.with_name(".reviews.jsonl.part")
    partial.unlink()
    if left is not None:
        partial.write_bytes(left)
    server.recover()
    assert not (await run_export(server, target)).resumed
    assert read_ids(target) == NEWEST_FIRST


@pytest.mark.parametrize(
    ("options", "difference"),
    [({"file_format": "csv"}, r"format \(jsonl, now csv\)"), ({"key": "other"}, "API key")],
    ids=["format", "project"],
)
async def test_an_export_with_other_options_is_not_resumed(
    target: Path, options: dict[str, Any], difference: str
) -> None:
    """The error names the difference; the interrupted export stays resumable."""
    server = await interrupt_export(NEWEST_FIRST, target)
    server.recover()
    with pytest.raises(CannotExport, match=f"{difference}.*leave out --resume"):
        await run_export(server, target, **options)
    assert server.requested_pages == []
    assert (await run_export(server, target)).resumed


Change = tuple[str, int, int]


def apply_changes(
    ids: list[int], changes: list[Change], *, ascending: bool, born: int
) -> list[int]:
    """Return the list after rows were added where new rows appear, and others were deleted."""
    for kind, index, count in changes:
        if kind == "delete":
            start = index % (len(ids) or 1)
            ids = ids[:start] + ids[start + count :]
        else:
            new = list(range(born, born + count))
            born += count
            ids = [*ids, *new] if ascending else [*reversed(new), *ids]
    return ids


CHANGES = st.lists(
    st.tuples(st.sampled_from(["delete", "add"]), st.integers(0, 50), st.integers(1, 8)),
    max_size=3,
)


@settings(max_examples=scaled(60), deadline=None)
@given(
    rows=st.integers(0, 40),
    ascending=st.booleans(),
    has_total=st.booleans(),
    runs=st.lists(st.tuples(st.integers(1, 14), CHANGES), max_size=5),
)
def test_a_row_that_existed_throughout_is_written_exactly_once(
    *, rows: int, ascending: bool, has_total: bool, runs: list[tuple[int, list[Change]]]
) -> None:
    """Wherever the export is interrupted, whatever is added and deleted between its runs."""
    ids = list(range(1, rows + 1)) if ascending else list(range(rows, 0, -1))
    throughout, server = set(ids), ChangingList(ids, has_total=has_total)
    with TemporaryDirectory() as folder:
        target = Path(folder, "reviews.jsonl")
        for number, (fails_at, changes) in enumerate(runs):
            server.fails_at = fails_at
            asyncio.run(run_export(server, target))
            if target.exists():
                break
            server.ids = apply_changes(
                server.ids, changes, ascending=ascending, born=1000 * (number + 1)
            )
            throughout &= set(server.ids)
        else:
            server.fails_at = None
            asyncio.run(run_export(server, target))
        written = read_ids(target)
        assert len(written) == len(set(written))
        assert throughout <= set(written)
        assert list(Path(folder).iterdir()) == [target]
