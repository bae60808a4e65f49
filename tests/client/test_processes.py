"""A client in a separate process, and on both sides of a fork."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent


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


def run_in_a_process(program: str, *options: str) -> tuple[str, str]:
    """Run a program with all warnings on, and return its stdout and stderr."""
    completed = subprocess.run(
        [sys.executable, "-X", "dev", *options, "-c", SERVER + program, str(PROJECT)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={key: value for key, value in os.environ.items() if "COVERAGE" not in key},
    )
    return completed.stdout, completed.stderr


@pytest.mark.parametrize("options", [(), ("-W", "error")], ids=["-X dev", "-X dev -W error"])
def test_two_calls_of_asyncio_run_print_nothing_on_stderr(options: tuple[str, ...]) -> None:
    """Neither "Event loop is closed" nor "Unclosed client session" nor any other warning."""
    out, err = run_in_a_process(
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
    assert out == "200 200 200\n"
    assert err == ""


@pytest.mark.parametrize("options", [(), ("-W", "error")], ids=["-X dev", "-X dev -W error"])
def test_an_unclosed_client_prints_one_warning_on_stderr(options: tuple[str, ...]) -> None:
    """Neither aiohttp nor asyncio adds a warning about a session, a connector or a task."""
    _, err = run_in_a_process(
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
    assert re.findall(r"a MoreGoodClient made at \S+ was never closed", err) == [
        "a MoreGoodClient made at <string>:24 was never closed"
    ]
    assert "Unclosed" not in err
    assert "Event loop is closed" not in err


@pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork does not exist")
def test_a_client_works_on_both_sides_of_a_fork() -> None:
    """The child has its own connections; the connections of the parent survive the child."""
    out, err = run_in_a_process(
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
    assert out == f"parent 200\n{both * 3}connections 1 4\n"
    assert err == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork does not exist")
def test_a_forked_child_that_exits_normally_keeps_its_parents_connections_open() -> None:
    """A normal exit runs the destructors, as in a forked worker."""
    out, err = run_in_a_process(
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
    assert out == "parent 200\nchild 200\nparent 200 2\n"
    assert err == ""
