"""The harness of all benchmarks: contestants and servers in their own processes, and a table.

A complete benchmark, as a file ``benchmarks/NAME.py``::

    from _harness import Contest, Figures, Task, contestant, measured, options, report
    from _harness import column, ratios, serving, spread, table

    @contestant("ours")                           # neither orjson nor uvloop in this process
    @contestant("ours, [speed]", speed=True)      # both of them
    async def ours(base_url: str, calls: int) -> Figures:
        from moregood_async import MoreGoodClient

        async with MoreGoodClient("test-key", base_url=base_url) as client:
            with measured(calls) as figures:      # wall and CPU time of this block only
                for _ in range(calls):
                    await client.customers.upsert(first_name="Ada", email="ada@example.com")
        return figures                            # a contestant may add other figures

    def main() -> None:
        arguments = options(__doc__, rounds=7).parse_args()
        names = ["ours", "ours, [speed]"]
        with serving("fast") as server, Contest(__file__) as contest:
            tasks = {name: Task(name, {"base_url": server.base_url, "calls": 1000})
                     for name in names}
            seen = contest.rounds(tasks, arguments.rounds)
        rows = [[name, spread(column(seen[name], "cpu_micros"), ",.0f"),
                 spread(ratios(seen[name], seen["ours"], "cpu_micros"), ".2f")] for name in names]
        tables = table(["", "CPU a call, µs", "ratio"], rows)
        report(arguments, "NAME", tables, seen, ["aiohttp"])

    if __name__ == "__main__":
        main()

A contestant is a new interpreter. It lives for the whole contest and runs one task a round, so
that contestants take turns and pay for their imports once. ``Contest(__file__, fresh=True)``
starts a new interpreter for each task, which a measurement of peak memory needs. Contestants are
pinned to the first core and servers to the last one, where the system supports pinning. The block
that starts a process also ends it, even after an error.
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
"""A contestant that takes longer for one task is killed: it hangs."""

Figures = dict[str, float]
"""The figures of one task, by name."""

F = TypeVar("F", bound=Callable[..., Any])


# ---- in a contestant's process ----


@dataclass(frozen=True)
class _Contestant:
    function: Callable[..., Any]
    speed: bool
    needs: tuple[str, ...]


_contestants: dict[str, _Contestant] = {}


def contestant(name: str, *, speed: bool = False, needs: Sequence[str] = ()) -> Callable[[F], F]:
    """Register a function, plain or async, that runs one task and returns its `Figures`.

    Args:
        name: Its name in the tables. One function may have several.
        speed: Whether orjson can be imported and uvloop runs the coroutine. Otherwise the process
            can import neither.
        needs: Modules that are imported before the first task. Without one of them, the
            contestant is left out.
    """

    def register(function: F) -> F:
        needed = (*needs, "orjson", "uvloop") if speed else tuple(needs)
        _contestants[name] = _Contestant(function, speed, needed)
        return function

    return register


@contextlib.contextmanager
def measured(calls: int) -> Generator[Figures]:
    """Measure the block: set ``calls``, ``seconds``, ``per_second`` and ``cpu_micros`` (a call)."""
    figures: Figures = {"calls": calls}
    gc.collect()
    cpu, began = time.process_time(), time.perf_counter()
    yield figures
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    figures |= {"seconds": seconds, "per_second": calls / seconds, "cpu_micros": cpu / calls * 1e6}


def peak_mib() -> float:
    """Return the peak memory of this process, in MiB; it needs ``Contest(…, fresh=True)``.

    Linux's ``VmHWM`` covers this program only. ``ru_maxrss`` includes the parent before the fork.
    """
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    import resource

    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def pin(role: Literal["client", "server"]) -> None:
    """Pin this process to the first core, or to the last one, where the system supports it."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[0 if role == "client" else -1]})


