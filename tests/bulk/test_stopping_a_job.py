"""Cancelling, leaving and stopping a job, and signals: what is left resumes to an exact audit."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from moregood_async import Handler, MoreGoodClient, Request, Response
from moregood_async.bulk import job as jobs
from moregood_async.bulk.job import Job
from moregood_async.bulk.journal import files
from moregood_async.bulk.outcomes import RowResult
from moregood_async.bulk.report import Report
from moregood_async.sandbox import Delay, DropAfterEffect, Fault, Faults, Sandbox, Throttle
from tests.bulk.crashing import BETWEEN_LIVES_SECONDS, BY_EMAIL, KEY, PAYING
from tests.bulk.jobs import run_job
from tests.conftest import tasks_left
from tests.depth import STRIDE

PEOPLE = 100
"""More than are at work at once."""
ROWS = [
    {"first_name": f"N{number}", "email": f"n{number}@example.com", "Total": f"{number + 1}.00"}
    for number in range(PEOPLE)
]
LOST = DropAfterEffect(probability=0.2, on=("asks.create", "charges.create"))
SLOW = Delay(0.02)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that loses answers."""
    with Sandbox(keys=KEY, faults=LOST | SLOW) as sandbox:
        yield sandbox


def jobs_threads() -> list[str]:
    """The threads of open journals."""
    return [thread.name for thread in threading.enumerate() if thread.name == "journal"]


async def worked(sandbox: Sandbox, journal: Path, *, leave: int = 0, stop: int = 0) -> Job:
    """Run it, and leave it or stop it when so many events have come."""
    events = 0
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, ROWS, journal=journal, charge=PAYING, ask=BY_EMAIL, reconcile_after=0.0) as job,
        aclosing(job.run()) as run,
    ):
        async for _ in run:
            events += 1
            if events == leave:
                break
            if events == stop:
                job.stop()
    return job


async def exact_in_the_end(sandbox: Sandbox, journal: Path) -> None:
    """Resumed without faults, everybody is asked and charged once, and nothing is left behind."""
    assert tasks_left() == set()
    assert jobs_threads() == []
    gc.collect()
    sandbox.faults = ()
    sandbox.advance(seconds=BETWEEN_LIVES_SECONDS)
    await worked(sandbox, journal)
    audit = sandbox.audit()
    assert (audit.duplicate_asks, audit.duplicate_charges) == ((), ())
    assert (audit.customers, audit.asks, audit.charges) == (PEOPLE, PEOPLE, PEOPLE)


@pytest.mark.parametrize("seed", range(0, 12, STRIDE))
async def test_a_cancelled_job_resumes_to_an_exact_audit(
    sandbox: Sandbox, tmp_path: Path, seed: int
) -> None:
    """Wherever the cancellation strikes: opening, intending, sending, settling, closing."""
    dice = Random(seed)
    for _ in range(3):
        task = asyncio.create_task(worked(sandbox, tmp_path / "j"))
        await asyncio.sleep(dice.choice([0.0, dice.uniform(0.0, 0.02), dice.uniform(0.02, 0.3)]))
        task.cancel()
        for _ in range(seed % 3):  # once more, and again, while it closes
            await asyncio.sleep(dice.uniform(0.0, 0.003))
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        sandbox.advance(seconds=BETWEEN_LIVES_SECONDS)
    await exact_in_the_end(sandbox, tmp_path / "j")


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("what", ["JournalLock", "open_database", "report_of_journal"])
async def test_a_job_that_is_cancelled_while_it_opens_holds_nothing(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, times: int
) -> None:
    """However often it is cancelled: the journal can be opened at once by another."""
    where: Any = jobs if what == "report_of_journal" else files
    at_once = getattr(where, what)

    def slowly(*args: Any) -> Any:
        time.sleep(0.05)
        return at_once(*args)

    with monkeypatch.context() as patch:
        patch.setattr(where, what, slowly)
        task = asyncio.create_task(worked(sandbox, tmp_path / "j"))
        for _ in range(times):
            await asyncio.sleep(0.01)
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await exact_in_the_end(sandbox, tmp_path / "j")


@pytest.mark.parametrize("events", [1, 7, 30, 99])
@pytest.mark.parametrize("how", ["leave", "stop"])
async def test_a_job_that_is_left_or_stopped_resumes_to_an_exact_audit(
    sandbox: Sandbox, tmp_path: Path, how: str, events: int
) -> None:
    """Leaving the loop drops what is under way, stopping finishes it."""
    await worked(sandbox, tmp_path / "j", **{how: events})
    await exact_in_the_end(sandbox, tmp_path / "j")


