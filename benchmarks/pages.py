"""Long lists: pages fetched ahead against one by one, and the memory of a walk over a million rows.

::

    python benchmarks/pages.py [--rounds 3] [--pages 200] [--latency 0.05] [--walk 10000]

Ahead: the same list, of ``--pages`` pages of 100 customers, each answered after ``--latency``
seconds, is walked with ``prefetch=0`` and with ``prefetch=8``, in turn. How many times as fast is
the ratio of a round's pair. "Most at once" is the most pages that had been asked for and not yet
wholly read, the one that is being read among them: that is n + 1 with ``prefetch=n``, and no more
for a reader who is slower than the server. "Wrong" counts the customers whose id was not the one
that belongs in their place, and those that did not come.

The walk: ``--walk`` pages of 100 customers from a server that answers at once, with
``prefetch=8``, each walk by a new process. Its peak of memory after 1 %, 10 % and all of the walk
says what a walk keeps: which ids it has given, so that no row comes twice. "Dense" ids follow
each other, as where a project has the numbers to itself; "sparse" ones are 1,000 apart, as where
it shares them with many others. With orjson and uvloop, to save time: they change no memory here.
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
async def walked(base_url: str, pages: int, prefetch: int, pause: float = 0.0) -> Figures:
    """Every customer of the list, compared with the one expected; optionally rests after a page."""
    import asyncio

    from moregood_async import MoreGoodClient, Request, Response

    asked = read = at_once = wrong = 0

    async def counting(request: Request, call_next: Any) -> Response:
        nonlocal asked, at_once
        asked += 1
        at_once = max(at_once, asked - read // ROWS)
        response: Response = await call_next(request)
        return response

    async with MoreGoodClient("test-key", base_url=base_url, middlewares=(counting,)) as client:
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
    """The peak of memory on the way, and whether every customer came."""
    import attrs

    from moregood_async import MoreGoodClient, Request, Response

    behind_ids = b',"uuid":'
    spaced_ids = str(apart).removeprefix("1").encode() + behind_ids  # 1 becomes 1000

    async def spaced(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        return attrs.evolve(response, body=response.body.replace(behind_ids, spaced_ids))

    marks = {max(ROWS, pages * ROWS // part): f"peak_mib_{100 // part}" for part in (100, 10, 1)}
    peaks: Figures = {}
    read = total = 0
    async with MoreGoodClient("test-key", base_url=base_url, middlewares=(spaced,)) as client:
        with measured(pages) as figures:
            async for customer in client.customers.list(prefetch=AHEAD):
                read += 1
                total += customer.id
                if read in marks:
                    peaks[marks[read]] = peak_mib()
    ids = range(ROWS, ROWS * (pages + 1))
    assert total == sum(ids) * apart, "other customers came than were expected"
    return figures | peaks | {"read": read}


def race(told: argparse.Namespace) -> dict[str, list[Figures]]:
    """One by one and ahead in turn; then a slow reader once."""
    settings = {"pages": told.pages, "latency": told.latency}
    with serving("bare", **settings) as server, Contest(__file__) as contest:
        given = {"base_url": server.base_url, "pages": told.pages}
        tasks = {
            name: Task(name, given | {"prefetch": prefetch})
            for name, prefetch in (("prefetch=0", 0), ("prefetch=8", AHEAD))
        }
        seen = contest.rounds(tasks, told.rounds, warm_up=0)
    with serving("bare", pages=told.pages) as server, Contest(__file__) as contest:
        slowly = {"base_url": server.base_url, "pages": told.pages, "prefetch": AHEAD}
        name = "a slow reader, prefetch=8"
        return seen | {name: [contest.once(Task(name, slowly | {"pause": 0.01}))]}


def walk(told: argparse.Namespace) -> dict[str, Figures]:
    """A new process for each walk."""
    with serving("bare", pages=told.walk) as server, Contest(__file__, fresh=True) as contest:
        given = {"base_url": server.base_url, "pages": told.walk}
        return {
            name: contest.once(Task(name, given | {"apart": apart}))
            for name, apart in (("dense", 1), ("sparse", 1000))
        }


def raced(seen: Mapping[str, list[Figures]]) -> str:
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


def long_walks(walks: Mapping[str, Figures]) -> str:
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
    parser.add_argument("--pages", type=int, default=200, help="of the list that is raced over")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds for a page")
    parser.add_argument("--walk", type=int, default=10_000, help="pages of the long walk")
    told = parser.parse_args()
    seen, walks = race(told), walk(told)
    tables = "\n\n".join([raced(seen), long_walks(walks)])
    report(told, "pages", tables, {"race": seen, "walk": walks}, ["aiohttp", "orjson", "uvloop"])


if __name__ == "__main__":
    main()