def talk(first: object, respond: Callable[[Any], object]) -> None:
    """Write one JSON line, then a response to each line of the standard input, until it ends."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # prints of the libraries must not mix with the JSON lines
    print(json.dumps(first), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(respond(json.loads(line))), file=out, flush=True)


def _be_contestant(module: str, name: str) -> None:
    pin("client")
    importlib.import_module(module)
    chosen = _contestants[name]
    for needed in chosen.needs:
        importlib.import_module(needed)
    talk("ready", lambda task: _run(chosen, task))


def _run(chosen: _Contestant, task: dict[str, Any]) -> Figures:
    result = chosen.function(**task)
    if not inspect.iscoroutine(result):
        return result
    if not chosen.speed:
        return asyncio.run(result)
    import uvloop

    return uvloop.run(result)


# ---- in the benchmark's process ----


class _Process:
    """A child process that reads and writes JSON lines."""

    def __init__(self, *command: str) -> None:
        self.name = " ".join(Path(part).name for part in command)
        self._process = subprocess.Popen(
            [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def send(self, message: object) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def receive(self, within_seconds: float = LONGEST_TASK_SECONDS) -> Any:
        """Return the next message. Exit if the process has ended or takes too long."""
        assert self._process.stdout
        timer = threading.Timer(within_seconds, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            raise SystemExit(f"{self.name} ended, or took longer than {within_seconds:.0f} s")
        return json.loads(line)

    def close(self, within_seconds: float = 0.0) -> None:
        """Close its input and wait until it ends by itself; kill it after ``within_seconds``."""
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
        about = process.receive(20)
        self.base_url: str = about["base_url"]
        self.software: str = about["software"]

    def counters(self) -> dict[str, float]:
        """Return ``requests`` and ``cpu_seconds`` until now.

        Servers with a limit also count ``throttled``, and how many emails ``took_effect`` and were
        ``doubled``.
        """
        self._process.send("counters")
        return self._process.receive(20)


@contextlib.contextmanager
def serving(kind: str, *, by: str = "_servers.py", **settings: object) -> Generator[Server]:
    """Start a server in another process; ``_servers.py`` lists the kinds and their settings.

    ``by`` names another program, which calls `pin` and then `talk`: its first message has its
    ``base_url`` and ``software``, each response its counters.
    """
    process = _Process(str(HERE / by), kind, json.dumps(settings))
    try:
        yield Server(process)
    finally:
        process.close(within_seconds=2.0)


@dataclass(frozen=True)
class Task:
    """One call of a contestant's function, with these parameters."""

    contestant: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


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
        """Run all tasks in turn, round by round; return the figures of each, without the warm-up.

        Each round begins with another task, so that none always follows the same one.
        """
        tasks = {name: task for name, task in tasks.items() if is_installed(task.contestant)}
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
        """Run one task and return its figures."""
        process = self._process(task.contestant)
        process.send(dict(task.parameters))
        figures: Figures = process.receive()
        if self._fresh:
            self._running.pop(task.contestant).close()
        return figures

    def together(self, tasks: Mapping[str, Task]) -> dict[str, Figures]:
        """Run all tasks at once, each by another contestant: for contestants that mostly wait."""
        running = {name: self._process(task.contestant) for name, task in tasks.items()}
        for name, process in running.items():
            process.send(dict(tasks[name].parameters))
        return {name: process.receive() for name, process in running.items()}

    def start(self, names: Iterable[str]) -> None:
        """Start these contestants side by side and wait until all of them are ready."""
        started = [name for name in names if name not in self._running]
        for name in started:
            speed = "fast" if _contestants[name].speed else "plain"
            self._running[name] = _Process(__file__, self._module, name, speed)
        for name in started:
            self._running[name].receive(60)

    def _process(self, name: str) -> _Process:
        self.start([name])
        return self._running[name]


def is_installed(name: str) -> bool:
    """Return whether a contestant's libraries are installed; print the missing ones."""
    missing = [each for each in _contestants[name].needs if not importlib.util.find_spec(each)]
    if missing:
        print(f"left out: {name} ({', '.join(missing)} is not installed)", file=sys.stderr)
    return not missing


# ---- figures ----


def column(seen: Iterable[Figures], key: str) -> list[float]:
    """Return one figure of each round."""
    return [figures[key] for figures in seen]


def ratios(seen: Sequence[Figures], base: Sequence[Figures], key: str) -> list[float]:
    """Return a figure as a multiple of another contestant's in the same round."""
    return [one[key] / other[key] for one, other in zip(seen, base, strict=True)]


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """Format the median, and in brackets the minimum and the maximum."""
    low, high = min(values), max(values)
    middle = format(statistics.median(values), form)
    if format(low, form) == format(high, form):
        return middle
    return f"{middle} ({low:{form}} to {high:{form}})"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a table in Markdown, as ``benchmarks/README.md`` shows it."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def machine(packages: Iterable[str] = ()) -> dict[str, str]:
    """Return the machine, its Python, its load, and the packages' versions."""
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
    """Return a parser of the options that all benchmarks have: ``--rounds`` and ``--json``."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--json", type=Path, help="default: benchmarks/results/NAME.json")
    return parser


def report(
    arguments: argparse.Namespace,
    name: str,
    tables: str,
    results: object,
    packages: Iterable[str] = (),
) -> None:
    """Print the machine and the tables, and write all figures to a JSON file."""
    about = machine(packages)
    print(", ".join(f"{what} {value}" for what, value in about.items()), end="\n\n")
    print(tables)
    file: Path = arguments.json or RESULTS / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    options_used = {key: str(value) for key, value in vars(arguments).items()}
    content = {"about": about, "arguments": options_used, "results": results}
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":  # a contestant's process
    if sys.argv[3] == "plain":
        sys.modules |= {"orjson": None, "uvloop": None}  # type: ignore[dict-item]
    import _harness

    _harness._be_contestant(*sys.argv[1:3])
