"""``kill -9`` at random moments, in a real process against a real socket, resumed until done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bulk.killing import run_until_done
from tests.depth import scaled

CHARGES = ("--charge", "Total", "--currency", "USD")
RUNS = 10
KILLS_EACH = 24
"""At most: a run that is done before is not killed any more."""
FEWEST_KILLS_EACH = 20


def test_a_killed_import_asks_and_charges_everybody_once(tmp_path: Path) -> None:
    """However it is killed and resumed, the server's audit is as if nothing had happened."""
    run, _ = run_until_done(tmp_path, seed=11, people=150, kills=scaled(6), options=CHARGES)
    assert run.tally.kills >= scaled(4)


@pytest.mark.killtest
@pytest.mark.parametrize("number", range(RUNS))
def test_runs_of_five_hundred_survive_twenty_kills_each(tmp_path: Path, number: int) -> None:
    """The same at length, ten times; prints a line a run."""
    options = CHARGES if number % 2 else ()
    run, audit = run_until_done(
        tmp_path, seed=1_000 + number, people=500, kills=KILLS_EACH, options=options
    )
    print(  # noqa: T201 - a line a run, for whoever started it
        f"\nrun {number}: {run.tally.kills} kills, {run.tally.resumes} resumes, "
        f"{run.tally.retries} retries, {run.tally.seconds:.0f} s; {audit.customers} customers, "
        f"{audit.asks} asks ({len(audit.duplicate_asks)} twice), {audit.charges} charges "
        f"({len(audit.duplicate_charges)} twice)",
        flush=True,
    )
    assert run.tally.kills >= FEWEST_KILLS_EACH
