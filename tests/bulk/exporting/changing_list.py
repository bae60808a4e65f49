"""A list of reviews on the server that changes between exports and fails at a page."""

import json
from contextlib import suppress
from pathlib import Path

from moregood_async import MoreGoodClient, NotFound, Request, Response
from moregood_async.bulk.exporting import Export, FileFormat
from tests.conftest import KEY, json_response, page_number, page_of

ROWS_PER_PAGE = 3


class ChangingList:
    """A handler that serves the reviews of `ids`, newest first or in any other sequence.

    From page `fails_at` on, it responds with 404, which no attempt repeats.
    """

    def __init__(self, ids: list[int], *, has_total: bool = True) -> None:
        self.ids = ids
        self.has_total = has_total
        self.fails_at: int | None = None
        self.requested_pages: list[int] = []

    async def __call__(self, request: Request) -> Response:
        number = page_number(request)
        self.requested_pages.append(number)
        if self.fails_at is not None and number >= self.fails_at:
            return json_response({"message": "gone"}, 404)
        start = (number - 1) * ROWS_PER_PAGE
        pagination: dict[str, object] = {
            "current_page": number,
            "last_page": max(1, -(-len(self.ids) // ROWS_PER_PAGE)),
        }
        if self.has_total:
            pagination["total"] = len(self.ids)
        return json_response(page_of(self.ids[start : start + ROWS_PER_PAGE], **pagination))

    def recover(self) -> None:
        """Serve every page from now on, and forget which pages were requested."""
        self.fails_at, self.requested_pages = None, []


async def run_export(
    server: ChangingList,
    target: Path,
    *,
    file_format: FileFormat = "jsonl",
    resume: bool = True,
    key: str = KEY,
) -> Export:
    """Run an export once; it may be interrupted by the list's 404."""
    async with MoreGoodClient(key, transport=server) as client:
        export = Export(client, "reviews", target, file_format=file_format, resume=resume)
        with suppress(NotFound):
            await export.run()
        return export


async def interrupt_export(ids: list[int], target: Path, *, fails_at: int = 5) -> ChangingList:
    """Run an export of ``ids`` that fails at a page; return the list, which still fails."""
    server = ChangingList(ids)
    server.fails_at = fails_at
    await run_export(server, target)
    return server


def read_ids(path: Path) -> list[int]:
    """Return the ids of the lines of a file."""
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


def names_in(folder: Path) -> list[str]:
    """Return the names of the files in a folder, hidden files included."""
    return sorted(each.name for each in folder.iterdir())
