"""A crash at every statement of the journal and at every request, by fault injection."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moregood_async.bulk.journal.states import State
from moregood_async.bulk.run import actions
from moregood_async.sandbox import DropAfterEffect, DropBeforeEffect, Fault, Refuse, Sandbox
from tests.bulk.crashing import BY_EMAIL, KEY, MOVES, PAYING, SKIPPED, CrashPoint, lives
from tests.depth import STRIDE, scaled

ROWS: list[dict[str, Any]] = [
    {"first_name": "Ada", "email": "ada@example.com", "Total": "10.00"},
    {"first_name": "Bob", "email": "bob@example.com", "Total": "20.00"},
    {"first_name": "Ada", "email": " ADA@example.com", "Total": "30.00"},
    {"first_name": "Cy", "email": "cy@example.com", "phone": "+14155550101", "Total": ""},
    {"first_name": "Di", "phone": "+14155550102", "Total": "40.00"},
    {"first_name": "", "email": "ed@example.com"},
]
OUTCOMES = ["done", "done", "done", "done", "done", "rejected"]
PEOPLE, ASKS, CHARGES = 4, 3, 4

Kind = Literal["statement", "request"]
Side = Literal["before", "after"]


async def crashed(
    folder: Path, *points: CrashPoint, faults: tuple[Fault, ...] = (), hours_behind: float = 0
) -> int:
    """Lives through these crashes, checks the server, and gives how many there were."""
    now = datetime.now(UTC) - timedelta(hours=hours_behind)
    with Sandbox(keys=KEY, now=now) as sandbox:
        sandbox.faults = faults
        report, outcomes, deaths = await lives(
            folder, sandbox, ROWS, points, charge=PAYING, ask=BY_EMAIL
        )
        audit = sandbox.audit()
    assert audit.duplicate_asks == ()
    assert audit.duplicate_charges == ()
    assert (audit.customers, audit.asks, audit.charges) == (PEOPLE, ASKS, CHARGES)
    assert outcomes == OUTCOMES
    assert (report.people_asked, report.charges, report.duplicates) == (ASKS, CHARGES, 1)
    assert report.is_over
    return deaths


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("kind", ["statement", "request"])
async def test_a_crash_anywhere_asks_and_charges_everybody_once(
    tmp_path: Path, kind: Kind, side: Side
) -> None:
    """Each statement and each request in turn is the last thing that a process does."""
    deaths = 0
    for number in count(1, STRIDE):
        folder = tmp_path / str(number)
        folder.mkdir()
        if not await crashed(folder, CrashPoint(kind, side, number)):
            break
        deaths += 1
    assert deaths * STRIDE > 10


@pytest.mark.parametrize("first", [4, 8, 11])
@pytest.mark.parametrize("side", ["before", "after"])
async def test_a_crash_while_a_crash_is_mended_does_no_harm(
    tmp_path: Path, side: Side, first: int
) -> None:
    """After a death among the asks, each request of the resumed run is the last of it in turn."""
    for number in count(1, STRIDE):
        folder = tmp_path / str(number)
        folder.mkdir()
        points = CrashPoint("request", "after", first), CrashPoint("request", side, number)
        if await crashed(folder, *points) < 2:
            break


@pytest.mark.parametrize("hours_behind", [-3, 3])
async def test_a_client_whose_clock_is_wrong_asks_and_charges_everybody_once(
    tmp_path: Path, hours_behind: float
) -> None:
    """What became of an ask is told by the server's clock, whatever this machine's shows."""
    for number in range(5, 15, STRIDE):
        folder = tmp_path / str(number)
        folder.mkdir()
        await crashed(folder, CrashPoint("request", "after", number), hours_behind=hours_behind)


POINTS = st.builds(
    CrashPoint,
    st.sampled_from(["statement", "request"]),
    st.sampled_from(["before", "after"]),
    st.integers(1, 60),
)
WRITES = ("asks.create", "charges.create")
FAULTS = st.sampled_from(
    [
        (),
        (DropAfterEffect(probability=0.4, on=WRITES),),
        (DropBeforeEffect(probability=0.3, on=WRITES),),
        (DropAfterEffect(probability=0.3, on=WRITES), Refuse(500, probability=0.2, on=WRITES)),
    ]
)


@settings(
    max_examples=scaled(40),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
@given(points=st.lists(POINTS, max_size=6), faults=FAULTS)
def test_any_crashes_among_any_faults_ask_and_charge_everybody_once(
    points: list[CrashPoint], faults: tuple[Fault, ...]
) -> None:
    """Lost answers, refusals and deaths in any order end in the same audit."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(actions, "DELAYS_SECONDS", (0.0, 0.0, 0.0))
        patch.setattr(actions, "MAX_ATTEMPTS", 50)
        asyncio.run(crashed(Path(folder), *points, faults=faults))


def test_no_move_passes_over_a_promise() -> None:
    """From ready, a charge or an ask is seen as intended before it is seen as anything else."""
    for step in (2, 3):
        ready = {state for at, state in MOVES[step, 0] if at == step}
        harmless = {State.READY, State.INTENDED, State.FAILED, State.REJECTED, SKIPPED}
        assert ready <= harmless
