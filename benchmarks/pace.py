"""Pacing: ours and other libraries against five servers with limits.

::

    python benchmarks/pace.py [--rounds 3] [--servers window bucket] [--contestants ours]

Each contestant upserts the same rows, 32 in flight, against its own server with 50 ms of latency.
Contestants mostly wait, so all contestants of a server run at the same time, and some servers run
side by side. The share is the ideal time divided by the measured one, from the first request to
the last success. The ideal client is never idle and never throttled. The servers count the
throttled, lost and doubled requests.
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
    is_installed,
    options,
    report,
    serving,
    spread,
    table,
)
from _rivals import IN_FLIGHT, count_success, race, row

LATENCY = 0.05
PACKAGES = ("aiohttp", "tenacity", "botocore", "openai", "aiolimiter", "uvloop")


@contestant("ours", needs=("moregood_async.transport",))
async def ours(base_url: str, posts: int, at_most_seconds: float, **_: object) -> Figures:
    """Upsert all rows with the default settings; the limit is not known beforehand."""
    from moregood_async import MoreGoodClient

    async with (
        MoreGoodClient("test-key", base_url=base_url, max_concurrency=IN_FLIGHT) as client,
        race(posts, at_most_seconds) as figures,
    ):
        async for result in client.customers.upsert_many(map(row, range(posts))):
            if result.error is None:
                count_success(figures)
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
    """A server with a limit, and the number of requests that each contestant sends to it."""

    title: str
    kind: str
    settings: dict[str, Any]
    posts: int
    known: tuple[float, float]
    """The limit as a limiter takes it: requests, and the seconds they are for."""
    seconds: Callable[[float], float]
    """Return the shortest time in which the server accepts this number of requests."""

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
    """Return the five servers; a ``scale`` below 1 shortens everything for a trial run."""
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
"""For ours: the minimum share, and the maximum percent throttled. No request may be lost."""

CONCURRENT = [["window", "bucket", "halving"], ["window-6s"], ["silent"]]
"""Groups of servers. The groups run side by side, the servers of a group one after the other.

The servers of the last two groups are so slow that they hardly disturb the first group.
"""

Seen = dict[str, dict[str, list[Figures]]]


def run_round(
    contest: Contest, limited: Limited, names: list[str], longest: float
) -> dict[str, Any]:
    """Run one round: each contestant has its own server, and all start at once."""
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
            name: _combine(limited, measured[name], server.counters())
            for name, server in own.items()
        }


def _combine(limited: Limited, figures: Figures, server: dict[str, float]) -> Figures:
    """Return the client's figures with those that the server counted."""
    due = figures["done"] if figures["stopped"] else limited.posts
    return figures | {
        "share": limited.share(figures),
        "requests": server["requests"],
        "throttled": server["throttled"],
        "throttled_percent": 100 * server["throttled"] / server["requests"],
        "lost": max(0.0, due - server["took_effect"], due - figures["done"]),
        "doubled": server["doubled"],
    }


def run_group(
    group: list[Limited], arguments: argparse.Namespace, names: list[str]
) -> dict[str, Any]:
    """Run all rounds of a group's servers, one after the other."""
    seen: Seen = {limited.title: {name: [] for name in names} for limited in group}
    with Contest(__file__) as contest:
        contest.start(names)
        for number in range(arguments.rounds):
            for limited in group:
                figures_by_name = run_round(contest, limited, names, arguments.longest)
                for name, figures in figures_by_name.items():
                    seen[limited.title][name].append(figures)
                print(f"round {number + 1}: {limited.title}", file=sys.stderr)
    return seen


def run(arguments: argparse.Namespace) -> Seen:
    """Run all groups side by side."""
    known = servers(arguments.scale)
    names = [name for name in arguments.contestants if is_installed(name)]
    groups = [[known[key] for key in group if key in arguments.servers] for group in CONCURRENT]
    with ThreadPoolExecutor(len(groups)) as threads:
        parts = threads.map(lambda group: run_group(group, arguments, names), groups)
        seen = {title: measured for part in parts for title, measured in part.items()}
    return {known[key].title: seen[known[key].title] for key in arguments.servers}


def rows(seen: Seen) -> list[list[str]]:
    return [
        [
            title if number == 0 else "",
            name,
            spread(column(measured, "share"), ".3f") + _unfinished(measured),
            f"{spread(column(measured, 'throttled'), ',.0f')}",
            spread(column(measured, "throttled_percent"), ".1f"),
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
    """Return the meaning of the star, and the verdicts on our targets, by the medians."""
    stopped = any(_unfinished(measured) for each in seen.values() for measured in each.values())
    star = f"\\* stopped at {longest:g} ideal times: the share covers the calls done by then."
    return [*([star, ""] if stopped else []), *verdicts(seen)]


def verdicts(seen: Seen) -> list[str]:
    titles = {key: limited.title for key, limited in servers(1.0).items()}
    return [
        f"{titles[key]}: target share {share}, at most {percent:g} % throttled: "
        + ("kept" if _is_kept(seen[titles[key]]["ours"], share, percent) else "MISSED")
        for key, (share, percent) in TARGETS.items()
        if "ours" in seen.get(titles[key], {})
    ]


def _is_kept(measured: list[Figures], share: float, percent: float) -> bool:
    return (
        median(column(measured, "share")) >= share
        and median(column(measured, "throttled_percent")) <= percent
        and not any(column(measured, "lost"))
    )


def main() -> None:
    parser = options(__doc__, rounds=3)
    five = list(servers(1.0))
    parser.add_argument("--servers", nargs="+", choices=five, default=five)
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=CONTESTANTS)
    parser.add_argument(
        "--scale", type=float, default=1.0, help="0.2 sends a fifth of the requests"
    )
    parser.add_argument(
        "--longest", type=float, default=2.5, help="stop after this multiple of the ideal time"
    )
    arguments = parser.parse_args()
    seen = run(arguments)
    titles = ["server", "", "share", "throttled", "% of sent", "lost", "doubled", "CPU a call, µs"]
    tables = "\n".join([table(titles, rows(seen)), "", *notes(seen, arguments.longest)])
    report(arguments, "pace", tables, seen, PACKAGES)


if __name__ == "__main__":
    main()
