"""Peak memory of ``moregood import``: a long file against a short one, into a sandbox.

::

    python benchmarks/import_memory.py [SHORT.csv LONG.csv] [--ask email]

The sandbox and each import run in their own processes. The peak is the kernel's figure for the
import (``ru_maxrss`` of the child). The target is a difference of at most 30 MiB.
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


def write_customers(path: Path, rows: int) -> Path:
    """Write a file of made-up customers."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["First Name", "Last Name", "Email", "Phone 1", "Company", "City"])
        for n in range(rows):
            phone = f"+1 {200 + n % 700} 555 01{n % 100:02d}" if n < 70_000 else ""
            writer.writerow(
                [f"Ada{n}", f"Larkmoor{n}", f"ada{n}@example.com", phone, "Larkmoor Books", "Bay"]
            )
    return path


def import_file(file: Path, base_url: str, more: list[str]) -> Figures:
    """Import a file in a new process; return its peak memory, its rows and its rows a second."""
    command = [*_CLI, "import", str(file), "--json", "--rejects", os.devnull, *more]
    env = os.environ | {"MOREGOOD_API_KEY": "test-key", "MOREGOOD_BASE_URL": base_url}
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0  # os.wait4 has reaped it; Popen must not wait again
        out.seek(0)
        summary = json.load(out)
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return {
        "peak_mib": usage.ru_maxrss / unit,
        "rows": summary["rows"],
        "done": summary["done"],
        "per_second": summary["rows"] / (time.monotonic() - began),
    }


def import_into_sandbox(file: Path, more: list[str]) -> Figures:
    """Import a file into a new sandbox."""
    command = [*_CLI, "sandbox", "--port", "0"]
    sandbox = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert sandbox.stdout
        return import_file(file, sandbox.stdout.readline().split()[-1], more)
    finally:
        sandbox.terminate()
        sandbox.communicate()


def main() -> None:
    parser = options(__doc__, rounds=1)
    parser.add_argument("files", nargs="*", type=Path, help="a short and a long file")
    parser.add_argument("--ask", help="ask each customer too")
    arguments = parser.parse_args()
    more = ["--ask", arguments.ask] if arguments.ask else []
    with tempfile.TemporaryDirectory() as folder:
        files = arguments.files or [
            write_customers(Path(folder, f"made-up-{rows}.csv"), rows) for rows in (100, 10_000)
        ]
        seen: dict[str, list[Figures]] = {file.name: [] for file in files}
        for _ in range(arguments.rounds):
            for file in files:
                seen[file.name].append(import_into_sandbox(file, more))
    difference = report_difference(arguments, seen)
    sys.exit(difference > BOUND_MIB)


def report_difference(arguments: argparse.Namespace, seen: dict[str, list[Figures]]) -> float:
    """Print the report; return the last file's peak less the first file's, in MiB."""
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
    verdict = f"The difference is {difference:.1f} MiB (at most {BOUND_MIB})."
    report(arguments, "import_memory", f"{table(titles, rows)}\n\n{verdict}", seen, ["aiohttp"])
    return difference


if __name__ == "__main__":
    main()
