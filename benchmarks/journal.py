"""The cost of a job's journal: the same import with a journal and without.

::

    python benchmarks/journal.py [--rounds 5] [--rows 2000] [--latency 0.02] [--replayed 1000000]

Throughput: read one CSV, save each customer and then send the ask, with 32 requests in flight.
The contestants are ``upsert_many`` and ``create_many`` with a queue between them, a `Job` with a
journal in memory, and a `Job` with a journal on the disk. They take turns in one process on one
core; the first round warms up. ``--latency`` is the server's response time in seconds. A second
race has a server that responds at once, where only the client's CPU time counts.

Replay: run a job again whose journal has ``--replayed`` rows, all done. The job reads the input
from the start and sends nothing. Each replay is a new process; the memory is its peak.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from _harness import (
    Contest,
    Figures,
    Server,
    Task,
    column,
    contestant,
    measured,
    options,
    peak_mib,
    ratios,
    report,
    serving,
    spread,
    table,
)

IN_FLIGHT = 32
NEEDS = ("moregood_async.bulk", "moregood_async.transport")
HEADER = ("First name", "Last name", "Email", "Phone", "Company", "City")


def write_customers(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(rows):
            email, phone = f"ada{number}@example.com", f"+1415{number:07d}"
            writer.writerow(("Ada", "Larkmoor", email, phone, "Larkmoor Books", "San Francisco"))


async def by_batches(client: Any, file: Path, _: Path) -> int:
    """Import without a journal; return the number of customers asked."""
    import asyncio

    from moregood_async.bulk import AskTemplate, read_csv

    source, template = read_csv(file), AskTemplate(channels=["email"])
    to_ask: asyncio.Queue[Any] = asyncio.Queue(64)
    asked = 0

    async def asks() -> AsyncIterator[Any]:
        while (ask := await to_ask.get()) is not None:
            yield ask

    async def ask_all() -> None:
        nonlocal asked
        async for result in client.asks.create_many(asks()):
            asked += result.error is None

    async def upsert_all() -> None:
        customers = (source.row(record).customer() for record in source.records())
        async for result in client.customers.upsert_many(customers):
            if result.error is None:
                await to_ask.put(template.create(result.item))
        await to_ask.put(None)

    await asyncio.gather(upsert_all(), ask_all())
    return asked


async def by_job(client: Any, file: Path, journal: Path | None) -> int:
    """Import with a journal; return the number of customers asked."""
    from moregood_async.bulk import AskTemplate, Job, read_csv

    template = AskTemplate(channels=["email"])
    async with Job(client, read_csv(file), journal=journal, ask=template) as job:
        return (await job.run()).people_asked


async def by_job_in_memory(client: Any, file: Path, _: Path) -> int:
    return await by_job(client, file, None)


METHODS = {
    "no journal": by_batches,
    "journal in memory": by_job_in_memory,
    "journal on the disk": by_job,
}


@contestant("", needs=NEEDS)
@contestant(", [speed]", speed=True, needs=NEEDS)
async def alternate(base_url: str, folder: str, rows: int, rounds: int) -> Figures:
    """Import by each method in each round; return the time, CPU time and asks of each."""
    from moregood_async import MoreGoodClient

    file, figures = Path(folder, f"{rows}.csv"), Figures()
    async with MoreGoodClient("test-key", base_url=base_url, max_concurrency=IN_FLIGHT) as client:
        for number in range(-1, rounds):
            order = list(METHODS)[number % 3 :] + list(METHODS)[: number % 3]
            for name in order:
                journal = Path(folder, "a.journal")
                with measured(rows) as one:
                    asked = await METHODS[name](client, file, journal)
                _remove(folder)
                if number >= 0:
                    figures |= {f"{name} {number} {key}": value for key, value in one.items()}
                    figures[f"{name} {number} asked"] = asked
    return figures


def _remove(folder: str) -> None:
    for part in Path(folder).glob("a.journal*"):
        part.unlink()


@contestant("replay", needs=NEEDS)
async def replay(base_url: str, folder: str, rows: int) -> Figures:
    """Run a finished job again."""
    from moregood_async import MoreGoodClient
    from moregood_async.bulk import AskTemplate, Job, read_csv

    file, journal = Path(folder, f"{rows}.csv"), Path(folder, f"{rows}.journal")
    async with MoreGoodClient("test-key", base_url=base_url) as client:
        with measured(rows) as figures:
            template = AskTemplate(channels=["email"])
            async with Job(client, read_csv(file), journal=journal, ask=template) as job:
                done = (await job.run()).done
                requests = client.pace.sent
    return figures | {"done": done, "requests": requests, "peak_mib": peak_mib()}


@contestant("finished journal", needs=NEEDS)
async def write_finished_journal(base_url: str, folder: str, rows: int) -> Figures:
    """Write the journal of a job that has asked every row, without sending a request."""
    from moregood_async import MoreGoodClient
    from moregood_async.bulk import AskTemplate, Job, read_csv
    from moregood_async.bulk.journal.entry import JournalEntry
    from moregood_async.bulk.journal.journal import Journal
    from moregood_async.bulk.journal.states import State, Step
    from moregood_async.bulk.run.reader import CHUNK_ROWS, read_chunks

    file, path = Path(folder, f"{rows}.csv"), Path(folder, f"{rows}.journal")
    write_customers(file, rows)
    source, start = read_csv(file), 0
    async with (
        MoreGoodClient("test-key", base_url=base_url) as client,
        Job(client, source, journal=path, ask=AskTemplate(channels=["email"])) as job,
    ):
        await job._claim_journal(job._required_work())
    journal = await Journal.open(path)
    with measured(rows) as figures:
        async for chunk in read_chunks(source, lambda: 4 * CHUNK_ROWS):
            entries = [
                JournalEntry(
                    row_index=start + number,
                    line=record.line,
                    digest=journal.hash_row(record.values),
                    step=Step.ASK,
                    state=State.DONE,
                    channels="email",
                    customer_id=start + number + 1,
                )
                for number, record in enumerate(chunk)
            ]
            claims = [
                (journal.hash_contact(f"{kind} {record.values[column]}"), start + number)
                for number, record in enumerate(chunk)
                for kind, column in (("email", 2), ("phone", 3))
            ]
            await journal.register(entries, claims)
            start += len(chunk)
    await journal.close()
    return figures


def race(arguments: argparse.Namespace, latency: float, folder: str) -> dict[str, list[Figures]]:
    """Measure each method, with and without the extra, against a server with this latency."""
    seen: dict[str, list[Figures]] = {}
    write_customers(Path(folder, f"{arguments.rows}.csv"), arguments.rows)
    with serving("bare", numbered=True, latency=latency) as server:
        parameters = {
            "base_url": server.base_url,
            "folder": folder,
            "rows": arguments.rows,
            "rounds": arguments.rounds,
        }
        with Contest(__file__, fresh=True) as contest:
            for extra in ("", ", [speed]"):
                figures = contest.once(Task(extra, parameters))
                for method in METHODS:
                    seen[method + extra] = [
                        _of_one(figures, f"{method} {number} ")
                        for number in range(arguments.rounds)
                    ]
    return seen


def _of_one(figures: Figures, prefix: str) -> Figures:
    return {key.removeprefix(prefix): value for key, value in figures.items() if prefix in key}


def measure_replays(server: Server, folder: str, lengths: list[int]) -> dict[str, Figures]:
    """Return the peak memory and time of running a finished job again, by its number of rows."""
    seen: dict[str, Figures] = {}
    with Contest(__file__, fresh=True) as contest:
        for rows in lengths:
            parameters: dict[str, Any] = {
                "base_url": server.base_url,
                "folder": folder,
                "rows": rows,
            }
            contest.once(Task("finished journal", parameters))
            seen[f"{rows:,}"] = contest.once(Task("replay", parameters))
            size = Path(folder, f"{rows}.journal").stat().st_size
            seen[f"{rows:,}"]["journal_mib"] = size / 2**20
    return seen


def throughput_table(seen: dict[str, list[Figures]]) -> str:
    rows = [
        [
            name,
            spread(column(figures, "per_second"), ",.0f"),
            spread(ratios(figures, base, "per_second")),
            spread(column(figures, "cpu_micros"), ",.0f"),
            spread(ratios(figures, base, "cpu_micros")),
            f"{sum(column(figures, 'calls')) - sum(column(figures, 'asked')):.0f}",
        ]
        for name, figures in seen.items()
        for base in [seen["no journal" + (", [speed]" if "[speed]" in name else "")]]
    ]
    return table(["", "rows a second", "ratio", "CPU a row, µs", "ratio", "not asked"], rows)


def replay_table(seen: dict[str, Figures]) -> str:
    rows = [
        [
            name,
            f"{figures['seconds']:.2f}",
            f"{figures['cpu_micros'] * figures['calls'] / 1e6:.2f}",
            f"{figures['peak_mib']:.1f}",
            f"{figures['journal_mib']:.1f}",
            f"{figures['calls'] - figures['done']:.0f}",
            f"{figures['requests']:.0f}",
        ]
        for name, figures in seen.items()
    ]
    titles = ["rows", "seconds", "CPU seconds", "peak, MiB", "journal, MiB", "not done", "requests"]
    return table(titles, rows)


def main() -> None:
    parser = options(__doc__, rounds=5)
    parser.add_argument(
        "--rows", type=int, default=2_000, help="rows that each method imports in a round"
    )
    parser.add_argument(
        "--latency", type=float, default=0.02, help="response time of the slow server, in seconds"
    )
    parser.add_argument("--replayed", type=int, default=1_000_000, help="rows of the finished job")
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    tables: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for latency in (arguments.latency, 0.0):
            seen = race(arguments, latency, folder)
            results[f"latency {latency}"] = seen
            tables += [f"server: {latency * 1000:.0f} ms a response", throughput_table(seen)]
        with serving("bare") as server:
            replays = measure_replays(server, folder, [10_000, arguments.replayed])
        results["replay"] = replays
        tables.append(replay_table(replays))
    report(arguments, "journal", "\n\n".join(tables), results, ["aiohttp", "orjson", "uvloop"])


if __name__ == "__main__":
    main()
