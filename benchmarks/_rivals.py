"""The contestants of `pace` that are not ours: how other libraries retry and pace requests.

Each is a `Rival`: from a function that sends one attempt it makes a coroutine function that
retries a numbered request until the server accepts it. All rivals send by the same plain aiohttp
code, with the same number of workers. Where a library raises after its last attempt, the worker
waits a second and starts a new call.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from _harness import Figures, contestant, measured

IN_FLIGHT = 32
TOO_MANY = 429
GIVEN_UP_SECONDS = 1.0


@dataclass(frozen=True)
class RivalResponse:
    """The parts of a response that the libraries read, under botocore's and openai's names."""

    status_code: int
    headers: Mapping[str, str]


@dataclass(frozen=True)
class KnownLimit:
    """The server's limit, for libraries that need it: ``requests`` in each ``seconds``."""

    requests: float
    seconds: float


Send = Callable[[int], Awaitable[RivalResponse]]
Call = Callable[[int], Awaitable[None]]
Rival = Callable[[Send, KnownLimit], Call]


def row(number: int) -> dict[str, Any]:
    """Return the row with this number; each has its own email."""
    return {
        "first_name": "Ada",
        "last_name": f"Larkmoor{number}",
        "email": f"ada{number}@example.com",
        "company": "Larkmoor Books",
        "city": "San Francisco",
    }


@contextlib.asynccontextmanager
async def plain_sender(base_url: str) -> AsyncGenerator[Send]:
    """Yield a function that sends one attempt by plain aiohttp."""
    headers = {"Authorization": "Bearer test-key", "Accept": "application/json"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def send(number: int) -> RivalResponse:
            async with session.post(f"{base_url}/customers", json=row(number)) as response:
                await response.json()
                return RivalResponse(response.status, response.headers)

        yield send


@contextlib.asynccontextmanager
async def race(posts: int, at_most_seconds: float) -> AsyncGenerator[Figures]:
    """Measure until the last success; the block reports each success to `count_success`.

    A contestant is stopped after ``at_most_seconds``; its figures cover the calls done by then.
    """
    loop = asyncio.get_running_loop()
    with measured(posts) as figures:
        began = loop.time()
        figures |= {"done": 0.0, "began": began, "last": began}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most_seconds):
                yield figures
        figures["stopped"] = float(loop.time() - began >= at_most_seconds)
    figures["seconds"] = figures.pop("last") - figures.pop("began")
    figures["cpu_micros"] *= posts / max(1.0, figures["done"])


def count_success(figures: Figures) -> None:
    """Count one more successful call, and note the time."""
    figures["done"] += 1
    figures["last"] = asyncio.get_running_loop().time()


def rival(name: str, *needs: str) -> Callable[[Rival], Rival]:
    """Register a `Rival` as a contestant; its workers take the numbers in turn."""

    def register(make: Rival) -> Rival:
        @contestant(name, needs=("aiohttp", *needs))
        async def run(
            base_url: str, posts: int, at_most_seconds: float, known: tuple[float, float]
        ) -> Figures:
            async with plain_sender(base_url) as send:
                call, numbers = make(send, KnownLimit(*known)), iter(range(posts))
                async with race(posts, at_most_seconds) as figures:

                    async def work() -> None:
                        for number in numbers:
                            await call(number)
                            count_success(figures)

                    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
            return figures

        return make

    return register


@rival("tenacity, with jitter", "tenacity")
def by_tenacity(send: Send, _: KnownLimit) -> Call:
    """Retry by tenacity, with the documented settings for exponential backoff with full jitter."""
    from tenacity import AsyncRetrying, retry_if_result, wait_random_exponential

    async def call(number: int) -> None:
        throttled = retry_if_result(lambda response: response.status_code == TOO_MANY)
        wait = wait_random_exponential(multiplier=1, max=60)
        await AsyncRetrying(wait=wait, retry=throttled)(send, number)

    return call


@rival("openai's client", "openai")
def by_openai(send: Send, _: KnownLimit) -> Call:
    """Retry as openai's client decides, in a copy of the loop in its ``request``."""
    import openai
    from openai._models import FinalRequestOptions

    client = openai.AsyncOpenAI(api_key="test-key", base_url="http://127.0.0.1")
    options = FinalRequestOptions(method="post", url="/customers")
    decide: Any = client  # both methods below are private

    async def once(number: int) -> bool:
        for left in range(client.max_retries, -1, -1):
            response = await send(number)
            if response.status_code < 400:
                return True
            if not left or not decide._should_retry(response):
                return False
            await asyncio.sleep(decide._calculate_retry_timeout(left, options, response.headers))
        return False

    return _until_done(once)


