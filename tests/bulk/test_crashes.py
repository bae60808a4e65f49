"""Jobs that crash at any statement of the journal or any request ask and charge once."""

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
from tests.bulk.crashing import (
    BY_EMAIL,
    CHARGE_TOTAL,
    KEY,
    REACHABLE,
    SKIPPED,
    CrashPoint,
    run_with_crashes,
)
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


async def crash_and_audit(
    folder: Path, *points: CrashPoint, faults: tuple[Fault, ...] = (), hours_behind: float = 0
) -> int:
    """Run a job through crashes, assert its effects at the server; return the number of crashes."""
    now = datetime.now(UTC) - timedelta(hours=hours_behind)
    with Sandbox(keys=KEY, now=now) as sandbox:
        sandbox.faults = faults
        report, outcomes, crashes = await run_with_crashes(
            folder, sandbox, ROWS, points, charge=CHARGE_TOTAL, ask=BY_EMAIL
        )
        audit = sandbox.audit()
    assert audit.duplicate_asks == ()
    assert audit.duplicate_charges == ()
    assert audit.customers == PEOPLE
    assert audit.asks == report.people_asked == ASKS
    assert audit.charges == report.charges == CHARGES
    assert outcomes == OUTCOMES
    assert report.duplicates == 1
    assert report.is_over
    return crashes


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("kind", ["statement", "request"])
async def test_a_crash_anywhere_asks_and_charges_everybody_once(
    tmp_path: Path, kind: Kind, side: Side
) -> None:
    """A process crashes before, or after, its first statement or request, then its second, etc."""
    crashes = 0
    for number in count(1, STRIDE):
        folder = tmp_path / str(number)
        folder.mkdir()
        if not await crash_and_audit(folder, CrashPoint(kind, side, number)):
            break
        crashes += 1
    assert crashes * STRIDE > 10


@pytest.mark.parametrize("first", [4, 8, 11])
@pytest.mark.parametrize("side", ["before", "after"])
async def test_a_crash_of_a_resumed_run_asks_and_charges_everybody_once(
    tmp_path: Path, side: Side, first: int
) -> None:
    """The first process crashes among its asks, the second at each of its requests in turn."""
    for number in count(1, STRIDE):
        folder = tmp_path / str(number)
        folder.mkdir()
        points = CrashPoint("request", "after", first), CrashPoint("request", side, number)
        if await crash_and_audit(folder, *points) < 2:
            break


@pytest.mark.parametrize("hours_behind", [-3, 3])
async def test_a_client_whose_clock_is_wrong_asks_and_charges_everybody_once(
    tmp_path: Path, hours_behind: float
) -> None:
    """Reconciling compares times of the server's clock only."""
    for number in range(5, 15, STRIDE):
        folder = tmp_path / str(number)
        folder.mkdir()
        point = CrashPoint("request", "after", number)
        await crash_and_audit(folder, point, hours_behind=hours_behind)


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
def test_crashes_and_faults_in_any_order_ask_and_charge_everybody_once(
    points: list[CrashPoint], faults: tuple[Fault, ...]
) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(actions, "DELAYS_SECONDS", (0.0, 0.0, 0.0))
        patch.setattr(actions, "MAX_ATTEMPTS", 50)
        asyncio.run(crash_and_audit(Path(folder), *points, faults=faults))


def test_no_allowed_change_of_a_ready_charge_or_ask_skips_intended() -> None:
    """This checks the table by which the tests of this module check the journal."""
    for step in (2, 3):
        states = {state for at, state in REACHABLE[step, 0] if at == step}
        assert states <= {State.READY, State.INTENDED, State.FAILED, State.REJECTED, SKIPPED}
