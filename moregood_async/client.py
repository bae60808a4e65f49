"""The client: its settings, its resources, its views, and how it is closed."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

import attrs

from moregood_async import codec
from moregood_async.config import (
    KeySource,
    Limits,
    Rate,
    Settings,
    checked_base_url,
    hidden_key,
    key_source,
)
from moregood_async.connections import Connections, HandlerTransport, Transport
from moregood_async.errors import ConfigurationError, InvalidRequest
from moregood_async.governor.state import PaceState
from moregood_async.models.fields import UNSET, Unset
from moregood_async.resources.asks import Asks
from moregood_async.resources.charges import Charges
from moregood_async.resources.customers import Customers
from moregood_async.resources.locations import Locations
from moregood_async.resources.messages import Messages
from moregood_async.resources.reviews import Reviews
from moregood_async.session import SessionManager
from moregood_async.wire import (
    READING_METHODS,
    Drain,
    Handler,
    HTTPSession,
    Middleware,
    Priority,
    Response,
    query_string,
)

Key = str | Callable[[], Awaitable[str]]


class MoreGoodClient:
    """The async client for More Good Reviews' Beacon API.

    ::

        async with MoreGoodClient() as client:                    # key from MOREGOOD_API_KEY
            ada = await client.customers.upsert(first_name="Ada", email="ada@example.com")

    It opens its connections with the first call, and closes them with ``async with`` or `aclose`.
    One client serves any number of tasks, event loops, threads and forked processes.

    Reads, upserts and updates are retried with backoff. A call that adds something (a charge, an
    ask, a location) is retried only if the failed attempt provably had no effect: no connection, a
    429, or a 503 with ``Retry-After``. If an effect is possible, the call raises with
    ``error.may_have_applied`` set. A client's requests stay below the server's rate limit, which
    the client learns from the responses.

    Args:
        api_key: The project's secret key, or a coroutine function that returns the one valid now.
            It is called for each call of the client, and again after a 401. Default: the
            environment variable ``MOREGOOD_API_KEY``.
        base_url: Where the API is. Default: ``MOREGOOD_BASE_URL``, then the vendor's host. Plain
            ``http://`` is accepted for this machine only, or with ``allow_http=True``.
        attempt_timeout: Seconds that one attempt may take, without the time that it is queued.
        deadline: Seconds that a whole call may take, with queueing, retries and backoff; None for
            no deadline. For the rows of a batch, time in the queue does not count.
        max_attempts: How many requests a call may send; 1 means no retries.
        max_concurrency: How many requests of one key may be in flight.
        max_rate: The server's limit, if you know it: ``Rate(60, per=60.0)``.
        proxy: The URL of a proxy.
        trust_env: Whether to use the proxy that the environment names.
        allow_http: Whether the key may travel unencrypted to another machine.
        session: An ``aiohttp.ClientSession`` to send through. It stays open when the client closes.
        middlewares: They wrap each attempt, the first one outermost; see `Middleware`.
        transport: A `Handler` that responds instead of the network: a ``Sandbox``, or a test
            double.

    Raises:
        ConfigurationError: There is no key, or a setting is invalid.
    """

    customers: Customers
    charges: Charges
    asks: Asks
    reviews: Reviews
    messages: Messages
    locations: Locations

    def __init__(
        self,
        api_key: Key | None = None,
        *,
        base_url: str | None = None,
        attempt_timeout: float = 30.0,
        deadline: float | None = 120.0,
        max_attempts: int = 4,
        max_concurrency: int = 32,
        max_rate: Rate | None = None,
        proxy: str | None = None,
        trust_env: bool = False,
        allow_http: bool = False,
        session: HTTPSession | None = None,
        middlewares: tuple[Middleware, ...] = (),
        transport: Handler | None = None,
    ) -> None:
        key = hidden_key(api_key)
        del api_key  # error reports show the local variables of each frame
        settings = Settings(
            key=key_source(key),
            base_url=checked_base_url(base_url, allow_http=allow_http),
            attempt_timeout=attempt_timeout,
            deadline=deadline,
            max_attempts=max_attempts,
            limits=Limits(max_concurrency, max_rate),
            middlewares=tuple(middlewares),
        )
        created_at = _calling_line()
        make_transport = _transport_maker(transport, session, proxy=proxy, trust_env=trust_env)
        connections = Connections(make_transport, created_at=created_at)
        connections.limits[settings.key] = settings.limits
        self._allow_http = allow_http
        self._bind(SessionManager(connections, settings))

    def _bind(self, session: SessionManager) -> None:
        self._session = session
        self.customers = Customers(session)
        self.charges = Charges(session)
        self.asks = Asks(session)
        self.reviews = Reviews(session)
        self.messages = Messages(session)
        self.locations = Locations(session)

    def with_options(
        self,
        *,
        api_key: Key | Unset = UNSET,
        base_url: str | Unset = UNSET,
        attempt_timeout: float | Unset = UNSET,
        deadline: float | Unset | None = UNSET,
        max_attempts: int | Unset = UNSET,
        max_concurrency: int | Unset = UNSET,
        max_rate: Rate | Unset | None = UNSET,
        middlewares: tuple[Middleware, ...] | Unset = UNSET,
        priority: Priority | Unset = UNSET,
        drain: Drain | Unset | None = UNSET,
    ) -> MoreGoodClient:
        """Return a view: a client with other settings, on the same connections.

        Settings that are left out stay as they are. Closing a view does nothing; closing the client
        closes its views as well.

        Limits belong to a key, because the server counts requests by key: all views of one key
        share one queue, one ``max_concurrency`` and one ``max_rate``. Set them where the key is
        first used, which is the client for its own key, and the first view for another key. Two
        sets of limits for one key need two clients.

        Args:
            api_key: The key of another project, for example.
            base_url: Where the API is.
            attempt_timeout: Seconds that one attempt may take.
            deadline: Seconds that a whole call may take; None for no deadline.
            max_attempts: How many requests a call may send.
            max_concurrency: Requests in flight, for a key without limits so far.
            max_rate: The server's limit, for a key without limits so far.
            middlewares: Replace those of the client.
            priority: With ``"bulk"``, interactive calls of the key are sent first, and the time
                that a call is queued does not count against its deadline; see `Priority`.
            drain: Cancels the view's queued calls when it is started; see `Drain`.

        Raises:
            ConfigurationError: A setting is invalid, or the key has other limits already.
        """
        key = hidden_key(api_key)
        del api_key  # error reports show the local variables of each frame
        changes: dict[str, Any] = {
            "key": key if key is UNSET else key_source(key),
            "base_url": base_url
            if base_url is UNSET
            else checked_base_url(base_url, allow_http=self._allow_http),
            "attempt_timeout": attempt_timeout,
            "deadline": deadline,
            "max_attempts": max_attempts,
            "middlewares": middlewares if middlewares is UNSET else tuple(middlewares),
            "priority": priority,
            "drain": drain,
        }
        changes = {name: value for name, value in changes.items() if value is not UNSET}
        settings = attrs.evolve(self._session.settings, **changes)
        limits = _register_limits(self._session.connections, settings, max_concurrency, max_rate)
        view = object.__new__(_View)
        view._allow_http = self._allow_http
        view._bind(SessionManager(self._session.connections, attrs.evolve(settings, limits=limits)))
        return view

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = UNSET,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
    ) -> Response:
        """Send any request below the base URL, and return its response.

        It has the client's key, rate limit, retries and errors. Use it for endpoints that have no
        method of their own::

            response = await client.request("GET", "customers", query={"page": 2})
            customers = response.json()["data"]

        Args:
            method: Such as ``GET``, in any case.
            path: The path below the base URL, without a query: ``customers/1/reviews``.
            json: A value to send as the JSON body. Left out, the request has no body.
            query: The query's names and values. None values are left out.
            headers: More headers. Those that every request has cannot be replaced.
            idempotent: Whether a second request has no further effect, so that every failure may be
                retried. Default: True for GET, HEAD and OPTIONS, else False.

        Returns:
            The response, which has a status of 2xx.

        Raises:
            InvalidRequest: The path, a header or the body cannot be sent.
            APIError: The status is 4xx or 5xx, or the body says ``success: false``.
            UnexpectedResponse: A redirect, which is never followed.
            NoResponse: No response was received, after the retries.
            DeadlineExceeded: The deadline passed, or would pass before the rate limit allows the
                request.
        """
        method = method.upper()
        if not _is_below_base_url(path):
            problem = (
                "must be a path below base_url, such as customers/1/reviews; pass a query as query="
            )
            raise InvalidRequest({"path": (problem,)}, operation=method)
        if not all(_is_header_text(text) for pair in (headers or {}).items() for text in pair):
            problem = "must be text of printable characters"
            raise InvalidRequest({"headers": (problem,)}, operation=method)
        reads = method in READING_METHODS
        return await self._session.send(
            method,
            path.lstrip("/") + query_string(query or {}),
            body=None if json is UNSET else codec.dumps(json, operation=f"{method} {path}"),
            headers=headers or {},
            idempotent=reads if idempotent is None else idempotent,
        )

    @property
    def pace(self) -> PaceState:
        """The state of the rate limit for this client's key, in the running event loop.

        >>> MoreGoodClient("secret-key", max_concurrency=8).pace.in_flight
        0
        """
        settings = self._session.settings
        return self._session.connections.pace(settings.key, settings.limits)

    @property
    def base_url(self) -> str:
        """Where the API is, without a trailing slash."""
        return self._session.settings.base_url

    @property
    def middlewares(self) -> tuple[Middleware, ...]:
        """The middlewares of this client or view, the outermost first.

        ``client.with_options(middlewares=(*client.middlewares, mine))`` adds one.
        """
        return self._session.settings.middlewares

    async def fingerprint(self, salt: bytes = b"") -> str:
        """Return a hash that identifies this key at this base URL and does not reveal the key.

        Args:
            salt: At most 64 bytes. Another salt makes another fingerprint.
        """
        return await self._session.fingerprint(salt)

    async def aclose(self, grace: float = 0.0) -> None:
        """Close the client's connections, in every event loop. Calling it twice is fine.

        New calls raise `ClientClosed` from now on. What happens to the calls in progress depends on
        the grace:

        =====================  =====================================================
        ``grace=0.0``          requests in flight lose their connection at once, and
                               queued calls raise `ClientClosed`
        ``grace=10.0``         requests in flight have 10 seconds to finish, and
                               queued calls raise `Drained` at once
        =====================  =====================================================

        A queued call has sent nothing, unless its ``attempts`` say so. Requests that are in flight
        when the grace ends lose their connection: they raise `ConnectionLost`, and a write
        may have applied. A cancelled `aclose`, and a second one without a grace, end the grace.

        On a view it does nothing: the client that the view was made from closes the connections.

        Args:
            grace: Seconds in which requests in flight may finish.
        """
        await self._session.connections.aclose(grace)

    async def __aenter__(self) -> Self:
        await self._session.connections.for_running_loop()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        if "_session" not in vars(self):  # an error report shows a client whose __init__ failed
            return f"<{type(self).__name__}, not initialized>"
        return f"<{type(self).__name__} {self.base_url}>"


def _is_below_base_url(path: str) -> bool:
    """Return whether a path names something below the base URL, whoever parses the URL."""
    # Servers differ in "\\", in "//" and in encoded dots, so all of them are refused.
    if not path.isprintable() or any(sign in path for sign in " \\?#") or path.startswith("//"):
        return False
    return "://" not in path and not {".", ".."} & {unquote(part) for part in path.split("/")}


def _is_header_text(text: object) -> bool:
    return isinstance(text, str) and text.isprintable()


class _View(MoreGoodClient):
    """A client made by `MoreGoodClient.with_options`. The original closes the connections."""

    async def aclose(self, grace: float = 0.0) -> None:
        """Do nothing: the client that the view was made from closes the connections."""


def _register_limits(
    connections: Connections,
    settings: Settings,
    max_concurrency: int | Unset,
    max_rate: Rate | Unset | None,
) -> Limits:
    """Return the limits of a view's key, and register them if the key has none so far.

    Raises:
        ConfigurationError: The key has other limits already.
    """
    key: KeySource = settings.key
    registered = connections.limits.get(key)
    default = registered or Limits(settings.limits.max_concurrency, None)
    requested = Limits(
        default.max_concurrency if max_concurrency is UNSET else max_concurrency,
        default.max_rate if max_rate is UNSET else max_rate,
    )
    if registered is not None and requested != registered:
        raise ConfigurationError(
            f"this key already has {registered}: all views of a key share its limits, because the "
            "server counts by key. Set them on the client or the key's first view, or make another "
            "client"
        )
    connections.limits[key] = requested
    return requested


def _transport_maker(
    handler: Handler | None, session: HTTPSession | None, *, proxy: str | None, trust_env: bool
) -> Callable[[], Transport]:
    if handler is not None:
        if session is not None or proxy is not None or trust_env:
            raise ConfigurationError(
                "transport= replaces the network; leave out session=, proxy= and trust_env="
            )
        return lambda: HandlerTransport(handler)
    # Imported late: aiohttp takes most of the time that `import moregood_async` would need.
    from moregood_async.transport import AiohttpTransport

    return lambda: AiohttpTransport(session, proxy=proxy, trust_env=trust_env)


def _calling_line() -> str:
    """Return ``file:line`` of the code that makes a client."""
    frame = sys._getframe(2)  # above this function and MoreGoodClient.__init__
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
