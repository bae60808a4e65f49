"""As fast as the server allows, and no faster: ours and others against five servers with limits.

::

    python benchmarks/pace.py [--rounds 3] [--servers window bucket] [--contestants ours]

Each contestant upserts the same rows, 32 in flight, against a server of its own with 50 ms of
latency. They mostly wait, so all contestants of a server run at the same time, and a few servers'
contests beside each other. The share is the ideal time over the measured one, from the first send
to the last success; the ideal is never idle and never refused. What was refused, lost and doubled
the servers have counted.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

from _harness import (
    Contest,
    Figures,
    Task,
    column,
    contestant,
    installed,
    options,
    report,
    serving,
    spread,
    table,
)
from _rivals import IN_FLIGHT, race, row, succeeded

LATENCY = 0.05
PACKAGES = ("aiohttp", "tenacity", "botocore", "openai", "aiolimiter", "uvloop")


@contestant("ours", needs=("moregood_async.transport",))
async def ours(base_url: str, posts: int, at_most_seconds: float, **_: object) -> Figures:
    """Nothing is configured, and nothing is known beforehand."""
    from moregood_async import MoreGoodClient

    async with (
        MoreGoodClient("test-key", base_url=base_url, max_concurrency=IN_FLIGHT) as client,
        race(posts, at_most_seconds) as figures,
    ):
        async for result in client.customers.upsert_many(map(row, range(posts))):
            if result.error is None:
                succeeded(figures)
            else:
                print(f"row {result.index}: {result.error}", file=sys.stderr)
    return figures


CONTESTANTS = [
    "ours",
    "tenacity, with jitter",
    "botocore, standard",
    "botocore, adaptive",
    "openai's client",
    "aiolimiter, as stated",
    "aiolimiter, evenly",
]


@dataclass(frozen=True)
class Limited:
    """A server with a limit, and what is sent to it."""

    title: str
    kind: str
    settings: dict[str, Any]
    posts: int
    known: tuple[float, float]
    """Requests in seconds, as one would tell a limiter."""
    seconds: Callable[[float], float]
    """The shortest time in which so many requests are let in."""

    def share(self, figures: Figures) -> float:
        return (self.seconds(figures["done"]) + LATENCY) / figures["seconds"]


def window(limit: int, period: float, posts: int) -> Limited:
    def seconds(done: float) -> float:
        return max(0, math.ceil(done / limit) - 1) * period

    title = f"window, {limit} per {period:g} s"
    settings = {"limit": limit, "period": period}
    return Limited(title, "window", settings, posts, (limit, period), seconds)


def bucket(rate: float, burst: int, posts: int, also: str = "", **more: Any) -> Limited:
    halves_after = more.get("halves_after", math.inf)

    def seconds(done: float) -> float:
        tokens = max(0.0, done - burst)
        slow = max(0.0, tokens - rate * halves_after)
        return (tokens - slow) / rate + slow / (rate / 2)

    title = f"bucket, {rate:g}/s, burst {burst}{also}"
    settings = {"rate": rate, "burst": burst, **more}
    return Limited(title, "bucket", settings, posts, (burst, burst / rate), seconds)


def servers(scale: float) -> dict[str, Limited]:
    """The five; ``scale`` makes everything shorter for a try."""
    two_thousand, six_hundred = round(2000 * scale), round(600 * scale)
    halves_after = 10.0 * scale
    return {
        "window": window(200, 2.0, two_thousand),
        "bucket": bucket(100.0, 20, two_thousand),
        "window-6s": window(60, 6.0, six_hundred),
        "silent": bucket(20.0, 5, six_hundred, ", silent", headers=False),
        "halving": bucket(100.0, 20, round(1500 * scale), ", halving", halves_after=halves_after),
    }


TARGETS = {
    "window": (0.97, 1.0),
    "bucket": (0.97, 1.0),
    "window-6s": (0.95, 100.0),
    "silent": (0.90, 5.0),
}
"""Of ours: the least share, and the most percent refused. Nothing may be lost anywhere."""

LANES = [["window", "bucket", "halving"], ["window-6s"], ["silent"]]
"""Contests of a lane come one after the other, lanes run side by side: these are slow enough."""

Seen = dict[str, dict[str, list[Figures]]]


def contend(contest: Contest, limited: Limited, names: list[str], longest: float) -> dict[str, Any]:
    """One round: each contestant has a server of its own, and all begin at once."""
    with ExitStack() as stack:
        own = {
            name: stack.enter_context(serving(limited.kind, **limited.settings, latency=LATENCY))
            for name in names
        }
        tasks = {
            name: Task(
                name,
                {
                    "base_url": server.base_url,
                    "posts": limited.posts,
                    "known": limited.known,
                    "at_most_seconds": limited.seconds(limited.posts) * longest + 1,
                },
            )
            for name, server in own.items()
        }
        measured = contest.together(tasks)
        return {
            name: _counted(limited, measured[name], server.counters())
            for name, server in own.items()
        }


def _counted(limited: Limited, figures: Figures, server: dict[str, float]) -> Figures:
    """What the client measured, and what the server knows."""
    due = figures["done"] if figures["stopped"] else limited.posts
    return figures | {
        "share": limited.share(figures),
        "requests": server["requests"],
        "refused": server["refused"],
        "refused_percent": 100 * server["refused"] / server["requests"],
        "lost": max(0.0, due - server["took_effect"], due - figures["done"]),
        "doubled": server["doubled"],
    }


def run_lane(lane: list[Limited], told: argparse.Namespace, names: list[str]) -> dict[str, Any]:
    """All rounds of a lane's servers, in turn."""
    seen: Seen = {limited.title: {name: [] for name in names} for limited in lane}
    with Contest(__file__) as contest:
        contest.start(names)
        for number in range(told.rounds):
            for limited in lane:
                for name, figures in contend(contest, limited, names, told.longest).items():
                    seen[limited.title][name].append(figures)
                print(f"round {number + 1}: {limited.title}", file=sys.stderr)
    return seen


