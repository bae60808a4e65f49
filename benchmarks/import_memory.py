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
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def peak_mib(file: Path, base_url: str, more: list[str]) -> tuple[float, float, dict[str, object]]:
    """Imports a file in a process; gives its peak in MiB, its seconds and its summary."""
    command = [*_CLI, "import", str(file), "--json", "--rejects", os.devnull, *more]
    env = os.environ | {"MOREGOOD_API_KEY": "test-key", "MOREGOOD_BASE_URL": base_url}
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0  # it was waited for here
        out.seek(0)
        summary: dict[str, object] = json.load(out)
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return usage.ru_maxrss / unit, time.monotonic() - began, summary


def measure(files: list[Path], more: list[str]) -> list[float]:
    """The peaks of these files, one after the other into a sandbox each."""
    peaks: list[float] = []
    for file in files:
        sandbox = subprocess.Popen(
            [*_CLI, "sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        try:
            assert sandbox.stdout
            base_url = sandbox.stdout.readline().split()[-1]
            peak, seconds, told = peak_mib(file, base_url, more)
        finally:
            sandbox.terminate()
            sandbox.communicate()
        rate = int(str(told["rows"])) / seconds
        print(
            f"{file.name}: {told['rows']} rows, {told['done']} done, "
            f"{seconds:.1f} s ({rate:,.0f} rows/s), peak {peak:.1f} MiB"
        )
        peaks.append(peak)
    return peaks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="a short and a long file")
    parser.add_argument("--ask", help="ask each customer too")
    told = parser.parse_args()
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.platform()}")
    with tempfile.TemporaryDirectory() as folder:
        files = told.files or [
            made_up(Path(folder, f"made-up-{rows}.csv"), rows) for rows in (100, 10_000)
        ]
        peaks = measure(files, ["--ask", told.ask] if told.ask else [])
    difference = peaks[-1] - peaks[0]
    print(f"difference: {difference:.1f} MiB (at most {BOUND_MIB})")
    sys.exit(difference > BOUND_MIB)


if __name__ == "__main__":
    main()
