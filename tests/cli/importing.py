"""Helpers of the tests of importing commands: customers, files and summaries."""

import csv
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import Result

ADA = "Ada,ada@example.com,+1 415 555 0100"
BOB = "Bob,bob@example.com,"
CY = "Cy,,+1 415 555 0101"
NOBODY = ",nobody@example.com,"

PEOPLE = ("ada", "Ada", "Bob", "example.com", "example.org", "555 01", "no-address", "test-key")
"""Names and contacts, or parts of them, and a key: no output may show any of them."""

DIGEST = re.compile("[0-9a-f]{16,}")

Customers = Callable[..., Path]
Run = Callable[..., Result]


def people_in(output: str) -> list[str]:
    """Return the names and contacts that an output shows.

    Digests are removed first: one digest in a few hundred contains the letters "ada".
    """
    text = DIGEST.sub("", output)
    return [person for person in PEOPLE if person in text]


def many(count: int) -> list[str]:
    """Return `count` CSV lines, each of a different customer."""
    return [f"Ada,ada{number}@example.com," for number in range(count)]


def wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Return once a condition holds.

    Raises:
        TimeoutError: The condition does not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the condition did not hold in time")
        time.sleep(0.02)


def rows_of(path: str | Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def summary(text: str) -> dict[str, Any]:
    """Return the JSON summary, which is the only line of an output."""
    assert text.count("\n") == 1, text
    values: dict[str, Any] = json.loads(text)
    return values


def files_in(folder: Path) -> list[str]:
    """Return the names of the files in a folder, without a journal's lock and counter."""
    suffixes = ("-lock", "-count")
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(suffixes))
