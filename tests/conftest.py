"""The sandbox, with a socket and without one, a client of each, and doubles of the far side."""

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

Reader = Callable[..., MoreGoodClient]
"""Makes a client of a `Handler`."""


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key or a base URL in the developer's environment decides nothing here."""
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
async def near(sandbox: Sandbox) -> AsyncIterator[MoreGoodClient]:
    """A client of the same sandbox, without a socket."""
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        yield client


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    """Makes clients of a double, and closes them with the test."""
    made: list[MoreGoodClient] = []

    def make(transport: Handler, **options: Any) -> MoreGoodClient:
        made.append(MoreGoodClient(KEY, transport=transport, **options))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


def tasks_left() -> set[asyncio.Task[Any]]:
    """The tasks of this loop beside the one that asks."""
    return asyncio.all_tasks() - {asyncio.current_task()}


async def into(got: list[T], items: AsyncIterable[T]) -> None:
    """Adds all items to a list, which keeps them when an error ends it."""
    async for item in items:
        got.append(item)  # noqa: PERF401 - what came before an error stays


def answered(said: object, status: int = 200, **headers: str) -> Response:
    """An answer in JSON; ``retry_after="1"`` is the header ``Retry-After``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=Headers(named), body=json.dumps(said).encode())


def page_number(request: Request) -> int:
    """The page that a request asks for."""
    return int(parse_qs(urlsplit(request.url).query)["page"][0])


def page_of(ids: Iterable[int], **pagination: object) -> dict[str, object]:
    """What a list answers; without a word on the pages, there is no ``pagination`` at all."""
    said: dict[str, object] = {"success": True, "data": [{"id": number} for number in ids]}
    return {**said, "pagination": pagination} if pagination else said


class Listing:
    """The far side of a list: answers each page as a function says, and counts who asks."""

    def __init__(self, answer: Callable[[int], dict[str, object] | Response]) -> None:
        self._answer = answer
        self.asked: list[int] = []

    async def __call__(self, request: Request) -> Response:
        number = page_number(request)
        self.asked.append(number)
        said = self._answer(number)
        return said if isinstance(said, Response) else answered(said)

    @classmethod
    def of(cls, rows: int, per_page: int = 2) -> "Listing":
        """An honest list of ids from 1."""
        last = max(1, -(-rows // per_page))

        def answer(number: int) -> dict[str, object]:
            start = (number - 1) * per_page
            ids = range(1, rows + 1)[start : start + per_page]
            return page_of(ids, current_page=number, last_page=last, total=rows)

        return cls(answer)


def unmeasured() -> dict[str, str]:
    """The environment of a process whose imports are looked at: coverage brings some of its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
