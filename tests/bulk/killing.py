"""An import that is killed repeatedly: its file, the kills, and the effects that are expected."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Self

import attrs

from moregood_async import Handler, MoreGoodClient, Request, Response
from moregood_async.sandbox import Audit, DropAfterEffect, Refuse, Sandbox, Throttle

KEY = "test-key"
MAX_SECONDS = 120.0
"""The time limit of one process, which only a defect reaches."""

NOT_BEGUN = "has not begun; import again"
"""The error of a resume if the process was killed before its journal had the input's identity."""


@attrs.frozen(kw_only=True)
class Line:
    """One row of the file, and the person it is about."""

    person: str
    """The person's email or phone, as the server spells it."""
    cells: tuple[str, ...]
    asked: bool
    cents: int | None


@attrs.frozen
class Shop:
    """A file of customers, and its expected effects, computed without the code under test."""

    lines: tuple[Line, ...]

    @classmethod
    def of(cls, people: int, dice: Random) -> Self:
        """Make `people` rows to ask, and some not to ask: duplicates, opted out, unreachable."""
        lines: list[Line] = []
        for number in range(people):
            email = f"a{number}@example.com"
            lines.append(_line(email, lines, asked=True))
            if dice.random() < 0.05:
                spelling = f" A{number}@EXAMPLE.com"
                lines.append(_line(email, lines, asked=False, spelling=spelling))
            if dice.random() < 0.04:
                lines.append(_line(f"out{number}@example.com", lines, asked=False, accepts="no"))
            if dice.random() < 0.04:
                lines.append(_line(f"+1415555{number:04}", lines, asked=False))
        return cls(tuple(lines))

    def write(self, path: Path) -> None:
        """Write the rows as a CSV."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["First Name", "Email", "Phone", "Accepts Email Marketing", "Total"])
            writer.writerows(line.cells for line in self.lines)

    @property
    def people(self) -> set[str]:
        """All people, also those who are not asked."""
        return {line.person for line in self.lines}

    @property
    def asked(self) -> set[str]:
        """The people who are asked."""
        return {line.person for line in self.lines if line.asked}

    @property
    def charged(self) -> dict[str, tuple[int, int]]:
        """The number of charges of each person, and their sum in cents."""
        charges: dict[str, tuple[int, int]] = dict.fromkeys(self.people, (0, 0))
        for line in self.lines:
            count, cents = charges[line.person]
            charges[line.person] = count + (line.cents is not None), cents + (line.cents or 0)
        return charges


def _line(
    person: str, before: Sequence[Line], *, asked: bool, accepts: str = "yes", spelling: str = ""
) -> Line:
    row_index = len(before)
    cents = None if row_index % 11 == 5 else 1_000 + row_index
    total = "" if cents is None else f"{cents / 100:.2f}"
    contact = ("", person) if person.startswith("+") else (spelling or person, "")
    cells = (f"Name {row_index}", *contact, accepts, total)
    return Line(person=person, cells=cells, asked=asked, cents=cents)


class Killer:
    """Middleware that kills a process at a request, before the request takes effect or after."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._remaining_requests = 0
        self._after = False

    def aim(self, process: subprocess.Popen[str], requests: int, *, after: bool) -> None:
        """Kill a process at its Nth request from now, before or after the request takes effect."""
        self._remaining_requests, self._after, self._process = requests, after, process

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        self._remaining_requests -= 1
        is_due = self._remaining_requests == 0 and self._process is not None
        if is_due and not self._after:
            self._kill()
        try:
            return await call_next(request)
        finally:
            if is_due and self._after:
                self._kill()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()


@attrs.define(kw_only=True)
class Counts:
    """The numbers of kills, resumes and retries of an import, and its duration."""

    kills: int = 0
    resumes: int = 0
    retries: int = 0
    seconds: float = 0.0


