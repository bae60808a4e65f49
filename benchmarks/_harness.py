"""What every benchmark stands on: contestants and servers in processes of their own, and a table.

A whole benchmark, as a file ``benchmarks/NAME.py``::

    from _harness import Contest, Figures, Task, contestant, measured, options, report
    from _harness import column, ratios, serving, spread, table

    @contestant("ours")                           # neither orjson nor uvloop in this process
    @contestant("ours, [speed]", speed=True)      # both of them
    async def ours(base_url: str, calls: int) -> Figures:
        from moregood_async import MoreGoodClient

        async with MoreGoodClient("test-key", base_url=base_url) as client:
            with measured(calls) as figures:      # wall and CPU of this block, and of nothing else
                for _ in range(calls):
                    await client.customers.upsert(first_name="Ada", email="ada@example.com")
        return figures                            # any other numbers may be added

    def main() -> None:
        told = options(__doc__, rounds=7).parse_args()
        names = ["ours", "ours, [speed]"]
        with serving("fast") as server, Contest(__file__) as contest:
            tasks = {name: Task(name, {"base_url": server.base_url, "calls": 1000})
                     for name in names}
            seen = contest.rounds(tasks, told.rounds)
        rows = [[name, spread(column(seen[name], "cpu_micros"), ",.0f"),
                 spread(ratios(seen[name], seen["ours"], "cpu_micros"), ".2f")] for name in names]
        report(told, "NAME", table(["", "CPU a call, µs", "ratio"], rows), seen, ["aiohttp"])

    if __name__ == "__main__":
        main()

How it runs: a contestant is a fresh interpreter that lives for the whole contest and gets one
task a round, so that rounds take turns and imports cost once; ``Contest(__file__, fresh=True)``
makes a new one for every task, which peaks of memory need. Contestants are pinned to the first
core and servers to the last one, where the system can pin. Whatever happens, all of them end
with the block that started them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import importlib
import importlib.metadata
import importlib.util
import inspect
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
LONGEST_TASK_SECONDS = 300.0

Figures = dict[str, float]
"""What was measured of one task."""

F = TypeVar("F", bound=Callable[..., Any])


# ---- in a contestant's process ----


@dataclass(frozen=True)
class _Contestant:
    function: Callable[..., Any]
    speed: bool
    needs: tuple[str, ...]


_contestants: dict[str, _Contestant] = {}


def contestant(name: str, *, speed: bool = False, needs: Sequence[str] = ()) -> Callable[[F], F]:
    """Names a function, plain or async, that does one task and returns its `Figures`.

    Args:
        name: How tables call it. One function may go by several names.
        speed: Whether orjson can be imported, and uvloop runs the coroutine. Else neither exists.
        needs: Modules that are imported before the first task; where one is not installed, the
            contestant is left out.
    """

    def named(function: F) -> F:
        needed = (*needs, "orjson", "uvloop") if speed else tuple(needs)
        _contestants[name] = _Contestant(function, speed, needed)
        return function

    return named


@contextlib.contextmanager
def measured(calls: int) -> Generator[Figures]:
    """Fills in ``calls``, ``seconds``, ``per_second``, ``cpu_micros`` (a call) when it ends."""
    figures: Figures = {"calls": calls}
    gc.collect()
    cpu, began = time.process_time(), time.perf_counter()
    yield figures
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    figures |= {"seconds": seconds, "per_second": calls / seconds, "cpu_micros": cpu / calls * 1e6}


def peak_mib() -> float:
    """The most memory that this process has had, in MiB; wants ``Contest(…, fresh=True)``.

    On Linux of this program alone: ``ru_maxrss`` would count the parent that it was forked from.
    """
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    import resource

    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def pin(role: Literal["client", "server"]) -> None:
    """Keeps this process on the first core, or on the last one; nothing where that cannot be."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[0 if role == "client" else -1]})


def talk(first: object, answer: Callable[[Any], object]) -> None:
    """Says one JSON line, then answers each that it is told, until there are no more."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else is printed is no answer
    print(json.dumps(first), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=out, flush=True)


def _be_contestant(module: str, name: str) -> None:
    pin("client")
    importlib.import_module(module)
    chosen = _contestants[name]
    for needed in chosen.needs:
        importlib.import_module(needed)
    talk("ready", lambda task: _run(chosen, task))


def _run(chosen: _Contestant, task: dict[str, Any]) -> Figures:
    done = chosen.function(**task)
    if not inspect.iscoroutine(done):
        return done
    if not chosen.speed:
        return asyncio.run(done)
    import uvloop

    return uvloop.run(done)


# ---- in the benchmark's process ----


class _Process:
    """Another process that is told JSON lines and says JSON lines."""

    def __init__(self, *command: str) -> None:
        self.name = " ".join(Path(part).name for part in command)
        self._process = subprocess.Popen(
            [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def tell(self, what: object) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def hear(self, within_seconds: float = LONGEST_TASK_SECONDS) -> Any:
        """The next line; a process that broke, or takes too long, ends the benchmark."""
        assert self._process.stdout
        timer = threading.Timer(within_seconds, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            raise SystemExit(f"it broke, or took longer than {within_seconds:.0f} s: {self.name}")
        return json.loads(line)

    def close(self, within_seconds: float = 0.0) -> None:
        """Ends it: by itself, as its input ends, within so many seconds; else by force."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(within_seconds)
        self._process.kill()
        self._process.wait()


