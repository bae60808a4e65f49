"""A client's life: opened by its first use, closed once, in any loop, thread or process."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import subprocess
import sys
import warnings
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from moregood_async import MoreGoodClient
from moregood_async.config import Rate
from moregood_async.connections import LoopConnections
from moregood_async.errors import ClientClosed, ConfigurationError, MoreGoodError
from moregood_async.wire import Handler, Request, Response
from tests.aiohttp_doubles import RawServer, saying, silent
from tests.middleware.doubles import Elsewhere, answer, told, until

KEY = "canary-key"
PROJECT = Path(__file__).parent.parent


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with RawServer() as server:
        yield server


async def ping(client: MoreGoodClient) -> int:
    return (await client.request("GET", "reviews")).status


def others() -> set[asyncio.Task[Any]]:
    current = asyncio.current_task()
    return {task for task in asyncio.all_tasks() if task is not current}


# Opening and closing


async def test_a_client_opens_with_async_with_and_closes_with_it(server: RawServer) -> None:
    """And its connections with it."""
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        assert 200 == await ping(client)
        assert 1 == server.open_connections
    await until(lambda: server.open_connections == 0)


async def test_a_client_opens_with_its_first_use_and_closes_with_aclose(server: RawServer) -> None:
    """Without ``async with``: for places where no block is at hand."""
    client = MoreGoodClient(KEY, base_url=server.url)
    assert 200 == await ping(client)
    await client.aclose()
    await until(lambda: server.open_connections == 0)


def test_a_client_is_made_without_a_loop() -> None:
    """At import time, say; nothing is open, so nothing is to be closed."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client = MoreGoodClient(KEY)
        del client
        gc.collect()


async def test_closing_twice_is_fine(server: RawServer) -> None:
    """Also where it was never opened."""
    client = MoreGoodClient(KEY, base_url=server.url)
    await ping(client)
    await client.aclose()
    await client.aclose()
    unused = MoreGoodClient(KEY)
    await unused.aclose()
    await unused.aclose()


