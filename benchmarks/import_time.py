"""How long `import moregood_async` takes, beside the import of what it is built on.

A new interpreter for each round, the contestants in turn, medians and ratios. The client makes
aiohttp's import its own only when it is made, so that is measured too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

CONTESTANTS = {
    "nothing": "pass",
    "built on": "import aiohttp, attrs, cattrs, tenacity",
    "package": "import moregood_async",
    "package and a client": "from moregood_async import MoreGoodClient; MoreGoodClient('key')",
}


def once(code: str) -> tuple[float, float]:
    """Wall and CPU milliseconds of one interpreter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-c", code], check=True)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall * 1000, cpu * 1000


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Medians of all contestants, less an empty interpreter's, after one round of warming up."""
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in CONTESTANTS}
    for number in range(rounds + 1):
        for name, code in CONTESTANTS.items():
            figures = once(code)
            if number:
                seen[name].append(figures)
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)]
        for name, rows in seen.items()
    }
    empty = medians.pop("nothing")
    return {
        name: {"wall_ms": wall - empty[0], "cpu_ms": cpu - empty[1]}
        for name, (wall, cpu) in medians.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    results = measure(told.rounds)
    base = results["built on"]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    for name, row in results.items():
        print(
            f"{name:>22}: {row['wall_ms']:7.1f} ms wall, {row['cpu_ms']:7.1f} ms CPU, "
            f"{row['wall_ms'] / base['wall_ms']:.2f} and {row['cpu_ms'] / base['cpu_ms']:.2f} "
            "times what it is built on"
        )
    if told.json:
        told.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
