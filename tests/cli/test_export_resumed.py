"""``moregood export --resume``, killed again and again while the lists grow."""

import asyncio
import csv
import json
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from moregood_async import MoreGoodClient
from moregood_async.sandbox import Delay, Sandbox, Throttle
from moregood_async.wire import Handler, Middleware, Request, Response
from tests.cli.conftest import KEY

Run = Callable[..., Result]
Spawn = Callable[..., subprocess.Popen[str]]

EACH = [
    (what, form)
    for what in ("reviews", "customers", "messages")
    for form in ("csv", "jsonl", "parquet")
]


async def added(sandbox: Sandbox, first: int, count: int) -> list[int]:
    """New customers who are asked, get their message and click; gives their ids."""
    people = [
        {"first_name": f"Ada {n}", "email": f"ada{n}@example.com"}
        for n in range(first, first + count)
    ]
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        ids = [r.value.id async for r in client.customers.upsert_many(people) if r.value]
        asks = [{"email": each["email"], "channels": ["email"]} for each in people]
        assert [] == [r.error async for r in client.asks.create_many(asks) if r.error]
    sandbox.advance(seconds=1)
    for each in ids:
        sandbox.click(each)
    return ids


async def listed(sandbox: Sandbox, what: str) -> set[int]:
    """The ids of a list now."""
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        lists: dict[str, Any] = {
            "customers": client.customers,
            "reviews": client.reviews,
            "messages": client.messages,
        }
        return {item.id async for item in lists[what].list(per_page=100)}


def ids_in(path: Path) -> Counter[int]:
    """How often each id is in a file."""
    if path.suffix == ".parquet":
        pq: Any = pytest.importorskip("pyarrow.parquet")
        return Counter(pq.read_table(path, columns=["id"])["id"].to_pylist())
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            return Counter(int(row["id"]) for row in csv.DictReader(file))
        return Counter(json.loads(line)["id"] for line in file)


def assert_whole(target: Path, throughout: set[int]) -> None:
    """All that existed throughout is in a file, and nothing twice."""
    counts = ids_in(target)
    assert {1} == set(counts.values())
    assert set() == throughout - set(counts)


class Killing:
    """Kills a process some milliseconds after so many of its requests have come."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.left = 0
        self.after_seconds = 0.0

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        self.left -= 1
        if self.left == 0 and self.process is not None:
            threading.Timer(self.after_seconds, self.process.kill).start()
        return await call_next(request)

    def aim(self, process: subprocess.Popen[str], chance: random.Random) -> None:
        """At this one, now and then."""
        self.process, self.left = process, chance.randint(2, 9)
        self.after_seconds = chance.uniform(0, 0.05)


def killed_often(
    sandbox: Sandbox, spawn: Spawn, folder: Path, what: str, form: str, *, kills: int, rows: int
) -> int:
    """Export until it is whole; gives how often it was killed."""
    chance = random.Random(f"{what}{form}{kills}")
    asyncio.run(added(sandbox, 0, rows))
    throughout = asyncio.run(listed(sandbox, what))
    killing, target, killed, printed = Killing(), folder / f"out.{form}", 0, ""
    faults: list[Middleware] = [killing, Delay(0.01), Throttle(400, per=1.0)]
    sandbox.faults = faults
    for run in range(200):
        process = spawn("export", what, "-o", target.name, "--resume", "--json")
        if killed < kills:
            killing.aim(process, chance)
        printed, problems = process.communicate(timeout=60)
        if process.returncode == 0:
            break
        assert process.returncode == -9, problems
        killed += 1
        if target.exists():  # it was whole already, and the rest had yet to be tidied up
            assert_whole(target, throughout)
        asyncio.run(added(sandbox, rows + 100 * run, chance.randint(1, 60)))
    assert_whole(target, throughout)
    assert len(ids_in(target)) == json.loads(printed)["rows"]
    assert [target.name] == [each.name for each in folder.iterdir()]
    return killed


@pytest.mark.parametrize(
    ("what", "form"), [("reviews", "csv"), ("customers", "jsonl"), ("messages", "parquet")]
)
def test_a_killed_export_is_resumed(
    sandbox: Sandbox, base_url: str, spawn: Spawn, tmp_path: Path, what: str, form: str
) -> None:
    """Each item that existed throughout is there once, whatever came between the runs."""
    assert 2 == killed_often(sandbox, spawn, tmp_path, what, form, kills=2, rows=600)


@pytest.mark.soak
@pytest.mark.parametrize(("what", "form"), EACH)
def test_killed_fifteen_times(
    sandbox: Sandbox, base_url: str, spawn: Spawn, tmp_path: Path, what: str, form: str
) -> None:
    """The same, all lists in all formats, at random moments."""
    assert killed_often(sandbox, spawn, tmp_path, what, form, kills=15, rows=4_000) > 5


def test_a_second_export_to_one_file_is_refused(
    sandbox: Sandbox, base_url: str, spawn: Spawn, run: Run, tmp_path: Path
) -> None:
    """Exit code 2; once the first one is killed, the file is free again."""
    asyncio.run(added(sandbox, 0, 60))
    sandbox.faults = Delay(5)
    first = spawn("export", "reviews", "-o", "out.csv")
    until = time.monotonic() + 20
    while not (tmp_path / ".out.csv.checkpoint").exists() and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)
    second = run("export", "reviews", "-o", "out.csv", "--json")
    assert 2 == second.exit_code
    assert "another export to the same file is running" in second.stderr
    first.kill()
    first.wait()
    sandbox.faults = []
    assert 0 == run("export", "reviews", "-o", "out.csv").exit_code
    assert 60 == len(ids_in(tmp_path / "out.csv"))
    assert ["out.csv"] == [each.name for each in tmp_path.iterdir()]
