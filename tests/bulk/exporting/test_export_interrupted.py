"""What an interrupted export keeps, on a full disk too, and what it refuses."""

import asyncio
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from moregood_async import MoreGoodClient, Request, Response
from moregood_async.bulk.exporting import CannotExport, Export, FileFormat, PageWritten
from tests.bulk.exporting.changing_list import ChangingList, read_ids, run_export
from tests.conftest import KEY

NEWEST_FIRST = list(range(30, 0, -1))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file that does not exist yet."""
    return tmp_path / "reviews.jsonl"


async def test_the_api_key_is_in_no_file(target: Path) -> None:
    """The checkpoint stores a fingerprint, which tells only whether the key is another one."""
    server = ChangingList(NEWEST_FIRST)
    server.fails_at = 5
    export = await run_export(server, target, key="canary-key-1234")
    files = [each.read_bytes() for each in target.parent.iterdir()]
    assert len(files) >= 2
    assert not [each for each in files if b"canary" in each]
    assert repr(export) == "Export(list_name='reviews', file_format='jsonl', rows=12)"


async def test_a_second_export_to_the_same_file_is_refused(target: Path) -> None:
    """The first one is not disturbed."""
    reached, proceed = asyncio.Event(), asyncio.Event()
    server = ChangingList(NEWEST_FIRST)

    async def slow(request: Request) -> Response:
        reached.set()
        await proceed.wait()
        return await server(request)

    async with MoreGoodClient(KEY, transport=slow) as client:
        running = asyncio.create_task(Export(client, "reviews", target, file_format="jsonl").run())
        await reached.wait()
        with pytest.raises(CannotExport, match="another export to the same file is running"):
            await run_export(server, target)
        proceed.set()
        await running
    assert len(read_ids(target)) == 30


async def test_a_cancelled_export_keeps_every_row_that_arrived(target: Path) -> None:
    """Also the rows that arrived after the checkpoint was last saved."""
    server = ChangingList(NEWEST_FIRST)
    async with MoreGoodClient(KEY, transport=server) as client:
        export = Export(client, "reviews", target, file_format="jsonl")

        def cancel_at_page_4(written: PageWritten) -> None:
            if written.page == 4:
                raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await export.run(cancel_at_page_4)
    assert export.kept_rows == 12
    assert (await run_export(server, target)).resumed
    assert read_ids(target) == NEWEST_FIRST


@pytest.fixture
def limit_file_size(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Sets the number of bytes to which a file can grow."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # Python < 3.13.1 would cut them short
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [0, 5_000, 12_000, 17_000])
@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_a_full_disk_loses_nothing(
    target: Path, limit_file_size: Callable[[int], None], file_format: FileFormat, size: int
) -> None:
    """The old file stays. With space on the disk again, the export ends as if never interrupted."""
    target.write_text("old")
    server = ChangingList(list(range(900, 0, -1)))
    limit_file_size(size)
    with pytest.raises(OSError, match=r"File too large|Input/output error"):
        asyncio.run(run_export(server, target, file_format=file_format))
    assert target.read_text() == "old"
    limit_file_size(resource.RLIM_INFINITY)
    asyncio.run(run_export(server, target, file_format=file_format))
    assert count_distinct_rows(target, file_format) == 900
    assert list(target.parent.iterdir()) == [target]


def count_distinct_rows(path: Path, file_format: FileFormat) -> int:
    """Return the number of rows of a file, all of which must differ."""
    if file_format == "parquet":
        pq: Any = pytest.importorskip("pyarrow.parquet")
        rows = pq.read_table(path)["id"].to_pylist()
    else:
        lines = path.read_text().splitlines()
        rows = lines[1:] if file_format == "csv" else lines
    assert len(rows) == len(set(rows))
    return len(rows)
