"""A shop whose import is killed again and again: its file, the killer, and what must come of it."""

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
LONGEST_SECONDS = 120.0
"""For one process; only a defect takes so long."""


NOT_BEGUN = "has not begun; import again"
"""What a resume says where the process was killed before its journal knew its input."""


@attrs.frozen(kw_only=True)
class Line:
    """One row of the file, and who is behind it."""

    person: str
    """The email or phone, as the server spells it."""
    cells: tuple[str, ...]
    asked: bool
    cents: int | None


@attrs.frozen
class Shop:
    """A file of customers, and what is to come of it, counted without the code under test."""

    lines: tuple[Line, ...]

    @classmethod
    def of(cls, people: int, dice: Random) -> Self:
        """So many people who are asked, and some who are not: repeated, opted out, unreachable."""
        lines: list[Line] = []
        for number in range(people):
            email = f"a{number}@example.com"
            lines.append(_line(email, lines, asked=True))
            if dice.random() < 0.05:
                again = f" A{number}@EXAMPLE.com"
                lines.append(_line(email, lines, asked=False, written=again))
            if dice.random() < 0.04:
                lines.append(_line(f"out{number}@example.com", lines, asked=False, accepts="no"))
            if dice.random() < 0.04:
                lines.append(_line(f"+1415555{number:04}", lines, asked=False))
        return cls(tuple(lines))

    def write(self, path: Path) -> None:
        """As a CSV."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["First Name", "Email", "Phone", "Accepts Email Marketing", "Total"])
            writer.writerows(line.cells for line in self.lines)

    @property
    def people(self) -> set[str]:
        """Everybody, once."""
        return {line.person for line in self.lines}

    @property
    def asked(self) -> set[str]:
        """Who is asked."""
        return {line.person for line in self.lines if line.asked}

    @property
    def charged(self) -> dict[str, tuple[int, int]]:
        """How many charges each person has, and their sum in cents."""
        found: dict[str, tuple[int, int]] = dict.fromkeys(self.people, (0, 0))
        for line in self.lines:
            count, cents = found[line.person]
            found[line.person] = count + (line.cents is not None), cents + (line.cents or 0)
        return found


def _line(
    person: str, before: Sequence[Line], *, asked: bool, accepts: str = "yes", written: str = ""
) -> Line:
    place = len(before)
    cents = None if place % 11 == 5 else 1_000 + place
    total = "" if cents is None else f"{cents / 100:.2f}"
    contact = ("", person) if person.startswith("+") else (written or person, "")
    cells = (f"Name {place}", *contact, accepts, total)
    return Line(person=person, cells=cells, asked=asked, cents=cents)


class Executioner:
    """Kills a process at a request of its choice, before the request takes effect or after."""

    def __init__(self) -> None:
        self._victim: subprocess.Popen[str] | None = None
        self._left = 0
        self._after = False

    def aims(self, victim: subprocess.Popen[str], requests: int, *, after: bool) -> None:
        """Kill it at so many requests from now."""
        self._left, self._after, self._victim = requests, after, victim

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Stands around the sandbox; a `Middleware`."""
        self._left -= 1
        strikes = self._left == 0 and self._victim is not None
        if strikes and not self._after:
            self._kill()
        try:
            return await call_next(request)
        finally:
            if strikes and self._after:
                self._kill()

    def _kill(self) -> None:
        if self._victim is not None:
            self._victim.kill()