async def test_a_stopped_job_finishes_what_is_under_way(tmp_path: Path) -> None:
    """Nothing stays intended: what the server has done, the journal knows as done."""
    with Sandbox(keys=KEY, faults=SLOW) as sandbox:
        job = await worked(sandbox, tmp_path / "j", stop=5)
        audit, report = sandbox.audit(), job.report()
    assert (report.people_asked, report.charges) == (audit.asks, audit.charges)
    assert report.unknown == 0
    assert report.done < len(ROWS)
    assert [run.ending for run in report.runs] == ["stopped"]


async def stopped_at_the_limit(
    sandbox: Sandbox, journal: Path, rows: list[dict[str, str]]
) -> tuple[Report, list[RowResult]]:
    """A job that is stopped while its calls wait an hour; the rows that ended meanwhile."""
    ended: list[RowResult] = []
    async with (
        asyncio.timeout(60.0),
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, rows, journal=journal, ask=BY_EMAIL) as job,
        aclosing(job.run()) as run,
    ):
        async for event in run:
            if event.row is not None:
                ended.append(event.row)
            if event.rate_limit_wait > 60.0 and client.pace.waiting:
                job.stop()
    return job.report(), ended


async def all_asked_in_the_end(sandbox: Sandbox, journal: Path) -> None:
    """Once each, resumed without faults."""
    sandbox.faults = ()
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        report = await run_job(client, ROWS, journal, ask=BY_EMAIL)
    audit = sandbox.audit()
    assert (PEOPLE, PEOPLE, ()) == (report.done, audit.asks, audit.duplicate_asks)


async def test_a_stopped_job_does_not_wait_for_the_servers_limit(tmp_path: Path) -> None:
    """What waits for its turn is not sent, and not looked up either by the next run."""
    with Sandbox(keys=KEY, faults=Throttle(PEOPLE + 30, per=3600.0)) as sandbox:
        report, _ = await stopped_at_the_limit(sandbox, tmp_path / "j", ROWS)
        assert 0 < sandbox.audit().asks == report.done == report.people_asked < PEOPLE
        assert (0, 0, ["stopped"]) == (
            report.unknown,
            report.failed,
            [r.ending for r in report.runs],
        )
        await all_asked_in_the_end(sandbox, tmp_path / "j")
        assert 0 == sandbox.audit().requests["customers.messages"]


async def test_a_stopped_job_fails_no_row_that_it_would_have_looked_at(tmp_path: Path) -> None:
    """It waits to be asked as before."""
    with Sandbox(keys=KEY) as sandbox:
        async with MoreGoodClient(KEY, transport=sandbox) as client:
            await run_job(client, ROWS, tmp_path / "j", ask=BY_EMAIL, max_asks=0)
        sandbox.faults = Throttle(9, per=3600.0)
        report, _ = await stopped_at_the_limit(sandbox, tmp_path / "j", ROWS)
        assert (0, PEOPLE) == (report.failed, report.done + report.waiting)
        await all_asked_in_the_end(sandbox, tmp_path / "j")


async def test_a_stopped_job_keeps_why_a_row_is_unknown(tmp_path: Path) -> None:
    """That it was not looked up any more says nothing new."""
    lost = DropAfterEffect(times=1, on="asks.create")
    with Sandbox(keys=KEY, faults=lost | Throttle(3, per=3600.0)) as sandbox:
        report, [row] = await stopped_at_the_limit(sandbox, tmp_path / "j", ROWS[:1])
    told = "saved, but the ask: the sandbox dropped the connection"
    assert (1, "unknown", told) == (report.unknown, row.outcome, row.error)


async def test_a_job_that_was_left_runs_again_while_it_is_open(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """What was under way when it was left is looked up, in the same journal and the same job."""
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(
            client, ROWS, journal=tmp_path / "j", charge=PAYING, ask=BY_EMAIL, reconcile_after=1.0
        ) as job,
    ):
        async with aclosing(job.run()) as run:
            async for _ in run:
                break
        sandbox.faults = ()
        sandbox.advance(seconds=BETWEEN_LIVES_SECONDS)
        async with asyncio.timeout(20):
            async for _ in job.run():
                pass
        assert job.report().is_over
    audit = sandbox.audit()
    assert (audit.asks, audit.duplicate_asks, audit.charges) == (PEOPLE, (), PEOPLE)


# signals