def _until_done(once: Callable[[int], Awaitable[bool]]) -> Call:
    async def call(number: int) -> None:
        done = await once(number)
        while not done:
            await asyncio.sleep(GIVEN_UP_SECONDS)
            done = await once(number)

    return call


@rival("aiolimiter, as stated", "aiolimiter")
def by_aiolimiter(send: Send, known: KnownLimit) -> Call:
    """The limit as the server states it: it allows the whole burst at once."""
    from aiolimiter import AsyncLimiter

    return _limited(send, AsyncLimiter(known.requests, known.seconds))


@rival("aiolimiter, evenly", "aiolimiter")
def by_aiolimiter_evenly(send: Send, known: KnownLimit) -> Call:
    """The same rate, one request at a time."""
    from aiolimiter import AsyncLimiter

    return _limited(send, AsyncLimiter(1, known.seconds / known.requests))


def _limited(send: Send, limiter: contextlib.AbstractAsyncContextManager[None]) -> Call:
    async def call(number: int) -> None:
        while True:
            async with limiter:
                response = await send(number)
            if response.status_code != TOO_MANY:
                return

    return call


# ---- botocore ----


class _Botocore:
    """The parts of a botocore client that its retry modes use; they register their own handlers."""

    def __init__(self) -> None:
        from botocore.hooks import HierarchicalEmitter
        from botocore.model import ServiceModel

        about = {"serviceId": "beacon", "protocol": "rest-json"}
        model = {"metadata": about, "operations": {"upsert": {"name": "upsert"}}, "shapes": {}}
        self.meta = self  # botocore reads client.meta.service_model and client.meta.events
        self.service_model: Any = ServiceModel(model, "beacon")
        self.events: Any = HierarchicalEmitter()
        self.operation: Any = self.service_model.operation_model("upsert")

    def retry_delay(
        self, attempts: int, response: RivalResponse, context: dict[str, Any]
    ) -> float | None:
        """Return the seconds until the next attempt, or None if there is no next attempt."""
        failed = response.status_code >= 300
        results = self.events.emit(
            "needs-retry.beacon.upsert",
            response=(response, {"Error": {"Code": str(response.status_code)}} if failed else {}),
            operation=self.operation,
            attempts=attempts,
            caught_exception=None,
            request_dict={"context": context},
        )
        return next((seconds for _, seconds in results if seconds not in (None, False)), None)

    def end_call(self, response: RivalResponse, context: dict[str, Any]) -> None:
        """Report the end of a call to botocore's handlers."""
        self.events.emit("after-call.beacon.upsert", http_response=response, context=context)


@dataclass
class _Permits:
    """An async wait for botocore's token bucket, which blocks a thread on a condition."""

    bucket: Any
    first: asyncio.Lock = field(default_factory=asyncio.Lock)
    rate_changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def acquire(self) -> None:
        from botocore.exceptions import CapacityNotAvailableError

        async with self.first:
            while True:
                self.rate_changed.clear()
                with contextlib.suppress(CapacityNotAvailableError):
                    self.bucket.acquire(block=False)
                    return
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.bucket._sleep_amount(1)):
                        await self.rate_changed.wait()


@rival("botocore, standard", "botocore")
def by_botocore_standard(send: Send, _: KnownLimit) -> Call:
    """Retry by botocore's own handlers and quota, with its default number of attempts."""
    from botocore.retries import standard

    client = _Botocore()
    standard.register_retry_handler(client)
    return _by_botocore(send, client)


@rival("botocore, adaptive", "botocore")
def by_botocore_adaptive(send: Send, _: KnownLimit) -> Call:
    """Retry by the same handlers, with botocore's own rate limiter."""
    from botocore.retries import adaptive, standard

    client = _Botocore()
    standard.register_retry_handler(client)
    limiter = adaptive.register_retry_handler(client)
    permits = _Permits(limiter._token_bucket)

    async def send_paced(number: int) -> RivalResponse:
        if limiter._enabled:  # as its on_sending_request does
            await permits.acquire()
        return await send(number)

    return _by_botocore(send_paced, client, permits.rate_changed.set)


def _by_botocore(
    send: Send, client: _Botocore, on_response: Callable[[], None] = lambda: None
) -> Call:
    """Return a copy of the loops in botocore's ``_make_api_call`` and ``_send_request``."""

    async def once(number: int) -> bool:
        context: dict[str, Any] = {}
        response, attempts = await send(number), 1
        while (seconds := client.retry_delay(attempts, response, context)) is not None:
            on_response()
            await asyncio.sleep(seconds)
            response, attempts = await send(number), attempts + 1
        on_response()
        client.end_call(response, context)
        return response.status_code < 300

    return _until_done(once)