@attrs.define(kw_only=True)
class Tally:
    """How a run of runs went."""

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
    executioner: Executioner
    options: tuple[str, ...]
    tally: Tally = attrs.field(factory=Tally)
    begins_again: bool = False
    """Whether it was killed before its journal knew what it was about."""

    @property
    def file(self) -> Path:
        """The input."""
        return self.folder / "shop.csv"

    @property
    def journal(self) -> Path:
        """Beside the input."""
        return self.folder / "shop.csv.journal"

    def goes_on(self) -> tuple[str, ...]:
        """The command that begins or resumes: both say the same thing to a journal."""
        anew, self.begins_again = self.begins_again or not self.journal.exists(), False
        if anew or self.dice.random() < 0.3:
            return ("import", str(self.file), *self.options)
        return ("resume", str(self.journal))

    def start(self, *args: str) -> subprocess.Popen[str]:
        """A process of the command line."""
        return subprocess.Popen(
            [sys.executable, "-m", "moregood_async.cli", *args, "--json"],
            cwd=self.folder,
            env={**os.environ, "MOREGOOD_API_KEY": KEY, "MOREGOOD_BASE_URL": self.base_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def killed(self) -> bool:
        """Begin or resume, and kill it at a random moment; False where nothing is left to do."""
        command = self.goes_on()
        self.tally.resumes += self.journal.exists()
        process = self.start(*command)
        try:
            self.dice.choice(MOMENTS)(self, process)
            process.kill()
        finally:
            process.kill()
            told = process.communicate()
        was_killed = process.returncode == -signal.SIGKILL
        self.begins_again = NOT_BEGUN in told[1]
        assert was_killed or self.begins_again or process.returncode in (0, 1, 3), told
        self.tally.kills += was_killed
        return was_killed or process.returncode in (2, 3)  # 3: no answer to the first request

    def finished(self) -> dict[str, Any]:
        """Go on until nothing is left to do; gives the last summary."""
        command, summary = self.goes_on(), dict[str, Any]()
        for _ in range(12):
            process = self.start(*command)
            try:
                told, errors = process.communicate(timeout=LONGEST_SECONDS)
            finally:
                process.kill()
                process.communicate()
            summary = dict[str, Any](json.loads(told))
            if NOT_BEGUN in errors:
                command = ("import", str(self.file), *self.options)
                continue
            assert process.returncode in (0, 1, 3), (process.returncode, told, errors)
            if summary["failed"]:  # a row that was answered 500 four times: nothing has happened
                self.tally.retries += 1
                command = ("retry", str(self.journal))
            elif summary["waiting"] or summary["unknown"] or not summary["is_input_complete"]:
                command = ("resume", str(self.journal))
            else:
                return summary
        raise AssertionError(f"it does not end: {summary}")


def _soon(run: Import, process: subprocess.Popen[str]) -> None:
    """Anywhere from its very start: while Python loads, opens the journal, or sends."""
    _for(process, run.dice.uniform(0.0, 0.8))


def _at_the_journal(run: Import, process: subprocess.Popen[str]) -> None:
    """Within milliseconds of the journal's first file, or of its being opened anew."""
    lock = run.journal.with_name(f"{run.journal.name}-lock")
    wal = run.journal.with_name(f"{run.journal.name}-wal")
    seen = [_changed(path) for path in (lock, run.journal, wal)]
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline and process.poll() is None:
        if [_changed(path) for path in (lock, run.journal, wal)] != seen:
            break
        time.sleep(0.0005)
    _for(process, run.dice.choice([0.0, run.dice.uniform(0.0, 0.01)]))


def _at_a_request(run: Import, process: subprocess.Popen[str]) -> None:
    """At one of its requests: before its effect, or after it and before its answer."""
    requests = run.dice.choice([1, 2, run.dice.randrange(3, 30), run.dice.randrange(30, 70)])
    run.executioner.aims(process, requests, after=run.dice.random() < 0.6)
    _for(process, 5.0)


def _changed(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _for(process: subprocess.Popen[str], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


Moment = Callable[[Import, "subprocess.Popen[str]"], None]
MOMENTS: tuple[Moment, ...] = (_soon, _at_the_journal, _at_a_request, _at_a_request, _at_a_request)


def audited(shop: Shop, sandbox: Sandbox, run: Import, summary: dict[str, Any]) -> Audit:
    """What the server saw is what the file says, each thing once; and the job says the same."""
    audit = sandbox.audit()
    charges = any(option == "--charge" for option in run.options)
    assert audit.duplicate_asks == ()
    assert audit.duplicate_charges == ()
    assert audit.asks == audit.messages == len(shop.asked)
    assert audit.customers == len(shop.people)
    wanted = sum(line.cents is not None for line in shop.lines) if charges else 0
    assert audit.charges == wanted
    assert summary["rows"] == summary["done"] == len(shop.lines)
    assert (summary["people_asked"], summary["charges"]) == (audit.asks, audit.charges)
    sandbox.faults = ()
    _row_by_row(shop, run, charges=charges)
    return audit


def _row_by_row(shop: Shop, run: Import, *, charges: bool) -> None:
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
    if charges:
        found = {
            by_id[each.id]: (each.charges_count or 0, each.charges_sum or 0) for each in customers
        }
        assert found == shop.charged


async def _read_back(base_url: str) -> tuple[list[Any], list[Any]]:
    async with MoreGoodClient(KEY, base_url=base_url) as client:
        return await client.customers.list().collect(), await client.messages.list().collect()


def run_until_done(
    folder: Path, *, seed: int, people: int, kills: int, options: tuple[str, ...]
) -> tuple[Import, Audit]:
    """A shop's import, killed so often, finished and audited."""
    dice, executioner, began = Random(seed), Executioner(), time.monotonic()
    shop = Shop.of(people, dice)
    with Sandbox(keys=KEY, throttle=Throttle(300, per=1.0, kind="bucket", burst=100)) as sandbox:
        sandbox.faults = (
            executioner,
            DropAfterEffect(probability=0.10, seed=seed),
            Refuse(500, probability=0.05, seed=seed + 1),
        )
        with sandbox.serve_in_thread() as server:
            run = Import(
                folder=folder,
                base_url=server.base_url,
                dice=dice,
                executioner=executioner,
                options=("--ask", "email", *options, "--reconcile-after", "1"),
            )
            shop.write(run.file)
            for _ in range(kills):
                if not run.killed():
                    break
            summary = run.finished()
            run.tally.seconds = time.monotonic() - began
            audit = audited(shop, sandbox, run, summary)
    return run, audit
