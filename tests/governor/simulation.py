"""Clients that obey a `Governor`, on a virtual clock: no event loop, no real time.

A request waits for its turn, travels to the server for half the latency and some jitter, and its
response travels back; so requests and responses overtake each other. A throttled request is sent
again until it is accepted. A client that would wait for ever fails the simulation.
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
from moregood_async.governor.ledger import Ticket
from moregood_async.wire import Response
from tests.governor.servers import Server

MAX_IN_FLIGHT = 32
LATENCY = 0.05
START = 1000.3
"""The clocks' time when a simulation starts: not a whole second."""


def governor(max_concurrency: int = MAX_IN_FLIGHT) -> Governor:
    """Return a new governor."""
    return Governor(Limits(max_concurrency, None))


Event = tuple[float, int, Callable[[], None]]
"""The time, the order among events of the same time, and the action."""


@attrs.define
class Network:
    """The network between a client and the server."""

    latency: float = LATENCY
    jitter: float = 0.002
    """The most that one way takes beyond half the latency."""
    connecting: float = 0.0
    """Added to the requests sent before the first response: they connect first."""


@attrs.define
class Client:
    """Sends a request for each of ``wanted_at``, in seconds since the start."""

    wanted_at: Sequence[float]
    governor: Governor = attrs.field(factory=governor)
    network: Network = attrs.field(factory=Network)
    loses_response: Callable[[int], bool] = lambda _: False
    """Whether the response to the request of this number, counted from 1, is lost."""
    accepted: int = 0
    sent: int = 0
    throttled: int = 0
    finished_at: float = 0.0
    """When the response to the last accepted request arrived, in seconds since the start."""
    longest_wait: float = 0.0
    """The longest time for which a request was ready and none was in flight."""
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
    """When requests of other clients of the key arrive at the server."""
    max_seconds: float = math.inf
    """A longer simulation counts as stuck."""
    now: float = START
    _events: list[Event] = attrs.field(factory=list["Event"], init=False)
    _order: count[int] = attrs.field(factory=count, init=False)
    _rng: random.Random = attrs.field(factory=random.Random, init=False)

    def run(self) -> None:
        """Run until every request is accepted.

        Raises:
            AssertionError: A client waits for ever, or the simulation takes too long.
        """
        self._rng.seed(self.seed)
        for at in self.others:
            self._schedule(START + at, self._send_other)
        for client in self.clients:
            for at in client.wanted_at:
                self._schedule(START + at, partial(self._enqueue, client))
        while self._events:
            self.now, _, event = heapq.heappop(self._events)
            assert self.now <= START + self.max_seconds, f"stuck: {self.clients}"
            event()
        for client in self.clients:
            assert not client.ready, f"deadlock: {client}"

    def _schedule(self, at: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (at, next(self._order), event))

    def _send_other(self) -> None:
        self.server.handle(self.now)

    def _enqueue(self, client: Client) -> None:
        if not client.ready and not client.in_flight:
            client.idle_since = self.now
        client.ready.append(self.now)
        self._send_ready(client)

    def _send_ready(self, client: Client) -> None:
        while client.ready:
            allowed_at = client.governor.next_allowed_at(self.now)
            if allowed_at > self.now:
                self._wake_at(client, allowed_at)
                return
            if not client.in_flight:
                client.longest_wait = max(client.longest_wait, self.now - client.idle_since)
            client.ready.popleft()
            self._send(client, client.governor.start(self.now))

    def _wake_at(self, client: Client, at: float) -> None:
        if at == math.inf:
            assert client.in_flight, f"deadlock: {client}"
        elif at != client.wakes_at:
            client.wakes_at = at
            self._schedule(at, partial(self._wake, client, at))

    def _wake(self, client: Client, at: float) -> None:
        if at == client.wakes_at:
            client.wakes_at = math.inf
            self._send_ready(client)

    def _send(self, client: Client, ticket: Ticket) -> None:
        client.in_flight += 1
        client.sent += 1
        connecting = 0.0 if client.accepted or client.throttled else client.network.connecting
        at = self.now + self._one_way(client) + connecting
        self._schedule(at, partial(self._arrive, client, ticket))

    def _one_way(self, client: Client) -> float:
        return client.network.latency / 2 + self._rng.random() * client.network.jitter

    def _arrive(self, client: Client, ticket: Ticket) -> None:
        handled = self.server.handle(self.now)
        response = None if client.loses_response(ticket.number) else handled
        at = self.now + self._one_way(client)
        self._schedule(at, partial(self._return, client, ticket, response))

    def _return(self, client: Client, ticket: Ticket, response: Response | None) -> None:
        client.in_flight -= 1
        client.idle_since = self.now
        if response is None:
            client.governor.fail(ticket)
        else:
            client.governor.receive(self.now, ticket, "customers.upsert", response)
        if response is not None and response.status == 200:
            client.accepted += 1
            client.finished_at = self.now - START
        else:
            client.throttled += response is not None
            client.ready.appendleft(self.now)
        self._send_ready(client)


def at_start(number: int) -> list[float]:
    """Return the times of ``number`` requests that are all wanted at the start."""
    return [0.0] * number