def run(told: argparse.Namespace) -> Seen:
    """All lanes, side by side."""
    known = servers(told.scale)
    names = [name for name in told.contestants if installed(name)]
    lanes = [[known[key] for key in lane if key in told.servers] for lane in LANES]
    with ThreadPoolExecutor(len(lanes)) as threads:
        parts = threads.map(lambda lane: run_lane(lane, told, names), lanes)
        seen = {title: measured for part in parts for title, measured in part.items()}
    return {known[key].title: seen[known[key].title] for key in told.servers}


def rows(seen: Seen) -> list[list[str]]:
    return [
        [
            title if number == 0 else "",
            name,
            spread(column(measured, "share"), ".3f") + _unfinished(measured),
            f"{spread(column(measured, 'refused'), ',.0f')}",
            spread(column(measured, "refused_percent"), ".1f"),
            f"{sum(column(measured, 'lost')):.0f}",
            f"{sum(column(measured, 'doubled')):.0f}",
            spread(column(measured, "cpu_micros"), ",.0f"),
        ]
        for title, contestants in seen.items()
        for number, (name, measured) in enumerate(contestants.items())
    ]


def _unfinished(measured: list[Figures]) -> str:
    return " \\*" if any(column(measured, "stopped")) else ""


def notes(seen: Seen, longest: float) -> list[str]:
    """What the star means, and whether ours keeps its targets, by its medians."""
    stopped = any(_unfinished(measured) for each in seen.values() for measured in each.values())
    star = f"\\* stopped at {longest:g} ideal times: the share is of what was done by then."
    return [*([star, ""] if stopped else []), *verdicts(seen)]


def verdicts(seen: Seen) -> list[str]:
    titles = {key: limited.title for key, limited in servers(1.0).items()}
    return [
        f"{titles[key]}: ours is to have a share of {share} and at most {percent:g} % refused: "
        + ("kept" if _kept(seen[titles[key]]["ours"], share, percent) else "MISSED")
        for key, (share, percent) in TARGETS.items()
        if "ours" in seen.get(titles[key], {})
    ]


def _kept(measured: list[Figures], share: float, percent: float) -> bool:
    return (
        median(column(measured, "share")) >= share
        and median(column(measured, "refused_percent")) <= percent
        and not any(column(measured, "lost"))
    )


def main() -> None:
    parser = options(__doc__, rounds=3)
    five = list(servers(1.0))
    parser.add_argument("--servers", nargs="+", choices=five, default=five)
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=CONTESTANTS)
    parser.add_argument("--scale", type=float, default=1.0, help="0.2: a fifth of the requests")
    parser.add_argument("--longest", type=float, default=2.5, help="stops at so many ideal times")
    told = parser.parse_args()
    seen = run(told)
    titles = ["server", "", "share", "refused", "% of sent", "lost", "doubled", "CPU a call, µs"]
    tables = "\n".join([table(titles, rows(seen)), "", *notes(seen, told.longest)])
    report(told, "pace", tables, seen, PACKAGES)


if __name__ == "__main__":
    main()
