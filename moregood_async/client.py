"""The client: settings, resources, and what closes."""

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
from moregood_async.connections import Connections, Transport
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
    Request,
    Response,
    query_string,
)

Key = str | Callable[[], Awaitable[str]]


class MoreGoodClient:
    """The async client for More Good Reviews' Beacon API.

    ::

        async with MoreGoodClient() as client:                    # key from MOREGOOD_API_KEY
            ada = await client.customers.upsert(first_name="Ada", email="ada@example.com")

    It opens with its first use and closes with ``async with`` or `aclose`. One client serves any
    number of tasks, event loops and forked processes.

    Args:
        api_key: The project's secret key, or a coroutine function that gives the one valid now
            (it is asked before each call, and again after a 401). Default: ``MOREGOOD_API_KEY``.
        base_url: Default: ``MOREGOOD_BASE_URL``, then the vendor's. Plain ``http://`` is refused
            unless the host is this machine or ``allow_http=True``.
        attempt_timeout: Seconds for one attempt, counted from when its turn came.
        deadline: Seconds for a whole call, with waits and repeats; None for no deadline. In a
            batch, a row's deadline stands still while it waits for its turn.
        max_attempts: How often a call is tried at the most; 1 never repeats.
        max_concurrency: How many requests of one key are in flight at the most.
        max_rate: A limit that you know: ``Rate(60, per=60.0)``.
        proxy: A proxy's URL; with ``trust_env=True`` the environment's proxy is used instead.
        session: An ``aiohttp.ClientSession`` of your own, which is never closed here.
        middlewares: Stand around each attempt, the first outermost; see `Middleware`.
        transport: A `Handler` that answers instead of the network: a ``Sandbox``, or a double.

    Raises:
        ConfigurationError: There is no key, or something cannot be as given.
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
        del api_key  # a traceback may show the locals
        settings = Settings(
            key=key_source(key),
            base_url=checked_base_url(base_url, allow_http=allow_http),
            attempt_timeout=attempt_timeout,
            deadline=deadline,
            max_attempts=max_attempts,
            limits=Limits(max_concurrency, max_rate),
            middlewares=tuple(middlewares),
        )
        made_at = _caller()
        make_transport = _transport_maker(transport, session, proxy=proxy, trust_env=trust_env)
        connections = Connections(make_transport, made_at=made_at)
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
        """A view with other settings, on the same connections; closing it closes nothing.

        The pace belongs to the key: views with one key share it, and its ``max_concurrency`` and
        ``max_rate`` are those that its first view was given.

        ``priority="bulk"`` is what batches have: interactive calls of the key go first, and a
        call's deadline stands still while it waits for its turn. With a `Drain` the calls of the
        view that have not left can be called back.

        Raises:
            ConfigurationError: A setting is wrong, or the key has other limits already.
        """
        key = hidden_key(api_key)
        del api_key  # a traceback may show the locals
        now = self._session.settings
        given: dict[str, Any] = {
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
        settings = attrs.evolve(now, **{k: v for k, v in given.items() if v is not UNSET})
        limits = _limits(self._session.connections, settings, max_concurrency, max_rate)
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
        """Send anything below the base URL, with the same key, pace, repeats and errors.

        Args:
            method: Such as ``GET``.
            path: Below the base URL: ``customers/1/reviews``.
            json: The body; left out, there is none.
            query: Added to the path; None values are left out.
            headers: Besides those that every request has.
            idempotent: Whether sending it twice does no harm; by default only for GET, HEAD and
                OPTIONS.

        Raises:
            APIError: The API said no, also with a 200 that says ``success: false``.
            UnexpectedResponse: A redirect, which is never followed.
        """
        method = method.upper()
        if not _stays_below(path):
            problem = (
                "is a path below base_url, such as customers/1/reviews; a query goes in query="
            )
            raise InvalidRequest({"path": (problem,)}, operation=method)
        if not all(_fits_a_header(text) for pair in (headers or {}).items() for text in pair):
            problem = "are text, of printable characters"
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
        """What is believed of the server's limit, for this client's key in the running loop.

        >>> MoreGoodClient("secret-key", max_concurrency=8).pace.in_flight
        0
        """
        settings = self._session.settings
        return self._session.connections.pace(settings.key, settings.limits)

    @property
    def base_url(self) -> str:
        """Where the API is, without a last slash."""
        return self._session.settings.base_url

    @property
    def middlewares(self) -> tuple[Middleware, ...]:
        """The middlewares of this client or view, the outermost first.

        ``client.with_options(middlewares=(*client.middlewares, mine))`` adds one.
        """
        return self._session.settings.middlewares

    async def fingerprint(self, salt: bytes = b"") -> str:
        """What tells this key, at this base URL, from others without giving it away: hex.

        Args:
            salt: At most 64 bytes; the same key has another fingerprint under another salt.
        """
        return await self._session.fingerprint(salt)

    async def aclose(self) -> None:
        """Close the connections, of every event loop; twice is fine."""
        await self._session.connections.aclose()

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
        if "_session" not in vars(self):  # a traceback shows one that could not be made
            return f"<{type(self).__name__}, not made>"
        return f"<{type(self).__name__} {self.base_url}>"


def _stays_below(path: str) -> bool:
    """Whether a path, as whoever reads the URL takes it, names something below the base URL."""
    if not path.isprintable() or any(sign in path for sign in " \\?#") or path.startswith("//"):
        return False
    return "://" not in path and not {".", ".."} & {unquote(part) for part in path.split("/")}


def _fits_a_header(text: object) -> bool:
    return isinstance(text, str) and text.isprintable()


class _View(MoreGoodClient):
    """What `MoreGoodClient.with_options` gives: the connections are another's to close."""

    async def aclose(self) -> None:
        """Nothing: the client that it was made from closes the connections."""


def _limits(
    connections: Connections,
    settings: Settings,
    max_concurrency: int | Unset,
    max_rate: Rate | Unset | None,
) -> Limits:
    """The limits of a view's key: those it has, or those it is given first."""
    key: KeySource = settings.key
    known = connections.limits.get(key)
    usual = known or Limits(settings.limits.max_concurrency, None)
    asked = Limits(
        usual.max_concurrency if max_concurrency is UNSET else max_concurrency,
        usual.max_rate if max_rate is UNSET else max_rate,
    )
    if known is not None and asked != known:
        raise ConfigurationError(
            f"this key has {known} already, which all its views share: give max_concurrency "
            "and max_rate where the key is first used"
        )
    connections.limits[key] = asked
    return asked


class _Given:
    """A handler that the user brought; there is nothing to close."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def __call__(self, request: Request) -> Response:
        return await self._handler(request)

    async def close(self) -> None:
        """Nothing."""


def _transport_maker(
    handler: Handler | None, session: HTTPSession | None, *, proxy: str | None, trust_env: bool
) -> Callable[[], Transport]:
    if handler is not None:
        if session is not None or proxy is not None or trust_env:
            raise ConfigurationError("transport= answers by itself: no session, proxy or trust_env")
        return lambda: _Given(handler)
    from moregood_async.transport import AiohttpTransport  # aiohttp only now, not at import

    return lambda: AiohttpTransport(session, proxy=proxy, trust_env=trust_env)


def _caller() -> str:
    """Where a client is being made: the frame outside this file."""
    frame = sys._getframe(2)
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
