"""Works off the rows of a job: many customers side by side, the steps of each in order.

What is to be done next is decided in `deciding` and `settling`; here it is done and waited for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Final

import attrs

from moregood_async.batch import WorkerPool
from moregood_async.bulk.clocks import ServerClock
from moregood_async.bulk.deciding import (
    MOST_TRIES,
    Move,
    asked_already,
    ending_of,
    kind_of,
    next_move,
    rest_after,
)
from moregood_async.bulk.intake import Intake
from moregood_async.bulk.journal import Journal
from moregood_async.bulk.journal.entry import Entry
from moregood_async.bulk.orders import Orders
from moregood_async.bulk.preparing import Item
from moregood_async.bulk.sending import save, send, told_of
from moregood_async.bulk.settling import Verdict, ask_verdict, charge_verdict
from moregood_async.bulk.states import Event, State, Step
from moregood_async.bulk.stopping import WINDOW_ROWS, StopRule
from moregood_async.bulk.waiting_room import WaitingRoom
from moregood_async.client import MoreGoodClient
from moregood_async.errors import Drained, MoreGoodError
from moregood_async.models.customers import Customer
from moregood_async.wire import Drain

ROWS_AT_WORK: Final = 96
"""Rows at work at once: so many that commits and requests of some hide those of others."""

UNSEEN: Final = "it could not be looked up"

UNCLEAR: Final = "what the API shows does not tell whether it happened; look at the customer there"

GAVE_UP: Final = "tried often enough; nothing has happened"


@attrs.define
class Spent:
    """Seconds and calls, by what they were spent on."""

    seconds: dict[str, float] = attrs.field(factory=dict[str, float])
    calls: int = 0

    def add(self, phase: str, began: float) -> None:
        """One more call of this phase has ended."""
        self.seconds[phase] = self.seconds.get(phase, 0.0) + time.monotonic() - began
        self.calls += 1


class StoppedItself(MoreGoodError):
    """A run stopped by itself, since too much failed in the same way; it can be resumed."""

    advice = "Nothing is lost. Mend the cause, and resume."


class Engine:
    """One run over the rows."""

    def __init__(
        self,
        client: MoreGoodClient,
        journal: Journal,
        intake: Intake,
        orders: Orders,
        clock: ServerClock,
        *,
        since: float,
        asked: int,
        spent: Spent,
    ) -> None:
        self._drain = Drain()
        self._client = client.with_options(drain=self._drain)
        self._journal = journal
        self._intake = intake
        self._orders = orders
        self._clock = clock
        self._since = since
        self._asked = asked
        self._room = WaitingRoom()
        self._rule = StopRule()
        self._news = asyncio.Event()
        self._at_work = 0
        self._stopping = False
        self.spent: Spent = spent
        self.stopped_by: Exception | None = None
        """Why it stopped by itself, or None."""

    @property
    def waiting(self) -> int:
        """Rows that wait for a time to come."""
        return len(self._room)

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop, or stopped itself."""
        return self._stopping

    def stop(self) -> None:
        """Read no further row, and send nothing new; what is in flight is finished."""
        self._stopping = True
        self._drain.start()
        self._news.set()

    async def ends(self) -> AsyncGenerator[Entry, None]:
        """Each row that is over, as it ends."""
        work = WorkerPool(self._items(), self._worked, workers=ROWS_AT_WORK, ordered=False)
        async with aclosing(work.results()) as results:
            async for entry in results:
                if entry is not None:
                    yield entry

    # who is next

    async def _items(self) -> AsyncGenerator[Item, None]:
        async with aclosing(self._intake.items()) as fresh:
            at_end = False
            while not self._stopping:
                self._news.clear()
                item = self._room.due(self._clock.now())
                reads = item is None and not at_end and not self._room.is_full
                if reads:
                    try:
                        item = await anext(fresh)
                    except StopAsyncIteration:
                        at_end = True
                if item is not None:
                    if self._room.enters(item):
                        self._at_work += 1
                        yield item
                elif at_end and not self._at_work and not len(self._room):
                    return
                elif not reads:
                    await self._wait()

    async def _wait(self) -> None:
        """For the next who is due, or for any news."""
        due = self._room.next_due
        seconds = None if due is None else max(0.0, due - self._clock.now())
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

    # what is done for one

    async def _worked(self, _: int, item: Item) -> Entry | None:
        """Work on a row until it is over, and give it, or until it has to wait."""
        try:
            while not self._stopping:
                now = self._clock.now()
                move, due = next_move(
                    item.entry,
                    self._orders,
                    now=now,
                    looks=item.looks,
                    not_before=item.not_before,
                    is_fresh=item.is_fresh,
                )
                if due > now:
                    self._room.hold(item, due)
                    return None
                if not await self._done(move, item):
                    break
            return self._left(item)
        finally:
            self._at_work -= 1
            self._news.set()

    def _left(self, item: Item) -> Entry | None:
        """The row, where it is over for this run; None where the run stopped before."""
        self._room.leaves(item)
        entry = item.entry
        if entry.state in (State.DONE, State.FAILED):
            self._learn(entry.kind, entry.error)
        return None if entry.state in (State.READY, State.INTENDED) else entry

    def _learn(self, kind: str, told: str) -> None:
        if not self._stopping and self._rule.learn(kind):
            self.stopped_by = StoppedItself(
                f"more than a tenth of the last {WINDOW_ROWS} rows failed the same way: {told}"
            )
            self.stop()

    async def _done(self, move: Move, item: Item) -> bool:
        """Do it; gives whether there may be more to do."""
        entry = item.entry
        if move is Move.LEAVE:
            return False
        if move is Move.LOOK:
            return await self._look(item)
        if move is Move.CHECK:
            return await self._check(item)
        if move is Move.GIVE_UP:
            entry.becomes(Event.REFUSED, error=f"{GAVE_UP}: {entry.error}", kind=entry.kind)
            self._journal.note(entry)
            return False
        if move is Move.RESEND:
            entry.becomes(Event.SETTLED_NOT)
        if entry.state is State.READY and not await self._intended(item):
            return False
        return await self._send(item)

    async def _intended(self, item: Item) -> bool:
        """Whether the step at hand is in the journal as intended, and may be sent."""
        entry = item.entry
        if self._clock.is_stale:
            with suppress(MoreGoodError):  # the old reading is before the server's time: safe
                await self._clock.learn(self._client)
        if entry.step is Step.ASK:
            return await self._ask_intended(item)
        entry.becomes(Event.INTEND)
        entry.intended_at = self._clock.now()
        await self._journal.put(entry)
        return True

    async def _ask_intended(self, item: Item) -> bool:
        entry, most = item.entry, self._orders.max_asks
        if not item.counted and not item.asked_meanwhile:
            if most is not None and self._asked >= most:
                self._journal.note(entry.goes_unasked("cap"))
                return False
            self._asked += 1
            item.counted = True
        now, meanwhile = self._clock.now(), item.asked_meanwhile
        if await self._journal.intend_ask(entry, now, asked_meanwhile=meanwhile):
            return True
        self._asked -= item.counted
        return False

    async def _send(self, item: Item) -> bool:
        entry, began, sent_at = item.entry, time.monotonic(), self._clock.now()
        try:
            answer = await send(self._client, item)
        except Exception as error:  # noqa: BLE001 - it is the row's, and told with it
            return self._failed(item, error)
        finally:
            self.spent.add(entry.step.name.lower(), began)
        sent = entry.step
        if isinstance(answer, Customer):
            self._saved(item, answer, sent_at)
        elif sent is Step.CHARGE:
            entry.charged_at = self._clock.now()
        entry.becomes(Event.HAPPENED)
        if entry.is_over or sent is Step.CHARGE or self._stopping:
            self._journal.note(entry)
        return not entry.is_over

    def _saved(self, item: Item, customer: Customer, sent_at: float) -> None:
        """What the upsert's answer says of the time before."""
        entry = item.entry
        entry.customer, entry.charges_before = customer.id, customer.charges_count
        entry.saved_at = sent_at
        charged = customer.last_charged_at
        entry.charged_before = charged.timestamp() if charged else None
        self._seen(item, customer)

    def _seen(self, item: Item, customer: Customer) -> None:
        """Whether its customer was asked already, as the API has it now."""
        asked_at, now = customer.last_asked_at, self._clock.now()
        why = asked_already(asked_at, self._orders, now=now, since=self._since)
        item.is_fresh, item.asked_meanwhile = True, why == "meanwhile"  # by whom, the journal knows
        if item.entry.asks and why == "recent":
            item.entry.goes_unasked("recent")

    def _failed(self, item: Item, error: Exception) -> bool:
        """Gives whether there may be more to do."""
        entry, ending = item.entry, ending_of(error)
        entry.becomes(ending.event, error=told_of(error), kind=ending.kind)
        now = self._clock.now()
        if entry.state is State.UNKNOWN:
            entry.lost_at, item.looks = now, 0
        elif entry.state is State.READY:
            item.not_before = now + rest_after(max(1, entry.tries))
            if not ending.is_final:
                self._learn(ending.kind, entry.error)
        self._journal.note(entry)
        if ending.is_final and self.stopped_by is None:
            self.stopped_by = error
            self.stop()
        return not entry.is_over

    # what became of one

    async def _look(self, item: Item) -> bool:
        """Look at what the API has; gives whether there may be more to do."""
        entry, began, looked_at = item.entry, time.monotonic(), self._clock.now()
        try:
            verdict = await self._verdict(item)
        except Exception as error:  # noqa: BLE001 - it is the row's, and told with it
            if isinstance(error, Drained):
                return False
            entry.error = f"{UNSEEN}: {told_of(error)}"
            if self._is_worth_another_look(item, error):
                return True
            self._journal.note(entry)
            return False
        finally:
            self.spent.add("settle", began)
        if verdict is Verdict.HAPPENED:
            if entry.step is Step.CHARGE:
                entry.charged_at = self._clock.now()
            entry.becomes(Event.HAPPENED)
        elif verdict is Verdict.UNCLEAR:
            entry.error = UNCLEAR
        elif looked_at >= (entry.lost_at or looked_at) + self._orders.settle_after:
            entry.becomes(Event.SETTLED_NOT, error=entry.error, kind=entry.kind)
            item.not_before, item.is_fresh = 0.0, False
        else:
            item.looks += 1
            return True
        self._journal.note(entry)
        return not entry.is_over and verdict is not Verdict.UNCLEAR

    async def _verdict(self, item: Item) -> Verdict:
        entry, customers = item.entry, self._client.customers
        if entry.step is Step.ASK and entry.customer is not None:
            return ask_verdict(entry, await customers.messages(entry.customer).collect())
        if entry.step is Step.CHARGE and item.customer is not None:
            if await self._journal.charged_meanwhile(entry):
                return Verdict.UNCLEAR
            now = await save(self._client, item)  # it is idempotent, and its answer counts
            return charge_verdict(entry, now, dated=self._orders.dates_charges)
        return Verdict.UNCLEAR

    async def _check(self, item: Item) -> bool:
        """See whether its customer was asked since; gives whether there may be more to do."""
        entry, began = item.entry, time.monotonic()
        try:
            answer = await save(self._client, item)  # it is idempotent, and its answer tells
        except Exception as error:  # noqa: BLE001 - it is the row's, and told with it
            if self._is_worth_another_look(item, error):
                return True
            if not self._stopping:
                told = f"{UNSEEN}: {told_of(error)}"
                self._journal.note(entry.becomes(Event.REFUSED, error=told, kind=kind_of(error)))
            return False
        finally:
            self.spent.add("upsert", began)
        self._seen(item, answer)
        if entry.is_over:
            self._journal.note(entry)
        return not entry.is_over

    def _is_worth_another_look(self, item: Item, error: Exception) -> bool:
        """Whether it is, after a rest; where the API cannot be used, the run stops."""
        if isinstance(error, Drained):
            return False
        ending = ending_of(error)
        if ending.is_final:
            self.stopped_by = self.stopped_by or error
            self.stop()
        else:
            self._learn(ending.kind, told_of(error))
        item.blind_looks += 1
        item.not_before = self._clock.now() + rest_after(item.blind_looks)
        return ending.event is not Event.REFUSED and item.blind_looks < MOST_TRIES
