"""Importing: each row's customer is upserted, then asked, and each row's end is told once.

::

    row ─┬─ cannot be sent ───────────────────────── rejected
         └─ upsert ─┬─ error ─────────────────────── failed, or unknown: it may be two then
                    └─ done ─┬─ no ask wanted ────── done
                             ├─ no channel reaches ─ done, not askable
                             ├─ asked before ─────── done, repeats a line, or is held
                             └─ ask ─┬─ done ─────── done, asked
                                     ├─ refused ──── failed
                                     └─ may be ───── unknown: it is never sent again

The two stages run side by side with a bounded queue between them, so that memory does not grow
with the file, and a person's upsert has succeeded before their ask leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator

import attrs

from moregood_async.bulk.asking import AskTemplate, People
from moregood_async.bulk.outcomes import RowResult
from moregood_async.bulk.rows import Row
from moregood_async.bulk.usability import Usability
from moregood_async.client import MoreGoodClient
from moregood_async.errors import InvalidRequest
from moregood_async.models.asks import AskCreate
from moregood_async.models.customers import Customer, CustomerUpsert

WAITING_TO_BE_ASKED = 64
"""Customers that may stand between the two stages."""


@attrs.frozen
class _Sent:
    """A row on its way through the stages."""

    row: Row
    customer: CustomerUpsert
    saved: Customer | None = None
    ask: AskCreate | None = None


class Import:
    """One run over the rows of a file.

    ::

        importing = Import(client, read_csv("customers.csv"), ask=AskTemplate(channels=["email"]))
        await importing.run(lambda result: print(result.row.line, result.outcome))

    Attributes:
        usability: Whether the API could be used; its ``verdict`` says why a run stopped itself.
    """

    def __init__(
        self,
        client: MoreGoodClient,
        rows: Iterable[Row],
        *,
        ask: AskTemplate | None = None,
    ) -> None:
        self._client = client
        self._rows = rows
        self._template = ask
        self._people = People()
        self._upserting: dict[int, _Sent] = {}
        self._asking: dict[int, _Sent] = {}
        self._to_ask: asyncio.Queue[_Sent | None] = asyncio.Queue(WAITING_TO_BE_ASKED)
        self._heard = asyncio.Event()
        self._sent = 0
        self._stopping = False
        self._tell: Callable[[RowResult], None] = lambda _: None
        self.usability: Usability = Usability()

    async def run(self, tell: Callable[[RowResult], None]) -> None:
        """Send everything, and tell each row's end as it comes.

        Cancelling it stops at once; `unfinished` then names the rows whose end nobody knows.
        """
        self._tell = tell
        try:
            async with asyncio.TaskGroup() as stages:
                stages.create_task(self._upsert_all())
                stages.create_task(self._ask_all())
        except ExceptionGroup as group:
            raise group.exceptions[0] from group

    def stop(self) -> None:
        """Read no further row; what was read is finished."""
        self._stopping = True
        self._heard.set()

    def unfinished(self) -> Iterator[RowResult]:
        """After a cancelled run: what is known of the rows that were under way."""
        for sent in self._asking.values():
            yield RowResult.stopped_asking(sent.row, sent.saved)
        while not self._to_ask.empty():
            waiting = self._to_ask.get_nowait()
            if waiting is not None:
                yield RowResult.not_asked(waiting.row, waiting.saved)
        for sent in self._upserting.values():
            yield RowResult.stopped_upserting(sent.row)

    async def _upsert_all(self) -> None:
        async for result in self._client.customers.upsert_many(self._customers()):
            sent = self._upserting.pop(result.index)
            first_word = not self.usability.answered
            self.usability.learn(result.error)
            if result.value is not None:
                await self._saved(attrs.evolve(sent, saved=result.value))
            else:
                unsent = first_word and self.usability.verdict is result.error
                self._tell(RowResult.of_upsert(sent.row, result, unsent=unsent))
            self._heard.set()
        await self._to_ask.put(None)

    async def _customers(self) -> AsyncIterator[CustomerUpsert]:
        for row in self._rows:
            try:
                customer = row.customer()
            except InvalidRequest as error:
                self._tell(RowResult(row, "rejected", error=error))
                await asyncio.sleep(0)
            else:
                self._upserting[self._sent] = _Sent(row, customer)
                self._sent += 1
                yield customer
                await self._turn()
            if self._ends:
                return

    @property
    def _ends(self) -> bool:
        return self._stopping or self.usability.verdict is not None

    async def _turn(self) -> None:
        """The next row waits until the API has answered one, so that a refusal costs one row."""
        while self._upserting and not (self.usability.answered or self._ends):
            self._heard.clear()
            await self._heard.wait()

    async def _saved(self, sent: _Sent) -> None:
        if self._template is None:
            return self._tell(RowResult(sent.row, "done", saved=sent.saved))
        ask = self._template.ask(sent.customer)
        if ask is None:
            return self._tell(RowResult.not_askable(sent.row, sent.saved))
        if sent.row.held:
            return self._tell(RowResult.holding(sent.row, sent.saved))
        known_as = sent.saved.id if sent.saved else None
        first = self._people.claim(sent.customer, sent.row.line, known_as)
        if first != sent.row.line:
            return self._tell(RowResult.repeating(sent.row, sent.saved, first))
        return await self._to_ask.put(attrs.evolve(sent, ask=ask))

    async def _ask_all(self) -> None:
        async for result in self._client.asks.create_many(self._asks()):
            sent = self._asking.pop(result.index)
            self.usability.learn(result.error)
            channels = sent.ask.channels if sent.ask else ()
            self._tell(RowResult.of_ask(sent.row, sent.saved, channels, result))

    async def _asks(self) -> AsyncIterator[AskCreate]:
        asked = 0
        while (sent := await self._to_ask.get()) is not None:
            if self.usability.verdict is not None or sent.ask is None:
                self._tell(RowResult.not_asked(sent.row, sent.saved))
                continue
            self._asking[asked] = sent
            asked += 1
            yield sent.ask
