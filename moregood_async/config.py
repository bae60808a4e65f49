"""The settings of a client and of its views, validated before anything is sent."""

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
"""The vendor's host. Agencies can put a domain of their own in front of the API."""

KeySource = ApiKey | Callable[[], Awaitable[str]]
"""A key, or a coroutine function that returns the key that is valid now."""


@attrs.frozen
class Rate:
    """A known rate limit: at most ``limit`` requests in any ``per`` seconds.

    >>> Rate(60, per=60.0)
    Rate(limit=60, per=60.0)
    """

    limit: int
    per: float = attrs.field(default=60.0, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.limit < 1 or not 0 < self.per < math.inf:
            raise ConfigurationError(
                "a Rate must allow at least 1 request in more than 0 seconds: Rate(60, per=60.0)"
            )


@attrs.frozen
class Limits:
    """The limits of one key. All calls with that key share them."""

    max_concurrency: int
    max_rate: Rate | None

    def __attrs_post_init__(self) -> None:
        if self.max_concurrency < 1:
            raise ConfigurationError("max_concurrency must be at least 1")


@attrs.frozen(kw_only=True)
class Settings:
    """The settings of one client or view, complete and valid."""

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
            raise ConfigurationError("attempt_timeout must be more than 0 seconds, such as 30.0")
        if self.deadline is not None and not self.deadline > 0:
            raise ConfigurationError(
                "deadline must be more than 0 seconds, or None for no deadline"
            )
        if self.priority not in PRIORITIES:
            raise ConfigurationError(f"priority must be one of {', '.join(PRIORITIES)}")
        if self.max_attempts < 1:
            raise ConfigurationError("max_attempts must be at least 1; with 1, no call is retried")


def key_source(value: str | ApiKey | Callable[[], Awaitable[str]] | None) -> KeySource:
    """Return the key or its source; by default the key in ``MOREGOOD_API_KEY``.

    Raises:
        ConfigurationError: There is no key, or it cannot be sent in a header.
    """
    if value is None:
        return checked_key(ApiKey(os.environ.get("MOREGOOD_API_KEY", "")))
    if callable(value):
        return value
    key = value if isinstance(value, ApiKey) else ApiKey(value)
    del value  # error reports show the local variables of each frame
    return checked_key(key)


def hidden_key(value: T) -> T | ApiKey:
    """Return text as an `ApiKey`, whose ``repr`` is masked, and any other value unchanged."""
    return ApiKey(value) if isinstance(value, str) else value


def checked_key(value: str | ApiKey) -> ApiKey:
    """Return a key that can be sent in a header.

    Raises:
        ConfigurationError: The key is empty, or contains a blank, a line break or a non-ASCII
            character.
    """
    key = value if isinstance(value, ApiKey) else ApiKey(value)
    del value  # error reports show the local variables of each frame
    if not key.reveal().strip():
        raise ConfigurationError(
            "there is no API key: pass api_key= or set MOREGOOD_API_KEY to the project's secret key"
        )
    if not (key.reveal().isascii() and key.reveal().isprintable()) or " " in key.reveal():
        raise ConfigurationError(
            "the API key contains a blank, a line break or a non-ASCII character; copy it again"
        )
    return key


def checked_base_url(value: str | None, *, allow_http: bool) -> str:
    """Return the base URL without a trailing slash.

    Default: ``MOREGOOD_BASE_URL``, then `BASE_URL`.

    Raises:
        ConfigurationError: The URL is invalid, or is plain ``http://`` to another machine without
            ``allow_http=True``: the key would travel unencrypted.
    """
    url = (value or os.environ.get("MOREGOOD_BASE_URL") or BASE_URL).strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"base_url is not a URL: {error}") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError(f"base_url must look like {BASE_URL}")
    if any(character in url for character in "@?#\\") or not url.isprintable() or " " in url:
        raise ConfigurationError("base_url must have no user, no query, no fragment and no blank")
    if parts.scheme == "http" and not (allow_http or _is_this_machine(host)):
        raise ConfigurationError(
            "base_url is plain http:// to another machine, so the key would travel unencrypted; "
            "use https://, or allow_http=True in a network of your own"
        )
    return url


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
