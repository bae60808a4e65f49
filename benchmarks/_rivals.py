"""How others pace themselves: the contestants of `pace` that are not ours.

Each is a `Rival`: given a way to send once, it makes a coroutine function that sends a numbered
request until the server has taken it. All of them send with the same plain aiohttp, and the same
number of workers. Where a library gives up on a call, its worker waits a second and calls again.
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
class Answer:
    """What the libraries' algorithms look at; the names are botocore's and openai's."""

    status_code: int
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Known:
    """The server's limit, for those who have to be told: ``requests`` in each ``seconds``."""

    requests: float
    seconds: float


Send = Callable[[int], Awaitable[Answer]]
Call = Callable[[int], Awaitable[None]]
Rival = Callable[[Send, Known], Call]


def row(number: int) -> dict[str, Any]:
    """What is upserted: each row has an email of its own."""
    return {
        "first_name": "Ada",
        "last_name": f"Larkmoor{number}",
        "email": f"ada{number}@example.com",
        "company": "Larkmoor Books",
        "city": "San Francisco",
    }


@contextlib.asynccontextmanager
async def plain_sender(base_url: str) -> AsyncGenerator[Send]:
    """Sends once by aiohttp, as one would by hand."""
    headers = {"Authorization": "Bearer test-key", "Accept": "application/json"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def send(number: int) -> Answer:
            async with session.post(f"{base_url}/customers", json=row(number)) as answer:
                await answer.json()
                return Answer(answer.status, answer.headers)

        yield send


@contextlib.asynccontextmanager
async def race(posts: int, at_most_seconds: float) -> AsyncGenerator[Figures]:
    """Measures until the last success, which is to be noted with `succeeded`.

    Whoever is not done after ``at_most_seconds`` is stopped, and judged by what is done by then.
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


def succeeded(figures: Figures) -> None:
    """One more call has succeeded, now."""
    figures["done"] += 1
    figures["last"] = asyncio.get_running_loop().time()


def rival(name: str, *needs: str) -> Callable[[Rival], Rival]:
    """A contestant from a `Rival`: workers that take one number after the other."""

    def entered(make: Rival) -> Rival:
        @contestant(name, needs=("aiohttp", *needs))
        async def run(
            base_url: str, posts: int, at_most_seconds: float, known: tuple[float, float]
        ) -> Figures:
            async with plain_sender(base_url) as send:
                call, numbers = make(send, Known(*known)), iter(range(posts))
                async with race(posts, at_most_seconds) as figures:

                    async def work() -> None:
                        for number in numbers:
                            await call(number)
                            succeeded(figures)

                    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
            return figures

        return make

    return entered


@rival("tenacity, with jitter", "tenacity")
def by_tenacity(send: Send, _: Known) -> Call:
    """The settings in its documentation for exponential backoff with full jitter."""
    from tenacity import AsyncRetrying, retry_if_result, wait_random_exponential

    async def call(number: int) -> None:
        again = retry_if_result(lambda answer: answer.status_code == TOO_MANY)
        wait = wait_random_exponential(multiplier=1, max=60)
        await AsyncRetrying(wait=wait, retry=again)(send, number)

    return call


@rival("openai's client", "openai")
def by_openai(send: Send, _: Known) -> Call:
    """Its own decisions, asked of a client of its own; the loop is that of its ``request``."""
    import openai
    from openai._models import FinalRequestOptions

    client = openai.AsyncOpenAI(api_key="test-key", base_url="http://127.0.0.1")
    asked = FinalRequestOptions(method="post", url="/customers")
    decide: Any = client  # what follows is private there

    async def once(number: int) -> bool:
        for left in range(client.max_retries, -1, -1):
            answer = await send(number)
            if answer.status_code < 400:
                return True
            if not left or not decide._should_retry(answer):
                return False
            await asyncio.sleep(decide._calculate_retry_timeout(left, asked, answer.headers))
        return False

    return _not_giving_up(once)


def _not_giving_up(once: Callable[[int], Awaitable[bool]]) -> Call:
    async def call(number: int) -> None:
        done = await once(number)
        while not done:
            await asyncio.sleep(GIVEN_UP_SECONDS)
            done = await once(number)

    return call


@rival("aiolimiter, as stated", "aiolimiter")
def by_aiolimiter(send: Send, known: Known) -> Call:
    """The limit, word by word: what may come at once comes at once."""
    from aiolimiter import AsyncLimiter

    return _limited(send, AsyncLimiter(known.requests, known.seconds))


@rival("aiolimiter, evenly", "aiolimiter")
def by_aiolimiter_evenly(send: Send, known: Known) -> Call:
    """The same rate, one by one."""
    from aiolimiter import AsyncLimiter

    return _limited(send, AsyncLimiter(1, known.seconds / known.requests))


def _limited(send: Send, limiter: contextlib.AbstractAsyncContextManager[None]) -> Call:
    async def call(number: int) -> None:
        while True:
            async with limiter:
                answer = await send(number)
            if answer.status_code != TOO_MANY:
                return

    return call


# ---- botocore ----


class _Botocore:
    """As much of a botocore client as its retry modes need: they register, and wire themselves."""

    def __init__(self) -> None:
        from botocore.hooks import HierarchicalEmitter
        from botocore.model import ServiceModel

        about = {"serviceId": "beacon", "protocol": "rest-json"}
        whole = {"metadata": about, "operations": {"upsert": {"name": "upsert"}}, "shapes": {}}
        self.meta = self  # a client has one, which has the next two
        self.service_model: Any = ServiceModel(whole, "beacon")
        self.events: Any = HierarchicalEmitter()
        self.operation: Any = self.service_model.operation_model("upsert")

    def needs_retry(self, attempts: int, answer: Answer, context: dict[str, Any]) -> float | None:
        """Seconds until the next attempt; None: there is none."""
        failed = answer.status_code >= 300
        said = self.events.emit(
            "needs-retry.beacon.upsert",
            response=(answer, {"Error": {"Code": str(answer.status_code)}} if failed else {}),
            operation=self.operation,
            attempts=attempts,
            caught_exception=None,
            request_dict={"context": context},
        )
        return next((seconds for _, seconds in said if seconds not in (None, False)), None)

    def ended(self, answer: Answer, context: dict[str, Any]) -> None:
        """A call has ended."""
        self.events.emit("after-call.beacon.upsert", http_response=answer, context=context)


@dataclass
class _Permits:
    """The wait for botocore's token bucket: in its threads a condition, here a future."""

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
def by_botocore_standard(send: Send, _: Known) -> Call:
    """Its own handlers and quota, and its usual number of attempts."""
    from botocore.retries import standard

    client = _Botocore()
    standard.register_retry_handler(client)
    return _by_botocore(send, client)


@rival("botocore, adaptive", "botocore")
def by_botocore_adaptive(send: Send, _: Known) -> Call:
    """The same, and its own rate limiter."""
    from botocore.retries import adaptive, standard

    client = _Botocore()
    standard.register_retry_handler(client)
    limiter = adaptive.register_retry_handler(client)
    permits = _Permits(limiter._token_bucket)

    async def paced(number: int) -> Answer:
        if limiter._enabled:  # as its on_sending_request does
            await permits.acquire()
        return await send(number)

    return _by_botocore(paced, client, permits.rate_changed.set)


def _by_botocore(send: Send, client: _Botocore, heard: Callable[[], None] = lambda: None) -> Call:
    """The loops of botocore's ``_make_api_call`` and ``_send_request``."""

    async def once(number: int) -> bool:
        context: dict[str, Any] = {}
        answer, attempts = await send(number), 1
        while (seconds := client.needs_retry(attempts, answer, context)) is not None:
            heard()
            await asyncio.sleep(seconds)
            answer, attempts = await send(number), attempts + 1
        heard()
        client.ended(answer, context)
        return answer.status_code < 300

    return _not_giving_up(once)
