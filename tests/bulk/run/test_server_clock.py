"""The server's clock, as its answers tell it: never ahead of it."""

from collections.abc import Callable
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async import MoreGoodClient, Request, Response
from moregood_async.bulk.run.server_clock import JUMP_SECONDS, WITHOUT_DATE_SECONDS, ServerClock
from moregood_async.errors import ServerError
from tests.conftest import KEY, answered

Answers = Callable[[], Response]


class Times:
    """Clocks that a test moves."""

    def __init__(self, wall: float = 1_800_000_000.0, monotonic: float = 50.0) -> None:
        self.wall = wall
        self.monotonic = monotonic

    def clock(self) -> ServerClock:
        """A server's clock on these."""
        return ServerClock(lambda: self.wall, lambda: self.monotonic)

    def pass_(self, seconds: float) -> None:
        """Both go on."""
        self.wall += seconds
        self.monotonic += seconds


async def learned(clock: ServerClock, date: str | None) -> list[Request]:
    """Let it learn from an answer with this ``Date``; gives what was sent."""
    sent: list[Request] = []

    async def answer(request: Request) -> Response:
        sent.append(request)
        return answered({"data": []}) if date is None else answered({"data": []}, date=date)

    async with MoreGoodClient(KEY, transport=answer) as client:
        await clock.read(client)
    return sent


async def test_it_goes_as_the_server_says_it_is() -> None:
    """By the monotonic clock from there, in one request for one customer."""
    times = Times()
    clock = times.clock()
    [sent] = await learned(clock, formatdate(1_900_000_000, usegmt=True))
    assert ("GET", "page=1&per_page=1") == (sent.method, sent.url.partition("?")[2])
    assert 1_900_000_000 == clock.now()
    times.pass_(12.5)
    assert 1_900_000_012.5 == clock.now()


@pytest.mark.parametrize("date", [None, "", "yesterday", "Mon, 99 Foo 2026"])
async def test_without_a_date_it_is_well_behind_this_machines_clock(date: str | None) -> None:
    """Which may be minutes ahead of the server's."""
    times = Times()
    clock = times.clock()
    assert times.wall - WITHOUT_DATE_SECONDS == clock.now()
    await learned(clock, date)
    assert times.wall - WITHOUT_DATE_SECONDS == clock.now()


async def test_a_clock_that_was_set_or_slept_is_stale() -> None:
    """Until it is learned anew."""
    times = Times()
    clock = times.clock()
    times.pass_(1_000)
    assert not clock.is_stale
    times.wall += JUMP_SECONDS + 0.1
    assert clock.is_stale
    await learned(clock, formatdate(1_900_000_000, usegmt=True))
    assert not clock.is_stale
    times.wall -= 3_600
    assert clock.is_stale


async def test_an_api_that_cannot_be_used_is_told() -> None:
    """And the clock stays behind."""
    times = Times()
    clock = times.clock()

    async def answer(_: Request) -> Response:
        return answered({"message": "no"}, 501)

    async with MoreGoodClient(KEY, transport=answer) as client:
        with pytest.raises(ServerError):
            await clock.read(client)
    assert times.wall - WITHOUT_DATE_SECONDS == clock.now()


@given(st.floats(0, 5), st.floats(0, 1), st.floats(0, 1_000))
def test_it_is_never_ahead_of_the_server(way: float, fraction: float, later: float) -> None:
    """The header is cut to a second, and the answer was on its way meanwhile."""
    times = Times()
    clock = times.clock()
    server = 1_900_000_000 + fraction
    clock._learn(float(int(server)))  # pyright: ignore[reportPrivateUsage]
    times.pass_(way + later)
    assert clock.now() <= server + way + later + 1e-6
