"""The server's time as its responses show it: the true one or earlier, never later."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async import MoreGoodClient, Request, Response
from moregood_async.bulk.run.server_clock import (
    JUMP_SECONDS,
    MAX_BEHIND_SECONDS,
    WITHOUT_DATE_SECONDS,
    ServerClock,
)
from moregood_async.errors import Unauthorized
from moregood_async.privacy import Headers
from tests.conftest import KEY

SERVER_TIME = 1_900_000_000
DATE = formatdate(SERVER_TIME, usegmt=True)


class Clocks:
    """The two clocks of a machine, which a test moves."""

    def __init__(self) -> None:
        self.wall = 1_800_000_000.0
        self.monotonic = 50.0

    def server_clock(self) -> ServerClock:
        """Return a server clock on these clocks."""
        return ServerClock(lambda: self.wall, lambda: self.monotonic)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.wall += seconds
        self.monotonic += seconds


class Server:
    """Responds with a ``Date``, and keeps the requests."""

    def __init__(self, date: str | None, status: int = 200) -> None:
        self._response = Response(
            status=status,
            headers=Headers({} if date is None else {"Date": date}),
            body=b'{"data": []}',
        )
        self.requests: list[Request] = []

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        return self._response

    async def read_with(self, clock: ServerClock) -> None:
        """Let a clock read this server's time."""
        async with MoreGoodClient(KEY, transport=self) as client:
            await clock.read(client)


async def test_the_clock_follows_the_date_of_one_response() -> None:
    """The request asks for a single customer, and time then passes on the monotonic clock."""
    clocks, server = Clocks(), Server(DATE)
    clock = clocks.server_clock()
    await server.read_with(clock)
    [request] = server.requests
    assert request.method == "GET"
    assert request.url.partition("?")[2] == "page=1&per_page=1"
    assert clock.now() == SERVER_TIME
    clocks.advance(12.5)
    assert clock.now() == SERVER_TIME + 12.5


@pytest.mark.parametrize("date", [None, "", "yesterday", "Mon, 99 Foo 2026"])
async def test_without_a_date_the_clock_is_well_behind_this_machine(date: str | None) -> None:
    """This machine's clock may be minutes ahead of the server's."""
    clocks = Clocks()
    clock = clocks.server_clock()
    assert clock.now() == clocks.wall - WITHOUT_DATE_SECONDS
    await Server(date).read_with(clock)
    assert clock.now() == clocks.wall - WITHOUT_DATE_SECONDS


async def test_the_clock_is_stale_after_the_machine_slept_or_its_clock_was_set() -> None:
    clocks = Clocks()
    clock = clocks.server_clock()
    clocks.advance(1_000)
    assert not clock.is_stale
    clocks.wall += JUMP_SECONDS + 0.1
    assert clock.is_stale
    await Server(DATE).read_with(clock)
    assert not clock.is_stale
    clocks.wall -= 3_600
    assert clock.is_stale


async def test_a_clock_that_cannot_read_the_api_raises_and_stays_behind() -> None:
    clocks = Clocks()
    clock = clocks.server_clock()
    with pytest.raises(Unauthorized):
        await Server(DATE, status=401).read_with(clock)
    assert clock.now() == clocks.wall - WITHOUT_DATE_SECONDS


@given(st.floats(0, 5), st.floats(0, 0.999), st.floats(0, 1_000))
async def test_the_clock_is_never_ahead_of_the_server(
    seconds_on_the_way: float, fraction: float, later: float
) -> None:
    """``Date`` has no fraction of a second, and the response needs time to arrive."""
    clocks = Clocks()
    clock = clocks.server_clock()
    await Server(DATE).read_with(clock)
    clocks.advance(later)
    server_now = SERVER_TIME + fraction + seconds_on_the_way + later
    assert clock.now() <= server_now + 1e-6
    if fraction + seconds_on_the_way <= MAX_BEHIND_SECONDS:
        assert clock.now() + MAX_BEHIND_SECONDS >= server_now - 1e-6