class Shell:
    """The command line in a process of its own, with a sandbox to talk to."""

    def __init__(self, folder: Path, sandbox: Sandbox, base_url: str) -> None:
        self._folder = folder
        self._sandbox = sandbox
        self._base_url = base_url
        lines = "".join(f"N{number},n{number}@example.com\n" for number in range(PEOPLE))
        (folder / "c.csv").write_text(f"First Name,Email\n{lines}", encoding="utf-8")

    def start(self, *args: str) -> subprocess.Popen[str]:
        """A process."""
        return subprocess.Popen(
            [sys.executable, "-m", "moregood_async.cli", *args],
            cwd=self._folder,
            env={**os.environ, "MOREGOOD_API_KEY": KEY, "MOREGOOD_BASE_URL": self._base_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def begin(self, *args: str) -> subprocess.Popen[str]:
        """An import that asks."""
        return self.start("import", "c.csv", "--ask", "email", *args)

    def wait_for(self, operation: str, times: int) -> None:
        """Until so many requests of a kind have come."""
        deadline = time.monotonic() + 30
        while self._sandbox.audit().requests.get(operation, 0) < times:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def goes_on(self) -> dict[str, Any]:
        """Resume to the end; gives the summary."""
        self._sandbox.faults = ()
        self._sandbox.advance(seconds=300)
        process = self.start("resume", "c.csv.journal", "--json")
        told, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        return dict(json.loads(told))


def served(folder: Path, faults: Fault | Faults) -> Iterator[tuple[Shell, Sandbox]]:
    """A shell and its sandbox."""
    with (
        Sandbox(keys=KEY, faults=faults) as sandbox,
        sandbox.serve_in_thread() as server,
    ):
        yield Shell(folder, sandbox, server.base_url), sandbox


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[tuple[Shell, Sandbox]]:
    """Every ask takes its time."""
    yield from served(tmp_path, Delay(0.3, on="asks.create"))


@pytest.fixture
def losing(tmp_path: Path) -> Iterator[tuple[Shell, Sandbox]]:
    """Every ask loses its answer, and its trace cannot be seen."""
    unseen = Delay(30.0, on="customers.messages")
    yield from served(tmp_path, DropAfterEffect(on="asks.create") | unseen)


def exact(sandbox: Sandbox, summary: dict[str, Any]) -> None:
    """Everybody is asked once."""
    audit = sandbox.audit()
    assert (audit.customers, audit.asks, audit.duplicate_asks) == (PEOPLE, PEOPLE, ())
    assert (summary["done"], summary["people_asked"]) == (PEOPLE, PEOPLE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_once_finishes_what_is_under_way(slow: tuple[Shell, Sandbox], number: int) -> None:
    """It says so, ends with 130, and everything that the server did is in the journal as done."""
    shell, sandbox = slow
    process = shell.begin("--concurrency", "8")
    shell.wait_for("asks.create", 8)
    process.send_signal(number)
    told, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert "finishing requests in flight" in told + errors
    assert "Traceback" not in errors
    audit = sandbox.audit()
    assert 0 < audit.asks < PEOPLE
    summary = shell.goes_on()
    exact(sandbox, summary)
    assert sandbox.audit().requests.get("customers.messages", 0) == 0, "nothing was unknown"


class Gate:
    """A fault that holds asks back until it is opened, and counts those that it holds."""

    def __init__(self) -> None:
        self.held = 0
        self._is_open = threading.Event()

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        if request.operation != "asks.create":
            return await call_next(request)
        self.held += 1
        try:
            await asyncio.to_thread(self._is_open.wait)
            return await call_next(request)
        finally:
            self.held -= 1

    def open(self) -> None:
        """Let all asks through, and wait until each has taken effect or was cut off."""
        self._is_open.set()
        while self.held:
            time.sleep(0.005)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_second_signal_stops_at_once_and_the_next_run_asks_nobody_twice(
    slow: tuple[Shell, Sandbox], number: int
) -> None:
    """The exit code is 130, before any response to the asks in flight was received."""
    shell, sandbox = slow
    gate = Gate()
    sandbox.faults = [gate]
    process = shell.begin("--concurrency", "8")
    shell.wait_for("asks.create", 8)
    process.send_signal(number)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    gate.open()
    exact(sandbox, shell.goes_on())


def test_while_rows_wait_to_be_settled_it_stops_at_once(losing: tuple[Shell, Sandbox]) -> None:
    """Waiting is nothing that is under way: Ctrl-C ends it, and a resume settles."""
    shell, sandbox = losing
    process = shell.begin("--reconcile-after", "100", "--concurrency", "64")
    shell.wait_for("asks.create", 60)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
    exact(sandbox, shell.goes_on())


@pytest.mark.parametrize("seed", range(0, 4, STRIDE))
def test_a_signal_within_the_first_second_leaves_what_resumes(
    slow: tuple[Shell, Sandbox], seed: int
) -> None:
    """Before it listens to signals, while it opens the journal, or at the first requests."""
    shell, sandbox = slow
    dice = Random(seed)
    sandbox.faults = ()
    process = shell.begin("--reconcile-after", "1")
    time.sleep(0.25 * seed + dice.uniform(0.0, 0.25))
    process.send_signal(dice.choice([signal.SIGINT, signal.SIGTERM]))
    process.communicate(timeout=30)
    sandbox.advance(seconds=BETWEEN_LIVES_SECONDS)
    again = shell.begin("--reconcile-after", "1")
    _, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    audit = sandbox.audit()
    assert (audit.customers, audit.asks, audit.duplicate_asks) == (PEOPLE, PEOPLE, ())
