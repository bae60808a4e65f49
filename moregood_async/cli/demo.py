"""``moregood demo``: everything at work on this machine, with made-up customers."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Any

import attrs

from moregood_async.bulk.contacts import contact_keys
from moregood_async.bulk.exporting import CsvWriter, whole_file
from moregood_async.bulk.importing.sources import read_csv
from moregood_async.bulk.job import Job
from moregood_async.bulk.templates import AskTemplate
from moregood_async.cli import demo_report, exits
from moregood_async.cli.console import Voice
from moregood_async.cli.demo_report import Story
from moregood_async.cli.progress import Steps
from moregood_async.cli.running import finished
from moregood_async.client import MoreGoodClient
from moregood_async.models.asks import AskCreate
from moregood_async.models.charges import ChargeCreate
from moregood_async.models.customers import CustomerUpsert
from moregood_async.models.reviews import Review
from moregood_async.sandbox import Sandbox

SAMPLE = Path(__file__).with_name("sample_customers.csv")
REVIEWS = Path("moregood-demo-reviews.csv")
_KEY = "demo-key"
_SEED = 7
_DAYS = 7


@attrs.frozen(kw_only=True)
class Wanted:
    """What was typed."""

    as_json: bool = False
    verbose: bool = False


def run(wanted: Wanted) -> int:
    """Show everything once; gives the exit code."""
    voice = Voice(as_json=wanted.as_json, verbose=wanted.verbose)
    return finished(voice, lambda: _Demo(voice).show())


class _Demo:
    """One showing."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._story = Story(reviews_file=REVIEWS)

    async def show(self) -> int:
        """The whole of it, against a sandbox on a socket of this machine."""
        self._voice.console.print(demo_report.welcome())
        with Sandbox(keys=_KEY, seed=_SEED) as sandbox:
            sandbox.people(seed=_SEED)
            async with (
                sandbox.serve() as server,
                MoreGoodClient(_KEY, base_url=server.base_url) as client,
            ):
                began = time.monotonic()
                await self._all_steps(client, sandbox)
                self._story.seconds = time.monotonic() - began
            self._story.requests = sum(sandbox.audit().requests.values())
        self._voice.console.print(demo_report.summary(self._story, self._voice.console.encoding))
        self._voice.summary(self._story.values())
        return exits.DONE if self._story.whole else exits.SOME_FAILED

    async def _all_steps(self, client: MoreGoodClient, sandbox: Sandbox) -> None:
        customers = await self._import(client)
        charges = charges_of(customers, random.Random(_SEED))
        paying = client.charges.create_many(charges)
        await self._each("Recording charges", paying, "charges", len(charges))
        asks = asks_of(customers)
        self._story.asked = Counter(channel for ask in asks for channel in ask.channels)
        asking = client.asks.create_many(asks)
        await self._each("Asking for reviews", asking, "asks", len(asks))
        sandbox.advance(days=_DAYS)
        self._voice.say(f"✓ {_DAYS} days pass: customers open, click a rating, write", style="dim")
        await self._export(client)

    async def _import(self, client: MoreGoodClient) -> list[CustomerUpsert]:
        source = read_csv(SAMPLE)
        rows = [source.row(record) for record in source.records()]
        saved: list[CustomerUpsert] = []
        ids: set[int | None] = set()
        with self._steps("Importing customers", "row", 500) as steps:
            async with Job(client, source, journal=None) as job:
                async for event in job.run():
                    if event.row is None:
                        continue
                    steps.advance()
                    if event.row.outcome != "done":
                        self._story.failed += 1
                        continue
                    saved.append(rows[event.row.row_index].customer())
                    self._story.updated += event.row.customer_id in ids
                    ids.add(event.row.customer_id)
        self._story.created = len(ids)
        return sorted(saved, key=lambda customer: str((customer.email, customer.phone)).lower())

    def _steps(self, title: str, noun: str, total: int | None = None) -> Steps:
        return Steps(self._voice, title.ljust(19), noun=noun, total=total, tells_end=True)

    async def _each(self, title: str, batch: AsyncIterable[Any], counts: str, total: int) -> None:
        with self._steps(title, counts[:-1], total) as steps:
            async for result in batch:
                steps.advance()
                done = result.error is None
                name = counts if done else "failed"
                setattr(self._story, name, getattr(self._story, name) + 1)

    async def _export(self, client: MoreGoodClient) -> None:
        with whole_file(REVIEWS) as file, self._steps("Exporting reviews", "review") as steps:
            writer = CsvWriter(file, Review)
            async for review in client.reviews.list(prefetch=2):
                writer.write(review)
                self._story.scores[review.score or 0] += 1
                self._story.written += bool(review.review)
                steps.advance()


def charges_of(customers: list[CustomerUpsert], chance: random.Random) -> list[ChargeCreate]:
    """What each of them paid, made up."""
    return [
        ChargeCreate(
            email=customer.email,
            phone=customer.phone,
            amount=chance.randrange(900, 25_000, 50),
            currency="USD",
        )
        for customer in customers
    ]


def asks_of(customers: list[CustomerUpsert]) -> list[AskCreate]:
    """One request a person: by email, or by SMS where there is only a phone."""
    known, asks = set[str](), list[AskCreate]()
    for customer in customers:
        by_email = AskTemplate(channels=["email"], reminders_count=1).create(customer)
        ask = by_email or AskTemplate(channels=["sms"], reminders_count=1).create(customer)
        keys = set(contact_keys(customer))
        if ask is not None and not keys & known:
            asks.append(ask)
        known |= keys
    return asks
