"""A long import by `upsert_many`, against a worker pool that a user would write by hand.

::

    python benchmarks/many.py [--rounds 7] [--calls 4000] [--short 1000] [--long 100000]

Throughput: the same client upserts the same generator of rows, 32 in flight, once through
``upsert_many`` and once through 32 workers that pull from one iterator and await ``upsert``, in
turn, ``--calls`` rows in a round: a round of 100,000 would take too long. The ratio is that of a
round's pair; 1.00 says that the batch costs nothing. The server's CPU time for a request stands
above the table: as long as it is below a contestant's, the server was not the bottleneck.

Memory: the peak of a new process that does nothing but ``upsert_many`` over ``--short`` rows, and
of one over ``--long`` rows, once each. Flat says that a batch keeps nothing of what it has done.
"""

from __future__ import annotations

import sys
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


@contestant("upsert_many", needs=NEEDS)
@contestant("upsert_many, [speed]", speed=True, needs=NEEDS)
async def by_batch(base_url: str, calls: int) -> Figures:
    from moregood_async import MoreGoodClient

    async with MoreGoodClient("test-key", base_url=base_url, max_concurrency=WORKERS) as client:
        batch = client.customers.upsert_many(customers(calls))
        with measured(calls) as figures:
            async for result in batch:
                if result.error is not None:
                    print(f"row {result.index}: {result.error}", file=sys.stderr)
    return figures | {"done": batch.stats.done, "peak_mib": peak_mib()}


@contestant("worker pool", needs=NEEDS)
@contestant("worker pool, [speed]", speed=True, needs=NEEDS)
async def by_workers(base_url: str, calls: int) -> Figures:
    import asyncio

    from moregood_async import MoreGoodClient, MoreGoodError

    done = 0
    async with MoreGoodClient("test-key", base_url=base_url, max_concurrency=WORKERS) as client:
        rows = customers(calls)

        async def work() -> None:
            nonlocal done
            for row in rows:
                try:
                    await client.customers.upsert(**row)
                except MoreGoodError as error:
                    print(f"{row['email']}: {error}", file=sys.stderr)
                else:
                    done += 1

        with measured(calls) as figures:
            await asyncio.gather(*(work() for _ in range(WORKERS)))
    return figures | {"done": done, "peak_mib": peak_mib()}


PAIRS = [
    ("worker pool", "upsert_many"),
    ("worker pool, [speed]", "upsert_many, [speed]"),
]


def race(server: Server, rounds: int, calls: int) -> dict[str, list[Figures]]:
    """Rounds of all contestants in turn."""
    given = {"base_url": server.base_url, "calls": calls}
    with Contest(__file__) as contest:
        return contest.rounds({name: Task(name, given) for pair in PAIRS for name in pair}, rounds)


def peaks(server: Server, lengths: list[int]) -> dict[str, Figures]:
    """A new process for each length."""
    with Contest(__file__, fresh=True) as contest:
        return {
            f"{calls:,}": contest.once(
                Task("upsert_many", {"base_url": server.base_url, "calls": calls})
            )
            for calls in lengths
        }


def raced(seen: dict[str, list[Figures]]) -> str:
    rows = [
        [
            name,
            spread(column(seen[name], "per_second"), ",.0f"),
            spread(ratios(seen[name], seen[pool], "per_second")),
            spread(column(seen[name], "cpu_micros"), ",.0f"),
            spread(ratios(seen[name], seen[pool], "cpu_micros")),
            f"{sum(column(seen[name], 'calls')) - sum(column(seen[name], 'done')):.0f}",
        ]
        for pool, batch in PAIRS
        if pool in seen
        for name in (pool, batch)
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
    parser.add_argument("--calls", type=int, default=4_000, help="in a round, of each contestant")
    parser.add_argument("--short", type=int, default=1_000, help="upserts, for memory")
    parser.add_argument("--long", type=int, default=100_000, help="upserts, for memory")
    told = parser.parse_args()
    with serving("fast") as server:
        before = server.counters()
        seen = race(server, told.rounds, told.calls)
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
