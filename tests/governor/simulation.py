"""Clients that keep to what a `Governor` decides, on a virtual clock: no loop, no real time.

A request waits for its turn, is under way for half the latency and some jitter, meets the server,
and is under way again; so requests and answers overtake each other. A refused request is repeated
until it is let in. Where a client waits for ever, the simulation says so.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import count

import attrs

from moregood_async.config import Limits
from moregood_async.governor.governor import Governor
from moregood_async.governor.ledger import Sent
from moregood_async.wire import Response
from tests.governor.servers import Server

IN_FLIGHT = 32
LATENCY = 0.05
BEGINS = 1000.3
"""Where the clocks stand: not on a whole second."""


def governor(max_concurrency: int = IN_FLIGHT) -> Governor:
    """One that has been told nothing."""
    return Governor(Limits(max_concurrency, None))


Event = tuple[float, int, Callable[[], None]]
"""When, in which order of those at the same time, and what."""


@attrs.define
class Way:
    """The network between a client and the server."""

    latency: float = LATENCY
    jitter: float = 0.002
    """At most so much more, each way."""
    connecting: float = 0.0
    """The first requests, before any answer, take so much longer to the server."""


@attrs.define
class Client:
    """Wants to send a request at each of these times, counted from the simulation's begin."""

    wanted: Sequence[float]
    governor: Governor = attrs.field(factory=governor)
    way: Way = attrs.field(factory=Way)
    lost: Callable[[int], bool] = lambda _: False
    """Whether the request of this number, counted from 1, gets no answer; by default none."""
    done: int = 0
    sent: int = 0
    refused: int = 0
    ended: float = 0.0
    """When the last was let in, and its answer here."""
    longest_wait: float = 0.0
    """The longest time for which a request was ready and none under way."""
    ready: deque[float] = attrs.field(factory=deque[float], init=False)
    in_flight: int = attrs.field(default=0, init=False)
    wakes_at: float = attrs.field(default=math.inf, init=False)
    idle_since: float = attrs.field(default=0.0, init=False)


@attrs.define
class Simulation:
    """Runs clients against one server."""

    server: Server
    clients: list[Client]
    seed: int = 1
    others: Iterable[float] = ()
    """When somebody else's requests meet the server."""
    at_most: float = math.inf
    """Seconds after which it is stuck."""
    now: float = BEGINS
    _events: list[Event] = attrs.field(factory=list["Event"], init=False)
    _order: count[int] = attrs.field(factory=count, init=False)
    _rng: random.Random = attrs.field(factory=random.Random, init=False)

    def run(self) -> None:
        """Until everybody is done.

        Raises:
            AssertionError: Somebody waits for ever, or for too long.
        """
        self._rng.seed(self.seed)
        for at in self.others:
            self._at(BEGINS + at, self._other)
        for client in self.clients:
            for at in client.wanted:
                self._at(BEGINS + at, partial(self._wants, client))
        while self._events:
            self.now, _, event = heapq.heappop(self._events)
            assert self.now <= BEGINS + self.at_most, f"stuck: {self.clients}"
            event()
        for client in self.clients:
            assert not client.ready, f"deadlock: {client}"

    def _at(self, at: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (at, next(self._order), event))

    def _other(self) -> None:
        self.server.hit(self.now)

    def _wants(self, client: Client) -> None:
        if not client.ready and not client.in_flight:
            client.idle_since = self.now
        client.ready.append(self.now)
        self._pump(client)

    def _pump(self, client: Client) -> None:
        while client.ready:
            opens = client.governor.opens_at(self.now)
            if opens > self.now:
                self._wake(client, opens)
                return
            if not client.in_flight:
                client.longest_wait = max(client.longest_wait, self.now - client.idle_since)
            client.ready.popleft()
            self._go(client, client.governor.started(self.now))

    def _wake(self, client: Client, opens: float) -> None:
        if opens == math.inf:
            assert client.in_flight, f"deadlock: {client}"
        elif opens != client.wakes_at:
            client.wakes_at = opens
            self._at(opens, partial(self._woken, client, opens))

    def _woken(self, client: Client, opens: float) -> None:
        if opens == client.wakes_at:
            client.wakes_at = math.inf
            self._pump(client)

    def _go(self, client: Client, sent: Sent) -> None:
        client.in_flight += 1
        client.sent += 1
        connecting = 0.0 if client.done or client.refused else client.way.connecting
        self._at(self.now + self._half(client) + connecting, partial(self._arrives, client, sent))

    def _half(self, client: Client) -> float:
        return client.way.latency / 2 + self._rng.random() * client.way.jitter

    def _arrives(self, client: Client, sent: Sent) -> None:
        response = self.server.hit(self.now)
        answer = None if client.lost(sent.number) else response
        self._at(self.now + self._half(client), partial(self._returns, client, sent, answer))

    def _returns(self, client: Client, sent: Sent, response: Response | None) -> None:
        client.in_flight -= 1
        client.idle_since = self.now
        if response is None:
            client.governor.unanswered(sent)
        else:
            client.governor.answered(self.now, sent, "customers.upsert", response)
        if response is not None and response.status == 200:
            client.done += 1
            client.ended = self.now - BEGINS
        else:
            client.refused += response is not None
            client.ready.appendleft(self.now)
        self._pump(client)


def at_once(number: int) -> list[float]:
    """So many requests, all wanted at the beginning."""
    return [0.0] * number
