"""Exports that break off and are taken up again, while the list moves."""

import asyncio
import json
import resource
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moregood_async import MoreGoodClient, NotFound, Request, Response
from moregood_async.bulk.exporting import CannotExport, Export, Form
from tests.conftest import KEY, answered, page_number, page_of
from tests.depth import scaled

PER_PAGE = 3


class Moving:
    """The far side: a list of ids that can be changed, and that breaks off at a page."""

    def __init__(self, ids: list[int], *, counted: bool = True) -> None:
        self.ids = ids
        self.counted = counted
        self.breaks_at: int | None = None
        self.asked: list[int] = []

    async def __call__(self, request: Request) -> Response:
        number = page_number(request)
        self.asked.append(number)
        if self.breaks_at is not None and number >= self.breaks_at:
            return answered({"message": "gone"}, 404)
        start = (number - 1) * PER_PAGE
        said: dict[str, object] = {
            "current_page": number,
            "last_page": max(1, -(-len(self.ids) // PER_PAGE)),
        }
        if self.counted:
            said["total"] = len(self.ids)
        return answered(page_of(self.ids[start : start + PER_PAGE], **said))


async def export(
    far: Moving, target: Path, *, form: Form = "jsonl", resume: bool = True, key: str = KEY
) -> Export:
    """One run; it may break off."""
    async with MoreGoodClient(key, transport=far) as client:
        run = Export(client, "reviews", target, form=form, resume=resume)
        with suppress(NotFound):
            await run.run()
        return run


def ids_in(path: Path) -> list[int]:
    """The ids of the lines of a file."""
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


def names_in(folder: Path) -> list[str]:
    """What stands in a folder, hidden files too."""
    return sorted(each.name for each in folder.iterdir())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "reviews.jsonl"


async def test_it_goes_on_where_it_was(target: Path) -> None:
    """The last page is asked for once more, and none before it."""
    far = Moving(list(range(30, 0, -1)))
    far.breaks_at = 5
    first = await export(far, target)
    assert (12, 12, False) == (first.kept, first.rows, first.resumed)
    assert [".reviews.jsonl.bookmark", ".reviews.jsonl.part"] == names_in(target.parent)
    far.breaks_at, far.asked = None, []
    second = await export(far, target)
    assert list(range(30, 0, -1)) == ids_in(target)
    assert list(range(4, 11)) == sorted(far.asked)
    assert (True, 30, 18, 3) == (second.resumed, second.rows, second.new, second.skipped)
    assert [target.name] == names_in(target.parent)


async def test_without_resume_it_starts_over(target: Path) -> None:
    """And what was kept is given up only when something else came."""
    far = Moving(list(range(30, 0, -1)))
    far.breaks_at = 5
    await export(far, target)
    far.breaks_at = 1
    assert 12 == (await export(far, target, resume=False)).kept
    far.breaks_at = 3
    assert 6 == (await export(far, target, resume=False)).kept
    far.breaks_at = None
    assert not (await export(far, target, resume=False)).resumed
    assert list(range(30, 0, -1)) == ids_in(target)


async def test_nothing_to_go_on_with_is_a_new_export(target: Path) -> None:
    """So that one command can stand in a loop."""
    run = await export(Moving([3, 2, 1]), target)
    assert (False, [3, 2, 1]) == (run.resumed, ids_in(target))


async def test_an_export_of_which_nothing_came_leaves_nothing(target: Path) -> None:
    """No part, no bookmark."""
    far = Moving([1])
    far.breaks_at = 1
    assert 0 == (await export(far, target)).kept
    assert [] == list(target.parent.iterdir())


@pytest.mark.parametrize("counted", [True, False], ids=["with totals", "without totals"])
async def test_what_is_new_at_the_top_pushes_nothing_out(target: Path, *, counted: bool) -> None:
    """What comes again is not written again; where the server counts, the new ones come too."""
    far = Moving(list(range(30, 0, -1)), counted=counted)
    far.breaks_at = 5
    await export(far, target)
    far.ids, far.breaks_at = [34, 33, 32, 31, *far.ids], None
    run = await export(far, target)
    written = ids_in(target)
    assert list(range(30, 0, -1)) == written[:30]
    assert ([34, 33, 32, 31] if counted else []) == written[30:]
    assert run.skipped > 0


async def test_rows_that_moved_to_pages_that_were_read_are_found(target: Path) -> None:
    """Deleted ones pull others forward; new ones at the end hide that from the total."""
    far = Moving(list(range(1, 31)))
    far.breaks_at = 5
    await export(far, target)
    far.ids, far.breaks_at = [*range(7, 31), *range(31, 41)], None
    await export(far, target)
    assert set(range(1, 41)) == set(ids_in(target))
    assert 40 == len(ids_in(target))


async def test_a_list_that_has_shrunk_is_read_from_its_first_page(target: Path) -> None:
    """Only what did not come before is written."""
    far = Moving(list(range(1, 31)))
    far.breaks_at = 5
    await export(far, target)
    far.ids, far.breaks_at, far.asked = list(range(2, 31)), None, []
    await export(far, target)
    assert list(range(1, 31)) == ids_in(target)
    assert 1 in far.asked


async def test_a_list_in_no_lasting_order_is_read_from_its_first_page(target: Path) -> None:
    """A row that was changed may have moved to the front of it."""
    ids = [5, 9, 1, 7, 3, 8, 2, 6, 4, 10, 12, 11]
    far = Moving(ids, counted=False)
    far.breaks_at = 3
    await export(far, target)
    far.ids, far.breaks_at, far.asked = [11, *ids[:-1]], None, []
    await export(far, target)
    assert sorted(ids) == sorted(ids_in(target))
    assert 1 == min(far.asked)


async def test_what_stands_behind_the_last_whole_page_is_cut_off(target: Path) -> None:
    """As a killed process leaves it."""
    far = Moving(list(range(30, 0, -1)))
    far.breaks_at = 5
    await export(far, target)
    with target.with_name(".reviews.jsonl.part").open("ab") as part:
        part.write(b'{"id": 18, "revi')
    far.breaks_at = None
    await export(far, target)
    assert list(range(30, 0, -1)) == ids_in(target)


@pytest.mark.parametrize("left", [None, b"", b'{"id": 30}\n'], ids=["gone", "empty", "shorter"])
async def test_a_part_that_is_not_all_there_is_not_used(target: Path, left: bytes | None) -> None:
    """The export begins anew."""
    far = Moving(list(range(30, 0, -1)))
    far.breaks_at = 5
    await export(far, target)
    part = target.with_name(".reviews.jsonl.part")
    part.unlink()
    if left is not None:
        part.write_bytes(left)
    far.breaks_at = None
    assert not (await export(far, target)).resumed
    assert list(range(30, 0, -1)) == ids_in(target)


@pytest.mark.parametrize(
    ("options", "differs"),
    [({"form": "csv"}, r"format \(jsonl, now csv\)"), ({"key": "other"}, "API key")],
    ids=["format", "project"],
)
async def test_another_export_is_not_taken_up(
    target: Path, options: dict[str, Any], differs: str
) -> None:
    """It says what is another, and what to do; nothing is lost."""
    far = Moving(list(range(30, 0, -1)))
    far.breaks_at = 5
    await export(far, target)
    far.breaks_at, far.asked = None, []
    with pytest.raises(CannotExport, match=f"{differs}.*leave out --resume"):
        await export(far, target, **options)
    assert [] == far.asked
    assert (await export(far, target)).resumed


async def test_the_key_stands_in_no_file(target: Path) -> None:
    """What is kept of it says only whether it is another one."""
    far = Moving(list(range(30, 0, -1)))
    far.breaks_at = 5
    await export(far, target, key="canary-key-1234")
    kept = [each.read_bytes() for each in target.parent.iterdir()]
    assert len(kept) >= 2
    assert not [each for each in kept if b"canary" in each]


async def test_a_second_export_to_one_file_is_told_so(target: Path) -> None:
    """The first one goes on undisturbed."""
    reached, go_on = asyncio.Event(), asyncio.Event()
    far = Moving(list(range(30, 0, -1)))

    async def slow(request: Request) -> Response:
        reached.set()
        await go_on.wait()
        return await far(request)

    async with MoreGoodClient(KEY, transport=slow) as client:
        running = asyncio.create_task(Export(client, "reviews", target, form="jsonl").run())
        await reached.wait()
        with pytest.raises(CannotExport, match="another export to the same file is running"):
            await export(far, target)
        go_on.set()
        await running
    assert 30 == len(ids_in(target))


async def test_a_cancelled_export_keeps_what_came(target: Path) -> None:
    """All of it, also what came since the bookmark was moved last."""
    far = Moving(list(range(30, 0, -1)))
    async with MoreGoodClient(KEY, transport=far) as client:
        run = Export(client, "reviews", target, form="jsonl")

        def stop(came: Any) -> None:
            if came.page == 4:
                raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await run.run(stop)
    assert 12 == run.kept
    assert (await export(far, target)).resumed
    assert list(range(30, 0, -1)) == ids_in(target)


@pytest.fixture
def small_disk() -> Iterator[Callable[[int], None]]:
    """Files can grow to so many bytes only."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [0, 5_000, 12_000, 17_000])
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_full_disk_loses_nothing(
    target: Path, small_disk: Callable[[int], None], form: Form, size: int
) -> None:
    """What was there stays; with room again, the export ends as if nothing had been."""
    target.write_text("old")
    far = Moving(list(range(900, 0, -1)))
    small_disk(size)
    with pytest.raises(OSError, match=r"File too large|Input/output error"):
        asyncio.run(export(far, target, form=form))
    assert "old" == target.read_text()
    small_disk(resource.RLIM_INFINITY)
    asyncio.run(export(far, target, form=form))
    assert 900 == rows_in(target, form)
    assert [target] == list(target.parent.iterdir())


def rows_in(path: Path, form: str) -> int:
    """So many different ids."""
    if form == "parquet":
        pq: Any = pytest.importorskip("pyarrow.parquet")
        ids = pq.read_table(path)["id"].to_pylist()
    else:
        lines = path.read_text().splitlines()
        ids = lines[1:] if form == "csv" else lines
    assert len(ids) == len(set(ids))
    return len(ids)


Move = tuple[str, int, int]


def moved(ids: list[int], moves: list[Move], *, up: bool, born: int) -> list[int]:
    """The list after rows were added at its new end, and others deleted."""
    for kind, place, count in moves:
        if kind == "delete":
            start = place % (len(ids) or 1)
            ids = ids[:start] + ids[start + count :]
        else:
            new = list(range(born, born + count))
            born += count
            ids = [*ids, *new] if up else [*reversed(new), *ids]
    return ids


@settings(max_examples=scaled(60), deadline=None)
@given(
    rows=st.integers(0, 40),
    up=st.booleans(),
    counted=st.booleans(),
    runs=st.lists(
        st.tuples(
            st.integers(1, 14),
            st.lists(
                st.tuples(
                    st.sampled_from(["delete", "add"]), st.integers(0, 50), st.integers(1, 8)
                ),
                max_size=3,
            ),
        ),
        max_size=5,
    ),
)
def test_what_existed_throughout_is_there_once(
    *, rows: int, up: bool, counted: bool, runs: list[tuple[int, list[Move]]]
) -> None:
    """Wherever it breaks off, whatever is added and deleted between the runs."""
    ids = list(range(1, rows + 1)) if up else list(range(rows, 0, -1))
    throughout, far = set(ids), Moving(ids, counted=counted)
    with TemporaryDirectory() as folder:
        target = Path(folder, "reviews.jsonl")
        for number, (breaks_at, moves) in enumerate(runs):
            far.breaks_at = breaks_at
            asyncio.run(export(far, target))
            if target.exists():
                break
            far.ids = moved(far.ids, moves, up=up, born=1000 * (number + 1))
            throughout &= set(far.ids)
        else:
            far.breaks_at = None
            asyncio.run(export(far, target))
        written = ids_in(target)
        assert len(written) == len(set(written))
        assert throughout <= set(written)
        assert [target] == list(Path(folder).iterdir())