@attrs.define(kw_only=True)
class Import:
    """The import of a shop's file by the real command, in processes that are killed."""

    folder: Path
    base_url: str
    dice: Random
    killer: Killer
    options: tuple[str, ...]
    counts: Counts = attrs.field(factory=Counts)
    must_import_again: bool = False
    """Whether the last process was killed before its journal had the input's identity."""

    @property
    def file(self) -> Path:
        """The input file."""
        return self.folder / "shop.csv"

    @property
    def journal(self) -> Path:
        """The journal, which is beside the input."""
        return self.folder / "shop.csv.journal"

    def next_command(self) -> tuple[str, ...]:
        """Return an ``import`` or ``resume``; an ``import`` resumes an existing journal, too."""
        must_import = self.must_import_again or not self.journal.exists()
        self.must_import_again = False
        if must_import or self.dice.random() < 0.3:
            return ("import", str(self.file), *self.options)
        return ("resume", str(self.journal))

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "moregood_async.cli", *args, "--json"],
            cwd=self.folder,
            env={**os.environ, "MOREGOOD_API_KEY": KEY, "MOREGOOD_BASE_URL": self.base_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run_and_kill(self) -> bool:
        """Begin or resume the job, and kill it; return False if nothing is left to do."""
        command = self.next_command()
        self.counts.resumes += self.journal.exists()
        process = self.start(*command)
        try:
            self.dice.choice(MOMENTS)(self, process)
            process.kill()
        finally:
            process.kill()
            output, errors = process.communicate()
        was_killed = process.returncode == -signal.SIGKILL
        self.must_import_again = NOT_BEGUN in errors
        is_expected = was_killed or self.must_import_again or process.returncode in (0, 1, 3)
        assert is_expected, (process.returncode, output, errors)
        self.counts.kills += was_killed
        return was_killed or process.returncode in (2, 3)  # 3: no response to the first request

    def run_to_end(self) -> dict[str, Any]:
        """Resume and retry until nothing is left to do; return the last summary."""
        command, summary = self.next_command(), dict[str, Any]()
        for _ in range(12):
            process = self.start(*command)
            try:
                output, errors = process.communicate(timeout=MAX_SECONDS)
            finally:
                process.kill()
                process.communicate()
            summary = dict[str, Any](json.loads(output))
            if NOT_BEGUN in errors:
                command = ("import", str(self.file), *self.options)
                continue
            assert process.returncode in (0, 1, 3), (process.returncode, output, errors)
            if summary["failed"]:  # four responses with status 500: no request took effect
                self.counts.retries += 1
                command = ("retry", str(self.journal))
            elif summary["waiting"] or summary["unknown"] or not summary["is_input_complete"]:
                command = ("resume", str(self.journal))
            else:
                return summary
        raise AssertionError(f"the job is not done after 12 commands: {summary}")


def _wait_randomly(run: Import, process: subprocess.Popen[str]) -> None:
    """Wait up to 0.8 s: Python starts, the journal is opened, or requests are sent."""
    _wait_for_end(process, run.dice.uniform(0.0, 0.8))


def _wait_for_journal(run: Import, process: subprocess.Popen[str]) -> None:
    """Wait until the process creates or opens the journal, and up to 10 ms more."""
    lock = run.journal.with_name(f"{run.journal.name}-lock")
    wal = run.journal.with_name(f"{run.journal.name}-wal")
    before = [_stat(path) for path in (lock, run.journal, wal)]
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline and process.poll() is None:
        if [_stat(path) for path in (lock, run.journal, wal)] != before:
            break
        time.sleep(0.0005)
    _wait_for_end(process, run.dice.choice([0.0, run.dice.uniform(0.0, 0.01)]))


def _wait_for_request(run: Import, process: subprocess.Popen[str]) -> None:
    """Have the process killed at a request, before its effect, or between effect and response."""
    requests = run.dice.choice([1, 2, run.dice.randrange(3, 30), run.dice.randrange(30, 70)])
    run.killer.aim(process, requests, after=run.dice.random() < 0.6)
    _wait_for_end(process, 5.0)


def _stat(path: Path) -> tuple[int, int]:
    """Return the time of the last change and the size of a file."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size


def _wait_for_end(process: subprocess.Popen[str], seconds: float) -> None:
    """Wait until a process ends, at most some seconds."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


Moment = Callable[[Import, "subprocess.Popen[str]"], None]
MOMENTS: tuple[Moment, ...] = (
    _wait_randomly,
    _wait_for_journal,
    _wait_for_request,
    _wait_for_request,
    _wait_for_request,
)
"""Functions that wait for the moment of a kill; three kills of five come at a request."""


def audit_import(shop: Shop, sandbox: Sandbox, run: Import, summary: dict[str, Any]) -> Audit:
    """Assert that server and summary have the expected effects, each once; return the audit."""
    audit = sandbox.audit()
    has_charges = any(option == "--charge" for option in run.options)
    assert audit.duplicate_asks == ()
    assert audit.duplicate_charges == ()
    assert audit.asks == audit.messages == len(shop.asked)
    assert audit.customers == len(shop.people)
    expected_charges = sum(line.cents is not None for line in shop.lines) if has_charges else 0
    assert audit.charges == summary["charges"] == expected_charges
    assert summary["rows"] == summary["done"] == len(shop.lines)
    assert summary["people_asked"] == audit.asks
    sandbox.faults = ()
    _audit_rows(shop, run, has_charges=has_charges)
    return audit


def _audit_rows(shop: Shop, run: Import, *, has_charges: bool) -> None:
    """Assert the effects of each row, by the results file and the lists of the API."""
    customers, messages = asyncio.run(_read_back(run.base_url))
    by_id = {
        each.id: each.email.strip().lower() if each.email else each.phone_e164 for each in customers
    }
    with (run.folder / "shop.results.csv").open(encoding="utf-8", newline="") as file:
        results = list(csv.DictReader(file))
    assert [each["First Name"] for each in results] == [line.cells[0] for line in shop.lines]
    assert {each["moregood_status"] for each in results} == {"done"}
    for line, result in zip(shop.lines, results, strict=True):
        assert by_id[int(result["moregood_id"])] == line.person
    asked = Counter(by_id[each.customer.id] for each in messages)
    assert asked == Counter(shop.asked)
    if has_charges:
        charges = {
            by_id[each.id]: (each.charges_count or 0, each.charges_sum or 0) for each in customers
        }
        assert charges == shop.charged


async def _read_back(base_url: str) -> tuple[list[Any], list[Any]]:
    async with MoreGoodClient(KEY, base_url=base_url) as client:
        return await client.customers.list().collect(), await client.messages.list().collect()


def run_until_done(
    folder: Path, *, seed: int, people: int, kills: int, options: tuple[str, ...]
) -> tuple[Import, Audit]:
    """Import a shop's file, kill the import up to `kills` times, finish it and audit it."""
    dice, killer, start = Random(seed), Killer(), time.monotonic()
    shop = Shop.of(people, dice)
    with Sandbox(keys=KEY, throttle=Throttle(300, per=1.0, kind="bucket", burst=100)) as sandbox:
        sandbox.faults = (
            killer,
            DropAfterEffect(probability=0.10, seed=seed),
            Refuse(500, probability=0.05, seed=seed + 1),
        )
        with sandbox.serve_in_thread() as server:
            run = Import(
                folder=folder,
                base_url=server.base_url,
                dice=dice,
                killer=killer,
                options=("--ask", "email", *options, "--reconcile-after", "1"),
            )
            shop.write(run.file)
            for _ in range(kills):
                if not run.run_and_kill():
                    break
            summary = run.run_to_end()
            run.counts.seconds = time.monotonic() - start
            audit = audit_import(shop, sandbox, run, summary)
    return run, audit
