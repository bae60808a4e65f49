"""The time of `import moregood_async`, against the import of its dependencies.

::

    python benchmarks/import_time.py [--rounds 15]

Each round starts a new interpreter for each contestant in turn. The time of an empty interpreter
is subtracted. aiohttp is imported when a client is made, so that is a contestant too.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time

from _harness import Figures, column, options, ratios, report, spread, table

CONTESTANTS = {
    "nothing": "pass",
    "`import aiohttp, attrs, cattrs, tenacity`": "import aiohttp, attrs, cattrs, tenacity",
    "`import moregood_async`": "import moregood_async",
    "the same, and a client made": (
        "from moregood_async import MoreGoodClient; MoreGoodClient('key')"
    ),
}


def once(code: str) -> Figures:
    """Run an interpreter; return its wall and CPU time in milliseconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-c", code], check=True)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_ms": wall * 1000, "cpu_ms": cpu * 1000}


def measure(rounds: int) -> dict[str, list[Figures]]:
    """Measure all contestants, less the median of an empty interpreter; a first round warms up."""
    seen: dict[str, list[Figures]] = {name: [] for name in CONTESTANTS}
    for number in range(rounds + 1):
        for name, code in CONTESTANTS.items():
            figures = once(code)
            if number:
                seen[name].append(figures)
    empty = seen.pop("nothing")
    less = {key: statistics.median(column(empty, key)) for key in ("wall_ms", "cpu_ms")}
    return {
        name: [{key: figures[key] - less[key] for key in less} for figures in measured]
        for name, measured in seen.items()
    }


def rows(seen: dict[str, list[Figures]]) -> list[list[str]]:
    base = next(iter(seen.values()))
    return [
        [
            name,
            spread(column(measured, "wall_ms"), ".0f"),
            spread(column(measured, "cpu_ms"), ".0f"),
            spread(ratios(measured, base, "wall_ms")),
            spread(ratios(measured, base, "cpu_ms")),
        ]
        for name, measured in seen.items()
    ]


def main() -> None:
    arguments = options(__doc__, rounds=15).parse_args()
    seen = measure(arguments.rounds)
    titles = ["", "wall, ms", "CPU, ms", "ratio of wall", "ratio of CPU"]
    report(
        arguments, "import_time", table(titles, rows(seen)), seen, ["aiohttp", "attrs", "cattrs"]
    )


if __name__ == "__main__":
    main()
