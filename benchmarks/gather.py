"""50,000 single calls at once by `asyncio.gather`, against `upsert_many` with as many rows.

::

    python benchmarks/gather.py [--rounds 3] [--calls 50000] [--speed]

The settings are the defaults: 30 s for an attempt, 120 s for a call, 32 requests in flight; the
other calls are queued. The server responds at once, so that each timeout is a false one. The
ratio compares the CPU time of a round's pair: the price of one task for each call, and of a queue
of 50,000. The peak is the peak memory of the contestant's process: `gather` keeps 50,000 tasks and
their customers, a batch keeps none. ``--speed`` adds the same pair with orjson and uvloop.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from _harness import (
    Contest,
    Figures,
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

WARM_UP_CALLS = 1_000
NEEDS = ("moregood_async.transport",)


def customers(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {
            "first_name": "Ada",
            "last_name": "Larkmoor",
            "email": f"ada{number}@example.com",
            "phone": f"+1415{number:07d}",
            "company": "Larkmoor Books",
            "city": "San Francisco",
        }


def count_failures(errors: list[Exception]) -> Figures:
    """Return the number of failed calls, the number of timeouts among them, and the peak memory."""
    from moregood_async import AttemptTimedOut, DeadlineExceeded

    for kind, number in Counter(type(error).__name__ for error in errors).items():
        print(f"{number} calls: {kind}", file=sys.stderr)
    late = sum(isinstance(error, (AttemptTimedOut, DeadlineExceeded)) for error in errors)
    return {"failed": len(errors), "timed_out": late, "peak_mib": peak_mib()}


@contestant("gather", needs=NEEDS)
@contestant("gather, [speed]", speed=True, needs=NEEDS)
async def by_gather(base_url: str, calls: int) -> Figures:
    import asyncio

    from moregood_async import MoreGoodClient

    async with MoreGoodClient("test-key", base_url=base_url) as client:
        with measured(calls) as figures:
            results = await asyncio.gather(
                *(client.customers.upsert(**row) for row in customers(calls)),
                return_exceptions=True,
            )
    return figures | count_failures([result for result in results if isinstance(result, Exception)])


@contestant("upsert_many", needs=NEEDS)
@contestant("upsert_many, [speed]", speed=True, needs=NEEDS)
async def by_batch(base_url: str, calls: int) -> Figures:
    from moregood_async import MoreGoodClient

    async with MoreGoodClient("test-key", base_url=base_url) as client:
        with measured(calls) as figures:
            batch = client.customers.upsert_many(customers(calls))
            errors = [result.error async for result in batch if result.error is not None]
    return figures | count_failures(errors)


PAIRS = [
    ("upsert_many", "gather"),
    ("upsert_many, [speed]", "gather, [speed]"),
]


def rows(seen: dict[str, list[Figures]]) -> list[list[str]]:
    return [
        [
            name,
            spread(column(seen[name], "per_second"), ",.0f"),
            spread(column(seen[name], "cpu_micros"), ",.0f"),
            spread(ratios(seen[name], seen[batch], "cpu_micros")),
            f"{sum(column(seen[name], 'timed_out')):.0f}",
            f"{sum(column(seen[name], 'failed')):.0f}",
            f"{max(column(seen[name], 'peak_mib')):,.0f}",
        ]
        for batch, gathered in PAIRS
        if batch in seen
        for name in (batch, gathered)
    ]


def main() -> None:
    parser = options(__doc__, rounds=2)
    parser.add_argument("--calls", type=int, default=50_000)
    parser.add_argument("--speed", action="store_true", help="with orjson and uvloop too")
    arguments = parser.parse_args()
    names = [name for pair in PAIRS[: 1 + arguments.speed] for name in pair]
    with serving("fast") as server, Contest(__file__) as contest:
        parameters = {"base_url": server.base_url}
        contest.rounds(
            {name: Task(name, parameters | {"calls": WARM_UP_CALLS}) for name in names}, 1
        )
        seen = contest.rounds(
            {name: Task(name, parameters | {"calls": arguments.calls}) for name in names},
            arguments.rounds,
            warm_up=0,
        )
    titles = ["", "calls a second", "CPU a call, µs", "ratio", "timed out", "failed", "peak, MiB"]
    report(arguments, "gather", table(titles, rows(seen)), seen, ["aiohttp", "orjson", "uvloop"])


if __name__ == "__main__":
    main()
