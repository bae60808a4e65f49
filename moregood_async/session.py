"""The session manager: turns an operation and a value into a model or an error.

::

    method → SessionManager → Retry → Pace → your middlewares → observe → transport → aiohttp
           ← model ← codec ← SessionManager ← Response

Inside the chain a response of any status is a `Response`. Only the session manager turns it into a
model or raises an error.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Awaitable, Callable, Mapping
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
    Drain,
    Handler,
    Middleware,
    Priority,
    Request,
    Response,
    query_string,
)

T = TypeVar("T")


@attrs.frozen
class _Chain:
    """The handlers of one view in one event loop."""

    connections: LoopConnections
    send: Handler
    drain: Drain


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
        self._chain: _Chain | None = None
        self._headers: tuple[ApiKey, Headers, Headers] | None = None

    async def call(
        self,
        operation: Operation[T],
        value: SentValue,
        *,
        path: Mapping[str, object] | None = None,
        priority: Priority | None = None,
    ) -> T:
        """Send a value, and return the model of the response."""
        url_path = _fill_path(operation, path)
        body = codec.encode(value)
        try:
            chain = self._chain_in(await self.connections.for_running_loop())
            request = await self._request(
                chain,
                operation.method,
                url_path,
                body=body,
                operation=operation.name,
                idempotent=operation.idempotent and value.idempotent,
                priority=priority,
            )
            response = await self._send(chain, request)
            return _decode(
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
        """Return one page of a list, by its number."""
        url_path = _fill_path(operation, path) + query_string(
            {"page": number, "per_page": per_page}
        )
        try:
            chain = self._chain_in(await self.connections.for_running_loop())
            request = await self._request(
                chain,
                operation.method,
                url_path,
                operation=operation.name,
                idempotent=True,
                priority=priority,
            )
            response = await self._send(chain, request)
            return _decode(
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
        """Send any request, and return its response as received.

        Raises:
            APIError: The response is an error, by its status or by its envelope.
        """
        name = masked(f"{method} {path.partition('?')[0]}")
        try:
            chain = self._chain_in(await self.connections.for_running_loop())
            request = await self._request(
                chain,
                method,
                path,
                body=body,
                operation=name,
                idempotent=idempotent,
                headers=headers,
            )
            response = await self._send(chain, request)
            refusal = envelope.refusal(response)
            if refusal is not None:
                raise _with_attempts(refusal, request, response)
        except MoreGoodError as error:
            error._with_operation(name)
            raise
        return response

    async def fingerprint(self, salt: bytes) -> str:
        """Return a keyed hash of the base URL and of the key that is valid now."""
        key = self.settings.key
        if not isinstance(key, ApiKey):
            key = await _load_key(key)
        hashed = f"{self.settings.base_url} {key.reveal()}".encode()
        return hashlib.blake2b(hashed, key=salt, digest_size=16).hexdigest()

    async def _request(
        self,
        chain: _Chain,
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
            headers=await self._authorize(body is not None, headers),
            body=body,
            operation=operation,
            idempotent=idempotent,
            attempt_timeout=settings.attempt_timeout,
            deadline=Deadline(
                math.inf if settings.deadline is None else started + settings.deadline
            ),
            priority=priority or settings.priority,
            drain=chain.drain,
        )

    async def _send(self, chain: _Chain, request: Request) -> Response:
        response = await chain.send(request)
        if response.status != 401 or isinstance(self.settings.key, ApiKey):
            return response
        # The key may have been rotated while the call was queued or in flight. A 401 has no
        # effect, so one attempt with the key that is valid now is safe.
        renewed = await self._authorize(request.body is not None, request.headers)
        if renewed == request.headers:
            return response
        request = attrs.evolve(request, headers=renewed)
        return await _send_after(response.attempts, request, chain.send)

    def _chain_in(self, connections: LoopConnections) -> _Chain:
        chain = self._chain
        if chain is None or chain.connections is not connections:
            chain = self._chain = self._make_chain(connections)
        return chain

    def _make_chain(self, connections: LoopConnections) -> _Chain:
        settings = self.settings
        pace = connections.pace(settings.key, settings.limits)
        retry = self._make_retry(settings.max_attempts, self.connections.budget)
        layers: tuple[Middleware, ...] = (retry, pace, *settings.middlewares, observe)
        handler: Handler = connections.send
        for middleware in reversed(layers):
            handler = _wrap(middleware, handler)
        return _Chain(connections, handler, connections.drain_for(settings.drain))

    async def _authorize(self, has_body: bool, own: Mapping[str, str] | None) -> Headers:
        """Return the headers of a request: the call's own, and those that every request has."""
        key = self.settings.key
        if not isinstance(key, ApiKey):
            key = await _load_key(key)
        cached = self._headers
        if cached is None or cached[0] != key:
            cached = self._headers = key, *_headers_with(key)
        headers = cached[2] if has_body else cached[1]
        return Headers({**own, **headers.plain}) if own else headers


async def _load_key(source: Callable[[], Awaitable[str]]) -> ApiKey:
    return checked_key(ApiKey(await source()))


def _headers_with(key: ApiKey) -> tuple[Headers, Headers]:
    """Return the headers of requests without a body, and of those with one."""
    plain = {"Authorization": f"Bearer {key.reveal()}", "Accept": "application/json"}
    return Headers(plain), Headers({**plain, "Content-Type": "application/json"})


def _wrap(middleware: Middleware, call_next: Handler) -> Handler:
    return lambda request: middleware(request, call_next)


async def _send_after(earlier: tuple[Attempt, ...], request: Request, handler: Handler) -> Response:
    """Send a request that continues the call of ``earlier`` attempts, and record them all."""
    request = attrs.evolve(request, attempt=len(earlier) + 1)
    try:
        response = await handler(request)
    except MoreGoodError as error:
        raise error._with_attempts((*earlier, *error.attempts)) from error.__cause__
    attempts = response.attempts or (attempt_of(request, response),)
    return attrs.evolve(response, attempts=(*earlier, *attempts))


def _fill_path(operation: Operation[Any], path: Mapping[str, object] | None) -> str:
    """Return the operation's path with its ids filled in.

    Raises:
        InvalidRequest: An id is not a whole number. Text could change the path: ``1/../asks``.
    """
    if path is None:
        return operation.path
    wrong = {
        name: ("must be a whole number: the id from the API",)
        for name, value in path.items()
        if isinstance(value, bool) or not isinstance(value, int) or value < 0
    }
    if wrong:
        raise InvalidRequest(wrong, operation=operation.name)
    return operation.path.format_map(path)


def _decode(request: Request, response: Response, decode: Callable[[], T]) -> T:
    try:
        return decode()
    except MoreGoodError as error:
        raise _with_attempts(error, request, response) from error.__cause__


def _with_attempts(error: MoreGoodError, request: Request, response: Response) -> MoreGoodError:
    """Return the error of a response, with the call's attempts and whether it may have applied."""
    # `retry` has recorded an error status, and what it means for the write.
    if response.attempts and response.status >= 400:
        return error._with_attempts(response.attempts)
    # A success that cannot be understood: only its decoding shows that its effect is unclear.
    unclear = isinstance(error, (UnexpectedResponse, ServerError)) and request.writes
    last = attrs.evolve(attempt_of(request, response), may_have_applied=unclear)
    earlier: tuple[Attempt, ...] = response.attempts[:-1]
    return error._with_attempts((*earlier, attrs.evolve(last, number=len(earlier) + 1)))