CALLS: dict[str, Callable[[MoreGoodClient], Awaitable[object]]] = {
    "a request": ping,
    "a list": lambda client: client.reviews.list().collect(),
    "a write": lambda client: client.locations.create(name="A"),
    "async with": lambda client: client.__aenter__(),
    "a view": lambda client: ping(client.with_options(deadline=1.0)),
    "a view of another key": lambda client: ping(client.with_options(api_key="other")),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_after_closing_every_use_is_client_closed(
    server: RawServer, call: Callable[[MoreGoodClient], Awaitable[object]]
) -> None:
    """And nothing is sent."""
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        await ping(client)
    with pytest.raises(ClientClosed, match="nothing was sent"):
        await call(client)
    assert 1 == len(server.received)


async def test_a_view_made_before_is_closed_too(server: RawServer) -> None:
    """Its connections are the client's."""
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        view = client.with_options(deadline=1.0)
        await ping(view)
    with pytest.raises(ClientClosed):
        await ping(view)


async def test_those_who_wait_for_their_turn_are_told_when_the_client_closes(
    server: RawServer,
) -> None:
    """They send nothing: those in flight break, and the queue moves up to `ClientClosed`."""
    server.answer = silent
    client = MoreGoodClient(KEY, base_url=server.url, max_concurrency=2, max_attempts=1)
    calls = [asyncio.ensure_future(ping(client)) for _ in range(6)]
    await until(lambda: len(server.received) == 2)
    await client.aclose()
    errors = await asyncio.gather(*calls, return_exceptions=True)
    assert 4 == sum(isinstance(error, ClientClosed) for error in errors)
    assert all(isinstance(error, MoreGoodError) for error in errors)
    assert 2 == len(server.received)


async def test_a_handler_of_ones_own_is_not_called_after_closing() -> None:
    """Nor by a call that had waited for a time that the server named."""
    heard: list[Request] = []

    async def handler(request: Request) -> Response:
        heard.append(request)
        return told(0)

    client = MoreGoodClient(KEY, transport=handler)
    call = asyncio.ensure_future(ping(client))
    await until(lambda: len(heard) == 1)
    await client.aclose()
    with pytest.raises(ClientClosed) as caught:
        await call
    assert (1, ["429"]) == (len(heard), [attempt.outcome for attempt in caught.value.attempts])


async def test_a_users_session_is_never_closed(server: RawServer) -> None:
    """Who opened it closes it."""
    async with aiohttp.ClientSession() as session:
        async with MoreGoodClient(KEY, base_url=server.url, session=session) as client:
            await ping(client)
        assert not session.closed
        assert 1 == server.open_connections


async def test_a_users_session_that_is_closed_is_client_closed(server: RawServer) -> None:
    """In our words, and not as a ``RuntimeError``."""
    async with aiohttp.ClientSession() as session:
        client = MoreGoodClient(KEY, base_url=server.url, session=session)
    with pytest.raises(ClientClosed):
        await ping(client)
    await client.aclose()


# Forgotten


async def test_a_forgotten_client_warns_and_names_the_line(server: RawServer) -> None:
    """Where it was made; and its connections close all the same."""
    client = MoreGoodClient(KEY, base_url=server.url)
    line = sys._getframe().f_lineno - 1
    await ping(client)
    with pytest.warns(ResourceWarning, match=re.escape(f"{__file__}:{line} was never closed")):
        del client
    await until(lambda: server.open_connections == 0)


async def test_a_view_that_is_forgotten_warns_nobody(server: RawServer) -> None:
    """It has nothing of its own."""
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        view = client.with_options(deadline=1.0)
        await ping(view)
        await view.aclose()
        del view
        gc.collect()
        assert 200 == await ping(client)


# Views


async def test_views_share_the_connections(server: RawServer) -> None:
    """Five hundred projects through one pool."""
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        for number in range(20):
            view = client.with_options(api_key=f"key-{number}", attempt_timeout=5.0)
            await ping(view)
        await ping(client)
    assert (21, 1) == (len(server.received), server.connections)
    sent = [value for received in server.received for value in received.all("Authorization")]
    assert [*(f"Bearer key-{number}" for number in range(20)), f"Bearer {KEY}"] == sent


def _slow(most: dict[str, int], per_key: bool) -> Handler:
    in_flight: dict[str, int] = {}

    async def handler(request: Request) -> Response:
        key = request.headers["authorization"] if per_key else ""
        in_flight[key] = in_flight.get(key, 0) + 1
        most[key] = max(most.get(key, 0), in_flight[key])
        await asyncio.sleep(0.01)
        in_flight[key] -= 1
        return answer()

    return handler


async def test_views_of_one_key_share_its_pace() -> None:
    """The server counts by key, and does not know of views."""
    most: dict[str, int] = {}
    async with MoreGoodClient(
        KEY, transport=_slow(most, per_key=False), max_concurrency=3
    ) as client:
        views = [client.with_options(deadline=30.0 + number) for number in range(4)]
        await asyncio.gather(*(ping(view) for view in views * 5))
    assert {"": 3} == most


async def test_each_key_has_a_pace_of_its_own() -> None:
    """Its own bound in flight, and its own waits."""
    most: dict[str, int] = {}
    async with MoreGoodClient(
        KEY, transport=_slow(most, per_key=True), max_concurrency=3
    ) as client:
        other = client.with_options(api_key="other", max_concurrency=5)
        await asyncio.gather(*(ping(each) for each in [client, other] * 15))
    assert {f"Bearer {KEY}": 3, "Bearer other": 5} == most


async def test_a_key_that_waits_holds_up_no_other() -> None:
    """One project's 429 is that project's."""

    async def handler(request: Request) -> Response:
        return told(600) if KEY in request.headers["authorization"] else answer()

    async with MoreGoodClient(KEY, transport=handler, max_attempts=1) as client:
        with pytest.raises(MoreGoodError):
            await ping(client)
        async with asyncio.timeout(1.0):
            assert 200 == await ping(client.with_options(api_key="other"))


@pytest.mark.parametrize(
    "limits",
    [{"max_concurrency": 5}, {"max_rate": Rate(60)}, {"api_key": KEY, "max_concurrency": 5}],
    ids=["concurrency", "rate", "the key said again"],
)
async def test_a_key_has_one_set_of_limits(limits: dict[str, Any]) -> None:
    """Two views that want the same key paced differently cannot both have it."""
    client = MoreGoodClient(KEY, max_concurrency=3)
    with pytest.raises(ConfigurationError, match="this key already has"):
        client.with_options(**limits)
    client.with_options(max_concurrency=3)
    client.with_options(api_key="other", max_concurrency=5, max_rate=Rate(60))
    with pytest.raises(ConfigurationError, match="this key already has"):
        client.with_options(api_key="other", max_concurrency=6)


# Cancellation


async def test_cancellation_passes_through_at_once_and_leaks_nothing(server: RawServer) -> None:
    """In flight, in the queue or backing off: no task stays, and no connection."""
    server.answer = silent
    async with MoreGoodClient(KEY, base_url=server.url, max_concurrency=4) as client:
        before = others()
        calls = [asyncio.ensure_future(ping(client)) for _ in range(20)]
        await until(lambda: len(server.received) == 4)
        for call in calls:
            call.cancel()
        done, _ = await asyncio.wait(calls, timeout=1.0)
        assert (20, True) == (len(done), all(call.cancelled() for call in calls))
        await until(lambda: server.open_connections == 0)
        assert set() == {
            task for task in others() - before if task.get_name().startswith("moregood")
        }
        server.answer = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        assert [200] * 20 == await asyncio.gather(*(ping(client) for _ in range(20)))
        assert 4 == server.open_connections


async def test_a_timeout_of_the_users_own_is_obeyed_at_once(server: RawServer) -> None:
    """``asyncio.timeout`` around a call is a cancellation like any other."""
    server.answer = silent
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await ping(client)
        assert loop.time() - begun < 1.0


async def test_no_task_is_left_after_closing(server: RawServer) -> None:
    """Neither by calls that went well nor by one that was cancelled."""
    before = others()
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        await asyncio.gather(*(ping(client) for _ in range(50)))
    await until(lambda: server.open_connections == 0)
    await asyncio.sleep(0)
    assert before >= others()


# Loops


def test_one_client_serves_one_loop_after_the_other() -> None:
    """`asyncio.run` after `asyncio.run`; loops that have ended are not kept."""
    seen: list[weakref.ref[asyncio.AbstractEventLoop]] = []
    connections: list[int] = []

    async def main(client: MoreGoodClient) -> None:
        seen.append(weakref.ref(asyncio.get_running_loop()))
        async with RawServer() as server:
            view = client.with_options(base_url=server.url)
            await asyncio.gather(*(ping(view) for _ in range(3)))
            await ping(view)
            connections.append(server.connections)

    client = MoreGoodClient(KEY)
    for _ in range(10):
        asyncio.run(main(client))
    gc.collect()
    assert ([3] * 10, 1) == (connections, sum(loop() is not None for loop in seen))
    asyncio.run(client.aclose())
    gc.collect()
    assert 0 == sum(loop() is not None for loop in seen)


def test_a_client_that_was_closed_in_one_loop_is_closed_in_the_next() -> None:
    """Closed is closed."""

    async def use(client: MoreGoodClient) -> None:
        async with client:
            pass

    client = MoreGoodClient(KEY)
    asyncio.run(use(client))
    with pytest.raises(ClientClosed):
        asyncio.run(use(client))


async def test_two_loops_use_a_client_at_once_and_one_closes_it(server: RawServer) -> None:
    """Each has its own connections, and `aclose` closes those of both."""
    client = MoreGoodClient(KEY, base_url=server.url)
    with Elsewhere() as elsewhere:
        here = [ping(client) for _ in range(30)]
        there = [elsewhere.run(ping(client)) for _ in range(30)]
        assert [200] * 60 == await asyncio.gather(*here, *there)
        assert server.open_connections >= 2
        await client.aclose()
        await until(lambda: server.open_connections == 0)
        with pytest.raises(ClientClosed):
            await elsewhere.run(ping(client))


async def test_closing_waits_for_no_loop_that_has_ended(server: RawServer) -> None:
    """It closed its connections itself when it ended."""
    client = MoreGoodClient(KEY, base_url=server.url)
    with Elsewhere() as elsewhere:
        await elsewhere.run(ping(client))
    await until(lambda: server.open_connections == 0)
    async with asyncio.timeout(1.0):
        await client.aclose()


async def test_closing_does_not_hang_on_a_loop_that_ends_just_then(server: RawServer) -> None:
    """Whoever of both closes first: there is an end, and nothing stays open."""
    clients: list[MoreGoodClient] = []
    for delay in (0.0, 0.0002, 0.0005, 0.001, 0.002) * 4:
        client = MoreGoodClient(KEY, base_url=server.url)
        clients.append(client)
        with Elsewhere() as elsewhere:
            await elsewhere.run(ping(client))
            elsewhere.stop()
            await asyncio.sleep(delay)
            async with asyncio.timeout(2.0):
                await client.aclose()
    await until(lambda: server.open_connections == 0)


class Ending(asyncio.SelectorEventLoop):
    """A loop that runs when it is looked at, and no more at the next look."""

    looks = 0

    def is_running(self) -> bool:
        self.looks -= 1
        return self.looks >= 0 or super().is_running()


@pytest.mark.parametrize("ended", [True, False], ids=["before the call", "before the answer"])
async def test_closing_waits_for_no_loop_that_ends_unnoticed(ended: bool) -> None:
    """Between the look at it and the call into it, or between that and its answer."""
    loop = Ending()
    if ended:
        loop.close()
    client = MoreGoodClient(KEY, transport=_slow({}, per_key=False))
    connections = client._session.connections
    connections._loops[loop] = LoopConnections(connections._make_transport())
    loop.looks = 1
    async with asyncio.timeout(2.0):
        await client.aclose()
    if not ended:  # what was left to be done there, so that it is not left for ever
        await asyncio.to_thread(lambda: loop.run_until_complete(asyncio.sleep(0.01)))
        loop.close()


# Processes

SERVER = """
import asyncio, os, sys, threading
sys.path.insert(0, sys.argv[1])
from moregood_async import MoreGoodClient
from tests.aiohttp_doubles import RawServer

class Served:
    def __enter__(self):
        self.ready, self.loop = threading.Event(), None
        self.thread = threading.Thread(target=lambda: asyncio.run(self.main()))
        self.thread.start()
        self.ready.wait()
        return self.server
    async def main(self):
        self.loop, self.stopping = asyncio.get_running_loop(), asyncio.Event()
        async with RawServer() as self.server:
            self.ready.set()
            await self.stopping.wait()
    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.thread.join()
"""


def in_a_process_of_its_own(program: str, *options: str) -> tuple[str, str]:
    """What a program says on stdout and stderr, with all of Python's warnings on."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", *options, "-c", SERVER + program, str(PROJECT)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={key: value for key, value in os.environ.items() if "COVERAGE" not in key},
    )
    return done.stdout, done.stderr


@pytest.mark.parametrize("options", [(), ("-W", "error")], ids=["-X dev", "-X dev -W error"])
def test_two_runs_one_after_the_other_say_nothing_on_stderr(options: tuple[str, ...]) -> None:
    """Neither "Event loop is closed" nor "Unclosed client session" nor any other warning."""
    out, err = in_a_process_of_its_own(
        """
async def main(client):
    return (await client.request("GET", "reviews")).status

async def last(client):
    async with client:
        return await main(client)

with Served() as server:
    client = MoreGoodClient("key", base_url=server.url)
    print(asyncio.run(main(client)), asyncio.run(main(client)), asyncio.run(last(client)))
""",
        *options,
    )
    assert ("200 200 200\n", "") == (out, err)


@pytest.mark.parametrize("options", [(), ("-W", "error")], ids=["-X dev", "-X dev -W error"])
def test_a_forgotten_client_is_one_warning_on_stderr(options: tuple[str, ...]) -> None:
    """With file and line, and nothing noisy beside it: no session, connector or task of ours."""
    _, err = in_a_process_of_its_own(
        """
async def main(url):
    client = MoreGoodClient("key", base_url=url)
    await client.request("GET", "reviews")
    del client
    import gc; gc.collect()
    await asyncio.sleep(0.05)

with Served() as server:
    asyncio.run(main(server.url))
""",
        *options,
    )
    assert ["a MoreGoodClient made at <string>:24 was never closed"] == re.findall(
        r"a MoreGoodClient made at \S+ was never closed", err
    )
    assert "Unclosed" not in err
    assert "Event loop is closed" not in err


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_client_is_used_on_both_sides_of_a_fork() -> None:
    """The child has connections of its own; the parent's work on after the child has ended."""
    out, err = in_a_process_of_its_own(
        """
import warnings
warnings.filterwarnings("ignore", "This process", DeprecationWarning)  # threads and fork

async def ping(client):
    return (await client.request("GET", "reviews")).status

def child(client, kind):
    print("child", asyncio.run(ping(client)), flush=True)
    if kind == "closes":
        asyncio.run(client.aclose())
    if kind == "forgets":
        del client
        import gc; gc.collect()

def forked(client, kind):
    pid = os.fork()
    if pid == 0:
        try:
            child(client, kind)
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1]

with Served() as server, asyncio.Runner() as runner:
    client = MoreGoodClient("key", base_url=server.url)
    print("parent", runner.run(ping(client)), flush=True)
    before = server.connections
    for kind in ("exits", "closes", "forgets"):
        forked(client, kind)
        print("parent", runner.run(ping(client)), flush=True)
    print("connections", before, server.connections, flush=True)
    runner.run(client.aclose())
""",
    )
    both = "child 200\nparent 200\n"
    assert (f"parent 200\n{both * 3}connections 1 4\n", "") == (out, err)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_that_ends_in_peace_leaves_its_parents_connections_alone() -> None:
    """With its destructors run, as a forked worker that returns from its main does."""
    out, err = in_a_process_of_its_own(
        """
import warnings
warnings.filterwarnings("ignore", "This process", DeprecationWarning)  # threads and fork

async def ping(client):
    return (await client.request("GET", "reviews")).status

async def last(client):
    async with client:
        return await ping(client)

served = Served()
server = served.__enter__()
runner = asyncio.Runner()
client = MoreGoodClient("key", base_url=server.url)
print("parent", runner.run(ping(client)), flush=True)
if os.fork() == 0:
    print("child", asyncio.run(last(client)), flush=True)
    sys.exit()
os.wait()
print("parent", runner.run(ping(client)), server.connections, flush=True)
runner.run(client.aclose())
runner.close()
served.__exit__()
""",
    )
    assert ("parent 200\nchild 200\nparent 200 2\n", "") == (out, err)
