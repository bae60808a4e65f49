"""Peak memory of ``moregood import``: a long file against a short one, into a sandbox.

::

    python benchmarks/import_memory.py [SHORT.csv LONG.csv] [--ask email]

The sandbox runs in a process of its own. Each import is a process too, whose peak is what the
kernel counted for it (``ru_maxrss`` of the child). The bound of the package is 30 MiB.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _harness import Figures, column, options, report, spread, table

BOUND_MIB = 30
_CLI = [sys.executable, "-m", "moregood_async.cli"]


def made_up(path: Path, rows: int) -> Path:
    """A file of so many made-up customers."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["First Name", "Last Name", "Email", "Phone 1", "Company", "City"])
        for n in range(rows):
            phone = f"+1 {200 + n % 700} 555 01{n % 100:02d}" if n < 70_000 else ""
            writer.writerow(
                [f"Ada{n}", f"Larkmoor{n}", f"ada{n}@example.com", phone, "Larkmoor Books", "Bay"]
            )
    return path


def imported(file: Path, base_url: str, more: list[str]) -> Figures:
    """Imports a file in a process; gives its peak, its rows and how many of them a second."""
    command = [*_CLI, "import", str(file), "--json", "--rejects", os.devnull, *more]
    env = os.environ | {"MOREGOOD_API_KEY": "test-key", "MOREGOOD_BASE_URL": base_url}
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0  # it was waited for here
        out.seek(0)
        told = json.load(out)
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return {
        "peak_mib": usage.ru_maxrss / unit,
        "rows": told["rows"],
        "done": told["done"],
        "per_second": told["rows"] / (time.monotonic() - began),
    }


def into_a_sandbox(file: Path, more: list[str]) -> Figures:
    """Imports a file into a sandbox of its own."""
    command = [*_CLI, "sandbox", "--port", "0"]
    sandbox = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert sandbox.stdout
        return imported(file, sandbox.stdout.readline().split()[-1], more)
    finally:
        sandbox.terminate()
        sandbox.communicate()


def main() -> None:
    parser = options(__doc__, rounds=1)
    parser.add_argument("files", nargs="*", type=Path, help="a short and a long file")
    parser.add_argument("--ask", help="ask each customer too")
    told = parser.parse_args()
    more = ["--ask", told.ask] if told.ask else []
    with tempfile.TemporaryDirectory() as folder:
        files = told.files or [
            made_up(Path(folder, f"made-up-{rows}.csv"), rows) for rows in (100, 10_000)
        ]
        seen: dict[str, list[Figures]] = {file.name: [] for file in files}
        for _ in range(told.rounds):
            for file in files:
                seen[file.name].append(into_a_sandbox(file, more))
    difference = tell(told, seen)
    sys.exit(difference > BOUND_MIB)


def tell(told: argparse.Namespace, seen: dict[str, list[Figures]]) -> float:
    """Prints it all; gives the difference between the last file's peak and the first one's."""
    rows = [
        [
            name,
            f"{measured[0]['rows']:,}",
            f"{measured[0]['done']:,}",
            spread(column(measured, "per_second"), ",.0f"),
            spread(column(measured, "peak_mib"), ".1f"),
        ]
        for name, measured in seen.items()
    ]
    peaks = [statistics.median(column(measured, "peak_mib")) for measured in seen.values()]
    difference = peaks[-1] - peaks[0]
    titles = ["file", "rows", "done", "rows a second", "peak, MiB"]
    said = f"The difference is {difference:.1f} MiB (at most {BOUND_MIB})."
    report(told, "import_memory", f"{table(titles, rows)}\n\n{said}", seen, ["aiohttp"])
    return difference


if __name__ == "__main__":
    main()
