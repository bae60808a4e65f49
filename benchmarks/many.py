"""A long import by `upsert_many`, against a worker pool that a user would write by hand.

::

    python benchmarks/many.py [--rounds 7] [--slices 4] [--calls 1000] [--long 100000]

Throughput: the same client upserts the same generator of rows, 32 in flight, once through
``upsert_many`` and once through 32 workers that pull from one iterator and await ``upsert``. What
is compared is a few percent, and two processes that run the same code differ by more; so both
take turns within one process, ``--slices`` times ``--calls`` rows each, and every round has a new
one. Rounds of 100,000 would take too long. The ratio is that of a round's sums; 1.00 says that a
batch costs nothing. The server's CPU time for a request stands above the table: as long as it is
below a contestant's, the server was not the bottleneck.

Memory: the peak of a new process that does nothing but ``upsert_many`` over ``--short`` rows, and
of one over ``--long`` rows, once each. Flat says that a batch keeps nothing of what it has done.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from _harness import (
    Contest,
    Figures,
    Server,
    Task,
    column,
    contestant,
    measured,
    options,
    peak_mib,
    ratios,
    report,
    serving,
    spread,
    table,
)

WORKERS = 32
NEEDS = ("moregood_async.transport",)


def customers(count: int) -> Iterator[dict[str, Any]]:
    """The rows, one at a time."""
    for number in range(count):
        yield {
            "first_name": "Ada",
            "last_name": "Larkmoor",
            "email": f"ada{number}@example.com",
            "phone": f"+1415{number:07d}",
            "company": "Larkmoor Books",
            "city": "San Francisco",
        }


async def by_batch(client: Any, calls: int) -> int:
    """Gives how many are done."""
    batch = client.customers.upsert_many(customers(calls))
    async for result in batch:
        if result.error is not None:
            print(f"row {result.index}: {result.error}", file=sys.stderr)
    return batch.stats.done


async def by_workers(client: Any, calls: int) -> int:
    """Gives how many are done."""
    import asyncio

    from moregood_async import MoreGoodError

    rows, done = customers(calls), 0

    async def work() -> None:
        nonlocal done
        for row in rows:
            try:
                await client.customers.upsert(**row)
            except MoreGoodError as error:
                print(f"{row['email']}: {error}", file=sys.stderr)
            else:
                done += 1

    await asyncio.gather(*(work() for _ in range(WORKERS)))
    return done


WAYS = {"worker pool": by_workers, "upsert_many": by_batch}


@contestant("", needs=NEEDS)
@contestant(", [speed]", speed=True, needs=NEEDS)
async def in_turn(base_url: str, calls: int, slices: int) -> Figures:
    """Sums of either way: one warms up, and the first of a slice is the last of the next."""
    from moregood_async import MoreGoodClient

    sums: Counter[str] = Counter()
    async with MoreGoodClient("test-key", base_url=base_url, max_concurrency=WORKERS) as client:
        for number in range(slices + 1):
            for name in sorted(WAYS, reverse=number % 2 == 0):
                with measured(calls) as figures:
                    done = await WAYS[name](client, calls)
                if number:
                    cpu = figures["cpu_micros"] * calls
                    sums += Counter(
                        {
                            f"{name} seconds": figures["seconds"],
                            f"{name} cpu": cpu,
                            f"{name} done": done,
                        }
                    )
    return dict(sums)


@contestant("upsert_many alone", needs=NEEDS)
async def alone(base_url: str, calls: int) -> Figures:
    from moregood_async import MoreGoodClient

    async with MoreGoodClient("test-key", base_url=base_url, max_concurrency=WORKERS) as client:
        with measured(calls) as figures:
            done = await by_batch(client, calls)
    return figures | {"done": done, "peak_mib": peak_mib()}


def race(server: Server, told: argparse.Namespace) -> dict[str, list[Figures]]:
    """Rounds of a new process each, without the extra and with it in turn."""
    given = {"base_url": server.base_url, "calls": told.calls, "slices": told.slices}
    with Contest(__file__, fresh=True) as contest:
        tasks = {name: Task(name, given) for name in ("", ", [speed]")}
        seen = contest.rounds(tasks, told.rounds, warm_up=0)
    calls = told.calls * told.slices
    return {
        way + extra: [_of_one_way(sums, way, calls) for sums in rounds]
        for extra, rounds in seen.items()
        for way in WAYS
    }


def _of_one_way(sums: Figures, way: str, calls: int) -> Figures:
    seconds = sums[f"{way} seconds"]
    return {
        "calls": calls,
        "done": sums[f"{way} done"],
        "seconds": seconds,
        "per_second": calls / seconds,
        "cpu_micros": sums[f"{way} cpu"] / calls,
    }


def peaks(server: Server, lengths: list[int]) -> dict[str, Figures]:
    """A new process for each length."""
    with Contest(__file__, fresh=True) as contest:
        return {
            f"{calls:,}": contest.once(
                Task("upsert_many alone", {"base_url": server.base_url, "calls": calls})
            )
            for calls in lengths
        }


def raced(seen: dict[str, list[Figures]]) -> str:
    rows = [
        [
            name,
            spread(column(measured, "per_second"), ",.0f"),
            spread(ratios(measured, pool, "per_second")),
            spread(column(measured, "cpu_micros"), ",.0f"),
            spread(ratios(measured, pool, "cpu_micros")),
            f"{sum(column(measured, 'calls')) - sum(column(measured, 'done')):.0f}",
        ]
        for name, measured in seen.items()
        for pool in [seen[name.replace("upsert_many", "worker pool")]]
    ]
    return table(["", "upserts a second", "ratio", "CPU a call, µs", "ratio", "failed"], rows)


def weighed(peak: dict[str, Figures]) -> str:
    least = min(column(peak.values(), "peak_mib"))
    rows = [
        [
            length,
            f"{figures['peak_mib']:.1f}",
            f"{figures['peak_mib'] - least:+.1f}",
            f"{figures['seconds']:.1f}",
            f"{figures['calls'] - figures['done']:.0f}",
        ]
        for length, figures in peak.items()
    ]
    return table(["upserts", "peak, MiB", "above the least", "seconds", "failed"], rows)


def main() -> None:
    parser = options(__doc__, rounds=7)
    parser.add_argument("--slices", type=int, default=4, help="in a round, of either way")
    parser.add_argument("--calls", type=int, default=1_000, help="in a slice")
    parser.add_argument("--short", type=int, default=1_000, help="upserts, for memory")
    parser.add_argument("--long", type=int, default=100_000, help="upserts, for memory")
    told = parser.parse_args()
    with serving("fast") as server:
        before = server.counters()
        seen = race(server, told)
        peak = peaks(server, [told.short, told.long])
        spent = server.counters()["cpu_seconds"] - before["cpu_seconds"]
        requests = server.counters()["requests"] - before["requests"]
    tables = [
        f"server: {server.software}, {spent / requests * 1e6:.0f} µs CPU a request",
        raced(seen),
        weighed(peak),
    ]
    results = {"race": seen, "memory": peak, "server_cpu_micros": spent / requests * 1e6}
    report(told, "many", "\n\n".join(tables), results, ["aiohttp", "orjson", "uvloop"])


if __name__ == "__main__":
    main()