class Server:
    """A server in another process."""

    def __init__(self, process: _Process) -> None:
        self._process = process
        told = process.hear(20)
        self.base_url: str = told["base_url"]
        self.software: str = told["software"]

    def counters(self) -> dict[str, float]:
        """``requests`` and ``cpu_seconds`` until now.

        Throttled ones also tell ``refused``, and how many ids ``took_effect`` and were ``doubled``.
        """
        self._process.tell("counters")
        return self._process.hear(20)


@contextlib.contextmanager
def serving(kind: str, *, by: str = "_servers.py", **settings: object) -> Generator[Server]:
    """Starts a server in another process: ``_servers.py`` says which kinds and settings are.

    A server of your own is a program that pins itself (`pin`) and then talks (`talk`): first a
    ``base_url`` and its ``software``, then its counters whenever it is asked.
    """
    process = _Process(str(HERE / by), kind, json.dumps(settings))
    try:
        yield Server(process)
    finally:
        process.close(within_seconds=2.0)


@dataclass(frozen=True)
class Task:
    """What a contestant has to do: its function is called with ``given``."""

    contestant: str
    given: Mapping[str, Any] = field(default_factory=dict)


class Contest:
    """The contestants of a benchmark file, each in a process of its own."""

    def __init__(self, file: str, *, fresh: bool = False) -> None:
        self._module = Path(file).stem
        self._fresh = fresh
        self._running: dict[str, _Process] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._running:
            self._running.popitem()[1].close()

    def rounds(
        self, tasks: Mapping[str, Task], rounds: int, *, warm_up: int = 1
    ) -> dict[str, list[Figures]]:
        """All tasks in turn, round by round; what was measured of each. Warming up is not kept.

        Every round begins with another task, so that none always follows the same one.
        """
        tasks = {name: task for name, task in tasks.items() if installed(task.contestant)}
        seen: dict[str, list[Figures]] = {name: [] for name in tasks}
        order = deque(tasks)
        for number in range(-warm_up, rounds):
            for name in order:
                figures = self.once(tasks[name])
                if number >= 0:
                    seen[name].append(figures)
            order.rotate(-1)
        return seen

    def once(self, task: Task) -> Figures:
        """One task, measured."""
        process = self._process(task.contestant)
        process.tell(dict(task.given))
        figures: Figures = process.hear()
        if self._fresh:
            self._running.pop(task.contestant).close()
        return figures

    def together(self, tasks: Mapping[str, Task]) -> dict[str, Figures]:
        """All tasks at the same time, each by another contestant: for those that mostly wait."""
        running = {name: self._process(task.contestant) for name, task in tasks.items()}
        for name, process in running.items():
            process.tell(dict(tasks[name].given))
        return {name: process.hear() for name, process in running.items()}

    def start(self, names: Iterable[str]) -> None:
        """Starts contestants side by side, and waits until all of them are ready."""
        started = [name for name in names if name not in self._running]
        for name in started:
            speed = "fast" if _contestants[name].speed else "plain"
            self._running[name] = _Process(__file__, self._module, name, speed)
        for name in started:
            self._running[name].hear(60)

    def _process(self, name: str) -> _Process:
        self.start([name])
        return self._running[name]


def installed(name: str) -> bool:
    """Whether a contestant's libraries are; says which one is not."""
    missing = [each for each in _contestants[name].needs if not importlib.util.find_spec(each)]
    if missing:
        print(f"left out: {name} ({', '.join(missing)} is not installed)", file=sys.stderr)
    return not missing


# ---- figures ----


def column(seen: Iterable[Figures], key: str) -> list[float]:
    """One figure of every round."""
    return [figures[key] for figures in seen]


def ratios(seen: Sequence[Figures], base: Sequence[Figures], key: str) -> list[float]:
    """A figure as a multiple of another contestant's in the same round."""
    return [one[key] / other[key] for one, other in zip(seen, base, strict=True)]


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """The median, and in brackets the least and the most."""
    low, high = min(values), max(values)
    middle = format(statistics.median(values), form)
    if format(low, form) == format(high, form):
        return middle
    return f"{middle} ({low:{form}} to {high:{form}})"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, as ``benchmarks/README.md`` holds it."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def machine(packages: Iterable[str] = ()) -> dict[str, str]:
    """The machine, its Python, and the versions of the packages that took part."""
    about = {"machine": f"{os.cpu_count()} cores, {_processor()}", "system": platform.platform()}
    about[platform.python_implementation()] = platform.python_version()
    if hasattr(os, "getloadavg"):
        about["load when it ended"] = f"{os.getloadavg()[0]:.1f}"
    for package in ("moregood_async", *packages):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            about[package] = importlib.metadata.version(package)
    return about


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return f"{platform.machine()}, {line.partition(':')[2].strip()}"
    return platform.machine()


def options(description: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """The options that all benchmarks have: ``--rounds`` and ``--json``; add your own."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--json", type=Path, help="default: benchmarks/results/NAME.json")
    return parser


def report(
    told: argparse.Namespace, name: str, tables: str, results: object, packages: Iterable[str] = ()
) -> None:
    """Prints the machine and the tables, and writes every figure into a JSON file."""
    about = machine(packages)
    print(", ".join(f"{what} {value}" for what, value in about.items()), end="\n\n")
    print(tables)
    file: Path = told.json or RESULTS / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    arguments = {key: str(value) for key, value in vars(told).items()}
    whole = {"about": about, "arguments": arguments, "results": results}
    file.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":  # a contestant's process
    if sys.argv[3] == "plain":
        sys.modules |= {"orjson": None, "uvloop": None}  # type: ignore[dict-item]
    import _harness

    _harness._be_contestant(*sys.argv[1:3])
