"""The session manager: from an operation and a value to a model or an error.

::

    method → SessionManager → Retry → Pace → your middlewares → observe → transport → aiohttp
           ← model ← codec ← SessionManager ← Response (status, headers, body: read to the end)

Inside the chain an answer is data whatever its status; only here it becomes a model or an error.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs

from moregood_async import codec, envelope
from moregood_async.config import Settings, checked_key
from moregood_async.connections import Connections, LoopConnections
from moregood_async.errors import (
    Attempt,
    InvalidRequest,
    MoreGoodError,
    ServerError,
    UnexpectedResponse,
)
from moregood_async.middleware.observe import observe
from moregood_async.middleware.retry import Retry, RetryBudget, attempt_of
from moregood_async.models.fields import SentValue
from moregood_async.models.pages import Page, Pagination
from moregood_async.operations import Operation
from moregood_async.privacy import ApiKey, Headers, masked
from moregood_async.wire import (
    Deadline,
    Handler,
    Middleware,
    Priority,
    Request,
    Response,
    query_string,
)

T = TypeVar("T")


class SessionManager:
    """Sends the calls of one client or view."""

    def __init__(
        self,
        connections: Connections,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        make_retry: Callable[[int, RetryBudget], Retry] = Retry,
    ) -> None:
        self.connections = connections
        self.settings = settings
        self._clock = clock
        self._make_retry = make_retry
        self._chain: tuple[LoopConnections, Handler] | None = None
        self._headers: tuple[ApiKey, Headers, Headers] | None = None

    async def call(
        self,
        operation: Operation[T],
        value: SentValue,
        *,
        path: Mapping[str, object] | None = None,
        priority: Priority | None = None,
    ) -> T:
        """Send a value; gives the model of the answer."""
        request = await self._request(
            operation.method,
            _filled(operation, path),
            body=codec.encode(value),
            operation=operation.name,
            idempotent=operation.idempotent and value.idempotent,
            priority=priority,
        )
        try:
            response = await self._answer(request)
            return _read(
                request, response, lambda: envelope.model_of(operation.response_model, response)
            )
        except MoreGoodError as error:
            error._with_operation(operation.name, operation.verify_hint)
            raise

    async def page(
        self,
        operation: Operation[T],
        *,
        number: int,
        per_page: int | None = None,
        path: Mapping[str, object] | None = None,
        priority: Priority | None = None,
    ) -> tuple[Page[T], Pagination]:
        """One page of a list, asked for by its number."""
        query = query_string({"page": number, "per_page": per_page})
        request = await self._request(
            operation.method,
            _filled(operation, path) + query,
            operation=operation.name,
            idempotent=True,
            priority=priority,
        )
        try:
            response = await self._answer(request)
            return _read(
                request,
                response,
                lambda: envelope.page_of(operation.response_model, response, number=number),
            )
        except MoreGoodError as error:
            error._with_operation(operation.name)
            raise

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None,
        headers: Mapping[str, str],
        idempotent: bool,
    ) -> Response:
        """Send anything; gives the answer as it came, unless it is a refusal."""
        name = masked(f"{method} {path.partition('?')[0]}")
        request = await self._request(
            method, path, body=body, operation=name, idempotent=idempotent, headers=headers
        )
        try:
            response = await self._answer(request)
            refusal = envelope.refusal(response)
            if refusal is not None:
                raise _blamed(refusal, request, response)
        except MoreGoodError as error:
            error._with_operation(name)
            raise
        return response

    async def fingerprint(self, salt: bytes) -> str:
        """A keyed hash of the key that is valid now, and of where it is valid."""
        key = self.settings.key
        if not isinstance(key, ApiKey):
            key = checked_key(ApiKey(await key()))
        told = f"{self.settings.base_url} {key.reveal()}".encode()
        return hashlib.blake2b(told, key=salt, digest_size=16).hexdigest()

    async def _request(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        idempotent: bool,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        priority: Priority | None = None,
    ) -> Request:
        settings = self.settings
        started = self._clock()
        return Request(
            method=method,
            url=f"{settings.base_url}/{path}",
            headers=await self._authorized(body is not None, headers),
            body=body,
            operation=operation,
            idempotent=idempotent,
            attempt_timeout=settings.attempt_timeout,
            deadline=Deadline(
                math.inf if settings.deadline is None else started + settings.deadline
            ),
            priority=priority or settings.priority,
            drain=settings.drain,
        )

    async def _answer(self, request: Request) -> Response:
        here = await self.connections.for_running_loop()
        chain = self._chain
        if chain is None or chain[0] is not here:
            chain = self._chain = here, self._chained(here)
        handler = chain[1]
        response = await handler(request)
        if response.status != 401 or isinstance(self.settings.key, ApiKey):
            return response
        renewed = await self._authorized(request.body is not None, request.headers)
        if renewed == request.headers:
            return response
        return await _once_more(attrs.evolve(request, headers=renewed), handler, response.attempts)

    def _chained(self, here: LoopConnections) -> Handler:
        settings = self.settings
        pace = here.pace(settings.key, settings.limits)
        retry = self._make_retry(settings.max_attempts, self.connections.budget)
        layers: tuple[Middleware, ...] = (retry, pace, *settings.middlewares, observe)
        handler: Handler = here.send
        for middleware in reversed(layers):
            handler = _around(middleware, handler)
        return handler

    async def _authorized(self, has_body: bool, own: Mapping[str, str] | None) -> Headers:
        key = self.settings.key
        if not isinstance(key, ApiKey):
            key = checked_key(ApiKey(await key()))
        known = self._headers
        if known is None or known[0] != key:
            known = self._headers = key, *_headers_with(key)
        headers = known[2] if has_body else known[1]
        return Headers({**own, **headers.plain}) if own else headers


def _headers_with(key: ApiKey) -> tuple[Headers, Headers]:
    """Without a body, and with one."""
    plain = {"Authorization": f"Bearer {key.reveal()}", "Accept": "application/json"}
    return Headers(plain), Headers({**plain, "Content-Type": "application/json"})


def _around(middleware: Middleware, call_next: Handler) -> Handler:
    return lambda request: middleware(request, call_next)


async def _once_more(request: Request, handler: Handler, earlier: tuple[Attempt, ...]) -> Response:
    """With the key that was asked for again; the attempts with the old one are told too."""
    request = attrs.evolve(request, attempt=len(earlier) + 1)
    try:
        response = await handler(request)
    except MoreGoodError as error:
        raise error._with_attempts((*earlier, *error.attempts)) from error.__cause__
    attempts = response.attempts or (attempt_of(request, response),)
    return attrs.evolve(response, attempts=(*earlier, *attempts))


def _filled(operation: Operation[Any], path: Mapping[str, object] | None) -> str:
    """The operation's path with its ids, which are whole numbers and nothing else."""
    if path is None:
        return operation.path
    wrong = {
        name: ("is the id that the API gave: a whole number",)
        for name, value in path.items()
        if isinstance(value, bool) or not isinstance(value, int) or value < 0
    }
    if wrong:
        raise InvalidRequest(wrong, operation=operation.name)
    return operation.path.format_map(path)


def _read(request: Request, response: Response, reading: Callable[[], T]) -> T:
    try:
        return reading()
    except MoreGoodError as error:
        raise _blamed(error, request, response) from error.__cause__


def _blamed(error: MoreGoodError, request: Request, response: Response) -> MoreGoodError:
    """The error that an answer stands for, with its attempts and its possible effect."""
    if response.attempts and response.status >= 400:
        return error._with_attempts(response.attempts)
    unclear = isinstance(error, (UnexpectedResponse, ServerError)) and request.writes
    last = attrs.evolve(attempt_of(request, response), may_have_applied=unclear)
    earlier: tuple[Attempt, ...] = response.attempts[:-1]
    return error._with_attempts((*earlier, attrs.evolve(last, number=len(earlier) + 1)))
