"""``moregood demo``: the main job against an embedded sandbox, with made-up customers."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import attrs

from moregood_async.batch import Batch
from moregood_async.bulk.contacts import contact_keys
from moregood_async.bulk.exporting import CsvWriter, whole_file
from moregood_async.bulk.importing.sources import read_csv
from moregood_async.bulk.job import Job
from moregood_async.bulk.templates import AskTemplate
from moregood_async.cli import exit_codes
from moregood_async.cli.demo_summary import DemoSummary, render_summary, render_welcome
from moregood_async.cli.output import Output
from moregood_async.cli.progress_view import ProgressView
from moregood_async.cli.runner import run_command
from moregood_async.client import MoreGoodClient
from moregood_async.models.asks import AskCreate
from moregood_async.models.charges import ChargeCreate
from moregood_async.models.customers import CustomerUpsert
from moregood_async.models.reviews import Review
from moregood_async.sandbox import Sandbox

SAMPLE: Final = Path(__file__).with_name("sample_customers.csv")
REVIEWS: Final = Path("moregood-demo-reviews.csv")
_KEY: Final = "demo-key"
_SEED: Final = 7
"""Seeds all that is random, so that each demo has the same counts."""
_DAYS: Final = 7
"""Days that pass after the asks: enough for the one reminder of each."""


@attrs.frozen(kw_only=True)
class DemoArguments:
    """The options of the command."""

    as_json: bool = False
    verbose: bool = False


def run(arguments: DemoArguments) -> int:
    """Run the demo; return the exit code."""
    output = Output(as_json=arguments.as_json, verbose=arguments.verbose)
    return run_command(output, lambda: _Demo(output).run())


class _Demo:
    """One demo."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._summary = DemoSummary(reviews_file=REVIEWS)

    async def run(self) -> int:
        """Run all steps against a sandbox on a socket; return the exit code."""
        console = self._output.console
        console.print(render_welcome())
        with Sandbox(keys=_KEY, seed=_SEED) as sandbox:
            sandbox.people(seed=_SEED)
            async with (
                sandbox.serve() as server,
                MoreGoodClient(_KEY, base_url=server.base_url) as client,
            ):
                began = time.monotonic()
                await self._run_steps(client, sandbox)
                self._summary.seconds = time.monotonic() - began
            self._summary.requests = sum(sandbox.audit().requests.values())
        console.print(render_summary(self._summary, console.encoding))
        self._output.print_json(self._summary.as_json())
        return exit_codes.DONE if self._summary.is_complete else exit_codes.NOT_ALL_DONE

    async def _run_steps(self, client: MoreGoodClient, sandbox: Sandbox) -> None:
        customers = await self._import(client)
        charges = make_charges(customers, random.Random(_SEED))
        batch: Batch[Any, Any] = client.charges.create_many(charges)
        view = self._view("Recording charges", "charge", len(charges))
        self._summary.charges = await self._run_batch(batch, view)
        asks = make_asks(customers)
        self._summary.asked = Counter(channel for ask in asks for channel in ask.channels)
        batch = client.asks.create_many(asks)
        view = self._view("Asking for reviews", "ask", len(asks))
        self._summary.asks = await self._run_batch(batch, view)
        sandbox.advance(days=_DAYS)
        self._output.print(
            f"✓ {_DAYS} days pass: customers open, click a rating, write", style="dim"
        )
        await self._export(client)

    async def _import(self, client: MoreGoodClient) -> list[CustomerUpsert]:
        """Import the sample; return the customers that were saved, sorted.

        Rows end in no fixed order, and the made-up charges depend on the order of the customers.
        """
        source = read_csv(SAMPLE)
        rows = [source.row(record) for record in source.records()]
        saved: list[CustomerUpsert] = []
        ids: set[int | None] = set()
        with self._view("Importing customers", "row", len(rows)) as view:
            async with Job(client, source, journal=None) as job:
                async for progress in job.run():
                    result = progress.row
                    if result is None:
                        continue
                    view.advance()
                    if result.outcome != "done":
                        self._summary.failed += 1
                        continue
                    saved.append(rows[result.row_index].customer())
                    self._summary.updated += result.customer_id in ids
                    ids.add(result.customer_id)
        self._summary.created = len(ids)
        return sorted(saved, key=lambda customer: str((customer.email, customer.phone)).lower())

    def _view(self, title: str, noun: str, total: int | None = None) -> ProgressView:
        return ProgressView(self._output, title.ljust(19), noun=noun, total=total, prints_end=True)

    async def _run_batch(self, batch: Batch[Any, Any], view: ProgressView) -> int:
        """Run a batch to its end, and count its failures; return the number of successes."""
        with view:
            async for _ in batch:
                view.advance()
        self._summary.failed += batch.stats.failed + batch.stats.unknown
        return batch.stats.done

    async def _export(self, client: MoreGoodClient) -> None:
        with whole_file(REVIEWS) as file, self._view("Exporting reviews", "review") as view:
            writer = CsvWriter(file, Review)
            async for review in client.reviews.list(prefetch=2):
                writer.write(review)
                self._summary.scores[review.score or 0] += 1
                self._summary.with_text += bool(review.review)
                view.advance()


def make_charges(customers: list[CustomerUpsert], dice: random.Random) -> list[ChargeCreate]:
    """Return a made-up charge for each customer."""
    return [
        ChargeCreate(
            email=customer.email,
            phone=customer.phone,
            amount=dice.randrange(900, 25_000, 50),
            currency="USD",
        )
        for customer in customers
    ]


def make_asks(customers: list[CustomerUpsert]) -> list[AskCreate]:
    """Return one ask for each person: by email, or by SMS if the person has no email."""
    known, asks = set[str](), list[AskCreate]()  # contact keys: two rows with one are one person
    for customer in customers:
        by_email = AskTemplate(channels=["email"], reminders_count=1).create(customer)
        ask = by_email or AskTemplate(channels=["sms"], reminders_count=1).create(customer)
        keys = set(contact_keys(customer))
        if ask is not None and not keys & known:
            asks.append(ask)
        known |= keys
    return asks
