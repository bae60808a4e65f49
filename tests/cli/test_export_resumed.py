"""``moregood export --resume`` after its process was killed, while the lists grow."""

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

LISTS_AND_FORMATS = [
    (list_name, file_format)
    for list_name in ("reviews", "customers", "messages")
    for file_format in ("csv", "jsonl", "parquet")
]


async def add_customers(sandbox: Sandbox, first: int, count: int) -> list[int]:
    """Add customers who are asked and click; return their ids."""
    people = [
        {"first_name": f"Ada {n}", "email": f"ada{n}@example.com"}
        for n in range(first, first + count)
    ]
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        ids = [r.value.id async for r in client.customers.upsert_many(people) if r.value]
        asks = [{"email": person["email"], "channels": ["email"]} for person in people]
        assert [r.error async for r in client.asks.create_many(asks) if r.error] == []
    sandbox.advance(seconds=1)
    for customer_id in ids:
        sandbox.click(customer_id)
    return ids


async def list_ids(sandbox: Sandbox, list_name: str) -> set[int]:
    """Return the ids of the items that a list has now."""
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        lists: dict[str, Any] = {
            "customers": client.customers,
            "reviews": client.reviews,
            "messages": client.messages,
        }
        return {item.id async for item in lists[list_name].list(per_page=100)}


def ids_in(path: Path) -> Counter[int]:
    """Return how often each id is in a file."""
    if path.suffix == ".parquet":
        pq: Any = pytest.importorskip("pyarrow.parquet")
        return Counter(pq.read_table(path, columns=["id"])["id"].to_pylist())
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            return Counter(int(row["id"]) for row in csv.DictReader(file))
        return Counter(json.loads(line)["id"] for line in file)


def assert_complete(target: Path, expected_ids: set[int]) -> None:
    """Assert that a file has each of the ids, and no id twice."""
    counts = ids_in(target)
    assert set(counts.values()) == {1}
    assert expected_ids - set(counts) == set()


class Killer:
    """A middleware that kills a process up to 50 milliseconds after its request N."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.remaining = 0
        self.after_seconds = 0.0

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        self.remaining -= 1
        if self.remaining == 0 and self.process is not None:
            threading.Timer(self.after_seconds, self.process.kill).start()
        return await call_next(request)

    def aim(self, process: subprocess.Popen[str], chance: random.Random) -> None:
        """Set the process to kill, and choose the request and the delay at random."""
        self.process, self.remaining = process, chance.randint(2, 9)
        self.after_seconds = chance.uniform(0, 0.05)


def export_with_kills(
    sandbox: Sandbox,
    spawn: Spawn,
    folder: Path,
    list_name: str,
    file_format: str,
    *,
    kills: int,
    row_count: int,
) -> int:
    """Repeat an export until it completes; return how often its process was killed."""
    chance = random.Random(f"{list_name}{file_format}{kills}")
    asyncio.run(add_customers(sandbox, 0, row_count))
    expected_ids = asyncio.run(list_ids(sandbox, list_name))
    killer, target, kill_count, printed = Killer(), folder / f"out.{file_format}", 0, ""
    faults: list[Middleware] = [killer, Delay(0.01), Throttle(400, per=1.0)]
    sandbox.faults = faults
    for run in range(200):
        process = spawn("export", list_name, "-o", target.name, "--resume", "--json")
        if kill_count < kills:
            killer.aim(process, chance)
        printed, errors = process.communicate(timeout=60)
        if process.returncode == 0:
            break
        assert process.returncode == -9, errors
        kill_count += 1
        # The target exists if the kill came between its completion and the final cleanup.
        if target.exists():
            assert_complete(target, expected_ids)
        asyncio.run(add_customers(sandbox, row_count + 100 * run, chance.randint(1, 60)))
    assert_complete(target, expected_ids)
    assert len(ids_in(target)) == json.loads(printed)["rows"]
    assert [target.name] == [path.name for path in folder.iterdir()]
    return kill_count


@pytest.mark.parametrize(
    ("list_name", "file_format"),
    [("reviews", "csv"), ("customers", "jsonl"), ("messages", "parquet")],
)
def test_a_killed_export_is_resumed(
    sandbox: Sandbox, base_url: str, spawn: Spawn, tmp_path: Path, list_name: str, file_format: str
) -> None:
    """Items that existed from the start are written once, whatever is added between the runs."""
    assert (
        export_with_kills(sandbox, spawn, tmp_path, list_name, file_format, kills=2, row_count=600)
        == 2
    )


@pytest.mark.soak
@pytest.mark.parametrize(("list_name", "file_format"), LISTS_AND_FORMATS)
def test_an_export_killed_up_to_fifteen_times_is_resumed(
    sandbox: Sandbox, base_url: str, spawn: Spawn, tmp_path: Path, list_name: str, file_format: str
) -> None:
    """The test covers all lists in all formats, and kills at random moments."""
    assert (
        export_with_kills(
            sandbox, spawn, tmp_path, list_name, file_format, kills=15, row_count=4_000
        )
        > 5
    )


def test_a_second_export_to_the_same_file_is_refused(
    sandbox: Sandbox, base_url: str, spawn: Spawn, run: Run, tmp_path: Path
) -> None:
    """The exit code is 2. The file is free again once the first process is killed."""
    asyncio.run(add_customers(sandbox, 0, 60))
    sandbox.faults = Delay(5)
    first = spawn("export", "reviews", "-o", "out.csv")
    deadline = time.monotonic() + 20
    while not (tmp_path / ".out.csv.checkpoint").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.2)
    second = run("export", "reviews", "-o", "out.csv", "--json")
    assert second.exit_code == 2
    assert "another export to the same file is running" in second.stderr
    first.kill()
    first.wait()
    sandbox.faults = []
    assert run("export", "reviews", "-o", "out.csv").exit_code == 0
    assert len(ids_in(tmp_path / "out.csv")) == 60
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
