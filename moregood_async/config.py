"""What a client can be told, checked before anything is sent."""

from __future__ import annotations

import math
import os
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import urlsplit

import attrs

from moregood_async.errors import ConfigurationError
from moregood_async.privacy import ApiKey
from moregood_async.wire import PRIORITIES, Drain, Middleware, Priority

T = TypeVar("T")

BASE_URL = "https://api.moregoodreviews.com/beacon"
"""Where the Beacon API lives; agencies can put a domain of their own in front of it."""

KeySource = ApiKey | Callable[[], Awaitable[str]]
"""A key, or a coroutine function that gives the one that is valid now."""


@attrs.frozen
class Rate:
    """A limit that you know: at most ``limit`` requests in any ``per`` seconds.

    >>> Rate(60, per=60.0)
    Rate(limit=60, per=60.0)
    """

    limit: int
    per: float = attrs.field(default=60.0, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.limit < 1 or not 0 < self.per < math.inf:
            raise ConfigurationError(
                "a Rate is at least 1 request per some seconds: Rate(60, per=60.0)"
            )


@attrs.frozen
class Limits:
    """What belongs to a key and not to a view: all its calls share them."""

    max_concurrency: int
    max_rate: Rate | None

    def __attrs_post_init__(self) -> None:
        if self.max_concurrency < 1:
            raise ConfigurationError("max_concurrency is at least 1")


@attrs.frozen(kw_only=True)
class Settings:
    """The settings of one client or view, complete and checked."""

    key: KeySource
    base_url: str
    attempt_timeout: float
    deadline: float | None
    max_attempts: int
    limits: Limits
    middlewares: tuple[Middleware, ...]
    priority: Priority = "interactive"
    drain: Drain | None = None

    def __attrs_post_init__(self) -> None:
        if not 0 < self.attempt_timeout < math.inf:
            raise ConfigurationError("attempt_timeout is seconds, more than 0: 30.0")
        if self.deadline is not None and not self.deadline > 0:
            raise ConfigurationError("deadline is seconds, more than 0, or None for no deadline")
        if self.priority not in PRIORITIES:
            raise ConfigurationError(f"priority is one of {', '.join(PRIORITIES)}")
        if self.max_attempts < 1:
            raise ConfigurationError("max_attempts is at least 1; 1 never repeats")


def key_source(given: str | ApiKey | Callable[[], Awaitable[str]] | None) -> KeySource:
    """The key given, else that of the environment variable ``MOREGOOD_API_KEY``.

    Raises:
        ConfigurationError: There is none, or it cannot stand in a header.
    """
    if given is None:
        return checked_key(ApiKey(os.environ.get("MOREGOOD_API_KEY", "")))
    if callable(given):
        return given
    key = given if isinstance(given, ApiKey) else ApiKey(given)
    del given  # a traceback may show the locals
    return checked_key(key)


def hidden_key(given: T) -> T | ApiKey:
    """A key as text becomes a value that shows itself nowhere; anything else stays as it is."""
    return ApiKey(given) if isinstance(given, str) else given


def checked_key(given: str | ApiKey) -> ApiKey:
    """A key that can be sent as it is.

    Raises:
        ConfigurationError: It is empty, or holds blanks or characters that no header carries.
    """
    key = given if isinstance(given, ApiKey) else ApiKey(given)
    del given  # a traceback may show the locals
    if not key.reveal().strip():
        raise ConfigurationError(
            "there is no API key: give api_key= or set MOREGOOD_API_KEY to the project's secret key"
        )
    if not (key.reveal().isascii() and key.reveal().isprintable()) or " " in key.reveal():
        raise ConfigurationError(
            "the API key holds a blank, a line break or a non-ASCII character; copy it once more"
        )
    return key


def checked_base_url(given: str | None, *, allow_http: bool) -> str:
    """The base URL given, else ``MOREGOOD_BASE_URL``, else `BASE_URL`; without a last slash.

    Raises:
        ConfigurationError: It is no URL, or plain ``http://`` to another machine (the key would
            travel in clear) without ``allow_http=True``.
    """
    url = (given or os.environ.get("MOREGOOD_BASE_URL") or BASE_URL).strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"base_url is no URL: {error}") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError(f"base_url must look like {BASE_URL}")
    if any(mark in url for mark in "@?#\\") or not url.isprintable() or " " in url:
        raise ConfigurationError("base_url has no user, no query, no fragment and no blank")
    if parts.scheme == "http" and not (allow_http or _loopback(host)):
        raise ConfigurationError(
            "base_url is plain http:// to another machine, so the key would travel in clear; "
            "use https://, or allow_http=True where the network is your own"
        )
    return url


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
