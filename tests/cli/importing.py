"""What the tests of importing commands have in common: people, files, and what was said."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import Result

ADA = "Ada,ada@example.com,+1 415 555 0100"
BOB = "Bob,bob@example.com,"
CY = "Cy,,+1 415 555 0101"
NOBODY = ",nobody@example.com,"

PEOPLE = ("ada", "Ada", "Bob", "example.com", "example.org", "555 01", "no-address", "test-key")
"""Names and contacts that no screen may show."""

DIGEST = re.compile("[0-9a-f]{16,}")

Customers = Callable[..., Path]
Run = Callable[..., Result]


def people_in(output: str) -> list[str]:
    """Return the names and contacts that an output shows.

    Digests are left out: one plan in a few hundred has the letters "ada" in its digest.
    """
    text = DIGEST.sub("", output)
    return [person for person in PEOPLE if person in text]


def many(count: int) -> list[str]:
    """So many customers, each a person of their own."""
    return [f"Ada,ada{number}@example.com," for number in range(count)]


def rows_of(path: str | Path) -> list[dict[str, str]]:
    """The rows of a CSV."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def summary(text: str) -> dict[str, Any]:
    """The one line for machines."""
    assert text.count("\n") == 1, text
    found: dict[str, Any] = json.loads(text)
    return found


def files_in(folder: Path) -> list[str]:
    """The names of the files in a folder, without the small ones that guard a journal."""
    guards = ("-lock", "-count")
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(guards))
