"""Long lists: the speed of prefetched pages, and the memory of a walk over a million rows.

::

    python benchmarks/pages.py [--rounds 3] [--pages 200] [--latency 0.05] [--walk 10000]

Prefetch: read the same list of ``--pages`` pages of 100 customers with ``prefetch=0`` and with
``prefetch=8``, in turn. The server responds to each request after ``--latency`` seconds. "Times as
fast" is the ratio of a round's pair. "Most at once" is the maximum number of pages requested and
not yet completely read, the current page included. It is n + 1 with ``prefetch=n``, also for a
reader that is slower than the server. "Wrong" counts the customers with another id than expected,
and the missing ones.

Walk: read ``--walk`` pages of 100 customers with ``prefetch=8`` from a server that responds at
once, each walk in a new process. A walk remembers which ids it has returned, so that it returns no
row twice; the peak memory after 1 %, 10 % and all of the walk shows the cost. "Dense" ids are
consecutive, as in a project with its own numbering; "sparse" ids are 1,000 apart, as where many
projects share the numbers. orjson and uvloop save time; they do not change the memory.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
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

ROWS = 100
AHEAD = 8
NEEDS = ("moregood_async.transport",)


@contestant("prefetch=0", needs=NEEDS)
@contestant("prefetch=8", needs=NEEDS)
@contestant("a slow reader, prefetch=8", needs=NEEDS)
async def read_list(base_url: str, pages: int, prefetch: int, pause: float = 0.0) -> Figures:
    """Read the list and check each id; optionally sleep after each page."""
    import asyncio

    from moregood_async import MoreGoodClient, Request, Response

    requested = read = at_once = wrong = 0

    async def count_requests(request: Request, call_next: Any) -> Response:
        nonlocal requested, at_once
        requested += 1
        at_once = max(at_once, requested - read // ROWS)
        response: Response = await call_next(request)
        return response

    async with MoreGoodClient(
        "test-key", base_url=base_url, middlewares=(count_requests,)
    ) as client:
        with measured(pages) as figures:
            async for customer in client.customers.list(prefetch=prefetch):
                wrong += customer.id != ROWS + read
                read += 1
                if pause and read % ROWS == 0:
                    await asyncio.sleep(pause)
    return figures | {
        "at_once": at_once,
        "wrong": wrong + abs(pages * ROWS - read),
        "peak_mib": peak_mib(),
    }


@contestant("dense", speed=True, needs=NEEDS)
@contestant("sparse", speed=True, needs=NEEDS)
async def long_walk(base_url: str, pages: int, apart: int) -> Figures:
    """Read the list; return the peak memory on the way. Fail if a customer is missing."""
    import attrs

    from moregood_async import MoreGoodClient, Request, Response

    behind_ids = b',"uuid":'
    spaced_ids = str(apart).removeprefix("1").encode() + behind_ids  # the id 1 becomes 1000

    async def space_ids(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        return attrs.evolve(response, body=response.body.replace(behind_ids, spaced_ids))

    milestones = {
        max(ROWS, pages * ROWS // part): f"peak_mib_{100 // part}" for part in (100, 10, 1)
    }
    peaks: Figures = {}
    read = total = 0
    async with MoreGoodClient("test-key", base_url=base_url, middlewares=(space_ids,)) as client:
        with measured(pages) as figures:
            async for customer in client.customers.list(prefetch=AHEAD):
                read += 1
                total += customer.id
                if read in milestones:
                    peaks[milestones[read]] = peak_mib()
    ids = range(ROWS, ROWS * (pages + 1))
    assert total == sum(ids) * apart, "the list had other customers than expected"
    return figures | peaks | {"read": read}


def race(arguments: argparse.Namespace) -> dict[str, list[Figures]]:
    """Measure both prefetch settings in turn, then a slow reader once."""
    settings = {"pages": arguments.pages, "latency": arguments.latency}
    with serving("bare", **settings) as server, Contest(__file__) as contest:
        parameters = {"base_url": server.base_url, "pages": arguments.pages}
        tasks = {
            name: Task(name, parameters | {"prefetch": prefetch})
            for name, prefetch in (("prefetch=0", 0), ("prefetch=8", AHEAD))
        }
        seen = contest.rounds(tasks, arguments.rounds, warm_up=0)
    with serving("bare", pages=arguments.pages) as server, Contest(__file__) as contest:
        parameters = {"base_url": server.base_url, "pages": arguments.pages, "prefetch": AHEAD}
        name = "a slow reader, prefetch=8"
        return seen | {name: [contest.once(Task(name, parameters | {"pause": 0.01}))]}


def walk(arguments: argparse.Namespace) -> dict[str, Figures]:
    """Measure each walk in a new process."""
    with serving("bare", pages=arguments.walk) as server, Contest(__file__, fresh=True) as contest:
        parameters = {"base_url": server.base_url, "pages": arguments.walk}
        return {
            name: contest.once(Task(name, parameters | {"apart": apart}))
            for name, apart in (("dense", 1), ("sparse", 1000))
        }


def prefetch_table(seen: Mapping[str, list[Figures]]) -> str:
    one_by_one = seen["prefetch=0"]
    rows = [
        [
            name,
            spread(column(measured, "seconds")),
            spread(ratios(one_by_one, measured, "seconds")) if len(measured) > 1 else "",
            spread([micros / 1000 for micros in column(measured, "cpu_micros")]),
            f"{max(column(measured, 'at_once')):.0f}",
            f"{max(column(measured, 'peak_mib')):.1f}",
            f"{sum(column(measured, 'wrong')):.0f}",
        ]
        for name, measured in seen.items()
    ]
    titles = ["", "seconds", "times as fast", "CPU a page, ms", "most at once", "MiB", "wrong"]
    return table(titles, rows)


def walk_table(walks: Mapping[str, Figures]) -> str:
    rows = [
        [
            f"{name}, {figures['read']:,.0f} customers",
            *(f"{figures[f'peak_mib_{percent}']:.1f}" for percent in (1, 10, 100)),
            f"{figures['peak_mib_100'] - figures['peak_mib_1']:+.1f}",
            f"{figures['seconds']:.0f}",
            f"{figures['cpu_micros'] / ROWS:.1f}",
        ]
        for name, figures in walks.items()
    ]
    titles = ["ids", "peak, MiB, after 1 %", "10 %", "all", "more", "seconds", "CPU a customer, µs"]
    return table(titles, rows)


def main() -> None:
    parser = options(__doc__, rounds=3)
    parser.add_argument(
        "--pages",
        type=int,
        default=200,
        help="pages of the list that is read with and without prefetch",
    )
    parser.add_argument(
        "--latency", type=float, default=0.05, help="seconds until a page's response"
    )
    parser.add_argument("--walk", type=int, default=10_000, help="pages of the long walk")
    arguments = parser.parse_args()
    seen, walks = race(arguments), walk(arguments)
    tables = "\n\n".join([prefetch_table(seen), walk_table(walks)])
    report(
        arguments, "pages", tables, {"race": seen, "walk": walks}, ["aiohttp", "orjson", "uvloop"]
    )


if __name__ == "__main__":
    main()
