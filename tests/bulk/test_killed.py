"""Imports that are killed with SIGKILL at random moments and resumed until they are done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bulk.killing import run_until_done
from tests.depth import scaled

CHARGES = ("--charge", "Total", "--currency", "USD")
RUNS = 10
KILLS_EACH = 24
"""The limit of one import; an import that is done earlier is not killed any more."""
MIN_KILLS_EACH = 20


def test_a_killed_import_asks_and_charges_everybody_once(tmp_path: Path) -> None:
    """The server's audit is the same as without kills."""
    run, _ = run_until_done(tmp_path, seed=11, people=150, kills=scaled(6), options=CHARGES)
    assert run.counts.kills >= scaled(4)


@pytest.mark.killtest
@pytest.mark.parametrize("number", range(RUNS))
def test_an_import_of_500_people_is_exact_after_20_kills(tmp_path: Path, number: int) -> None:
    options = CHARGES if number % 2 else ()
    run, audit = run_until_done(
        tmp_path, seed=1_000 + number, people=500, kills=KILLS_EACH, options=options
    )
    print(  # noqa: T201 - a report for whoever started the test
        f"\nrun {number}: {run.counts.kills} kills, {run.counts.resumes} resumes, "
        f"{run.counts.retries} retries, {run.counts.seconds:.0f} s; {audit.customers} customers, "
        f"{audit.asks} asks ({len(audit.duplicate_asks)} twice), {audit.charges} charges "
        f"({len(audit.duplicate_charges)} twice)",
        flush=True,
    )
    assert run.counts.kills >= MIN_KILLS_EACH
