"""Fixtures: a sandbox, clients of it over a socket and without one, and doubles of a server."""

import asyncio
import json
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest

from moregood_async import Handler, MoreGoodClient, Request, Response
from moregood_async.privacy import Headers
from moregood_async.sandbox import Sandbox
from tests.depth import pytest_configure as pytest_configure
from tests.depth import pytest_report_header as pytest_report_header

KEY = "test-key"
T = TypeVar("T")

MakeClient = Callable[..., MoreGoodClient]
"""A function that makes a client of a `Handler`."""


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ignore a key and a base URL in the environment of the developer."""
    monkeypatch.delenv("MOREGOOD_API_KEY", raising=False)
    monkeypatch.delenv("MOREGOOD_BASE_URL", raising=False)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of one project."""
    with Sandbox(keys=KEY) as sandbox:
        yield sandbox


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[MoreGoodClient]:
    """A client of the sandbox, over a socket."""
    async with (
        sandbox.serve() as server,
        MoreGoodClient(KEY, base_url=server.base_url) as client,
    ):
        yield client


@pytest.fixture
async def in_process_client(sandbox: Sandbox) -> AsyncIterator[MoreGoodClient]:
    """A client of the same sandbox, without a socket."""
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        yield client


@pytest.fixture
async def make_client() -> AsyncIterator[MakeClient]:
    """Return a function that makes clients of a double; they are closed after the test."""
    made: list[MoreGoodClient] = []

    def make(transport: Handler, **options: Any) -> MoreGoodClient:
        made.append(MoreGoodClient(KEY, transport=transport, **options))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


def tasks_left() -> set[asyncio.Task[Any]]:
    """Return the tasks of this loop without the current one."""
    return asyncio.all_tasks() - {asyncio.current_task()}


async def collect_into(collected: list[T], items: AsyncIterable[T]) -> None:
    """Append all items to a list; after an error it holds the items before the error."""
    async for item in items:
        collected.append(item)  # noqa: PERF401 - keeps the items before an error


def json_response(content: object, status: int = 200, **headers: str) -> Response:
    """Return a JSON response; ``retry_after="1"`` becomes the header ``Retry-After``."""
    header_fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(
        status=status, headers=Headers(header_fields), body=json.dumps(content).encode()
    )


def page_number(request: Request) -> int:
    """Return the page number of a list request."""
    return int(parse_qs(urlsplit(request.url).query)["page"][0])


def page_of(ids: Iterable[int], **pagination: object) -> dict[str, object]:
    """Return the body of a list response; without fields there is no ``pagination`` object."""
    body: dict[str, object] = {"success": True, "data": [{"id": number} for number in ids]}
    return {**body, "pagination": pagination} if pagination else body


class Listing:
    """A server of one list: a function returns each page, and the requested pages are recorded."""

    def __init__(self, serve: Callable[[int], dict[str, object] | Response]) -> None:
        self._serve = serve
        self.requested_pages: list[int] = []

    async def __call__(self, request: Request) -> Response:
        number = page_number(request)
        self.requested_pages.append(number)
        page = self._serve(number)
        return page if isinstance(page, Response) else json_response(page)

    @classmethod
    def of(cls, rows: int, per_page: int = 2) -> "Listing":
        """A list of consecutive ids from 1, in pages."""
        last = max(1, -(-rows // per_page))

        def serve(number: int) -> dict[str, object]:
            start = (number - 1) * per_page
            ids = range(1, rows + 1)[start : start + per_page]
            return page_of(ids, current_page=number, last_page=last, total=rows)

        return cls(serve)


def environment_without_coverage() -> dict[str, str]:
    """Return the environment without the variables that make coverage import modules."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
