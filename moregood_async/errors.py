"""What can go wrong, and the one question that matters after it: may it have taken effect?

::

    MoreGoodError                 .operation .attempts .may_have_applied  explain()
    ├── ConfigurationError        no key, a refused base URL
    ├── InvalidRequest            refused here, before anything is sent: .fields
    ├── ClientClosed
    ├── NoResponse                no usable response was received
    │   ├── ConnectionFailed      nothing was sent
    │   ├── ConnectionLost        cut off after sending began
    │   └── AttemptTimedOut
    ├── DeadlineExceeded          the whole call ran out of time: .retry_at
    ├── Drained                   cancelled by a `Drain` before it was sent
    ├── UnexpectedResponse        not JSON, cut short, a redirect, or an unknown success: false
    └── APIError                  .status .code .message .fields .retry_after .body
        ├── BadRequest 400 · Unauthorized 401 · Forbidden 403 · NotFound 404 · Conflict 409
        ├── ValidationFailed 422
        ├── RateLimited 429
        └── ServerError 5xx

No error's text holds a key, an email address or a phone number. Attributes such as
`APIError.body` and `APIError.fields` are the server's own words and may.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

import attrs

from moregood_async.privacy import masked

Fields = Mapping[str, tuple[str, ...]]
"""What is wrong, by field: ``{"channels": ("give at least one of email, sms",)}``."""


@attrs.frozen
class Attempt:
    """One try of a call: when it ended, how, and whether it may have had an effect."""

    number: int
    """Counts from 1."""
    phase: str
    """How far it came: ``connecting``, ``sending``, ``waiting``, ``reading`` or ``answered``."""
    seconds: float
    """From the moment it got its slot until it ended."""
    outcome: str
    """The status, or what broke, in a few words."""
    may_have_applied: bool
    """True where a write may have taken effect on the server."""

    @property
    def when(self) -> str:
        """Which attempt it was, how far it came, and how long it took."""
        return f"attempt {self.number}, {self.phase}, {self.seconds:.2f} s"

    def __str__(self) -> str:
        effect = ", may have taken effect" if self.may_have_applied else ""
        return f"attempt {self.number}: {self.outcome} ({self.phase}, {self.seconds:.2f} s{effect})"


def _rebuilt(kind: type[MoreGoodError], problem: str, state: dict[str, Any]) -> MoreGoodError:
    error = kind.__new__(kind, problem)
    error.__dict__.update(state)
    return error


class MoreGoodError(Exception):
    """Anything that this package raises on its own account.

    Attributes:
        operation: Which call failed, such as ``asks.create``; empty where there was none.
        attempts: One `Attempt` for each time the call was tried, in order.
        may_have_applied: True if a write may have taken effect although it failed here.
    """

    advice: ClassVar[str] = ""

    def __init__(
        self,
        problem: str,
        *,
        operation: str = "",
        may_have_applied: bool = False,
    ) -> None:
        super().__init__(masked(problem))
        self.operation: str = operation
        self.attempts: tuple[Attempt, ...] = ()
        self.may_have_applied: bool = may_have_applied
        self.verify_hint: str = ""

    @property
    def problem(self) -> str:
        """What happened, without the operation, the attempts or the advice."""
        return str(self.args[0])

    def _with_attempts(self, attempts: tuple[Attempt, ...]) -> Self:
        """This error, with the attempts that led to it."""
        self.attempts = attempts
        self.may_have_applied |= any(attempt.may_have_applied for attempt in attempts)
        return self

    def _with_operation(self, operation: str, verify_hint: str = "") -> Self:
        """This error, knowing which call it ended and where to look after it."""
        self.operation = operation
        self.verify_hint = verify_hint
        return self

    def explain(self) -> str:
        """The story of the call, a line an attempt, and what to do now.

        >>> print(ClientClosed("the client was closed").explain())
        ClientClosed: the client was closed
        - Make a new client, or keep this one open for as long as it is used.
        """
        told = [f"{type(self).__name__}: {self._headline()}"]
        told += [f"- {attempt}" for attempt in self.attempts]
        told += [f"- {what}" for what in (self._effect(), self._advice()) if what]
        return "\n".join(told)

    def _headline(self) -> str:
        return f"{masked(self.operation)}: {self.problem}" if self.operation else self.problem

    def _effect(self) -> str:
        if not self.may_have_applied:
            return ""
        where = f" {self.verify_hint}" if self.verify_hint else ""
        return f"It may have taken effect.{where}"

    def _advice(self) -> str:
        return self.advice

    def __str__(self) -> str:
        last = f" ({self.attempts[-1].when})" if self.attempts else ""
        more = " ".join(what for what in (self._effect(), self._advice()) if what)
        if not last and not more:
            return self._headline()
        return f"{self._headline().removesuffix('.')}{last}. {more}".rstrip()

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.problem, self.__dict__)


class ConfigurationError(MoreGoodError):
    """The client cannot be made like this: no key, a refused base URL, a senseless limit."""


class InvalidRequest(MoreGoodError):
    """Refused here, before anything was sent.

    Attributes:
        fields: Every problem of the value at once, by field.
    """

    def __init__(self, fields: Fields, *, operation: str = "") -> None:
        listed = "; ".join(f"{name}: {', '.join(said)}" for name, said in fields.items())
        super().__init__(f"nothing was sent: {listed}", operation=operation)
        self.fields: Fields = dict(fields)


class ClientClosed(MoreGoodError):
    """The client was closed; nothing was sent."""

    advice = "Make a new client, or keep this one open for as long as it is used."


class NoResponse(MoreGoodError):
    """No usable answer came.

    Attributes:
        phase: How far the last attempt came; see `Attempt.phase`.
        seconds: How long the last attempt took, from its slot.
    """

    def __init__(self, problem: str, *, phase: str, seconds: float, sent: bool) -> None:
        super().__init__(problem)
        self.phase = phase
        self.seconds = seconds
        self.sent = sent


class ConnectionFailed(NoResponse):
    """No connection came about, so nothing was sent: refused, DNS, TLS or the proxy."""

    advice = "Check base_url, the network and the proxy; it is safe to send again."


class ConnectionLost(NoResponse):
    """The connection broke after sending began, or the answer was cut short."""


class AttemptTimedOut(NoResponse):
    """One attempt took longer than ``attempt_timeout`` seconds."""

    advice = "attempt_timeout= gives each attempt more time."


class DeadlineExceeded(MoreGoodError):
    """The whole call, waits and repeats included, ran out of its ``deadline`` seconds.

    Attributes:
        retry_at: When the server said that it would answer again (aware, UTC), or None.
    """

    def __init__(self, problem: str, *, retry_at: datetime | None = None) -> None:
        super().__init__(problem)
        self.retry_at = retry_at

    def _advice(self) -> str:
        if self.retry_at is None:
            return "deadline= gives the whole call more time."
        return f"The server takes requests again at {self.retry_at:%Y-%m-%d %H:%M:%S} UTC."


class Drained(MoreGoodError):
    """The call was called back with a `Drain` before it left, or before it left once more."""


class UnexpectedResponse(MoreGoodError):
    """The server answered, but not as the Beacon API does.

    Attributes:
        status: The HTTP status of the answer, 0 where none is known.
        body: The answer's bytes, as they came.
    """

    advice = "Check that base_url points at the API itself and not at a web page or a proxy."

    def __init__(self, problem: str, *, status: int = 0, body: bytes = b"") -> None:
        super().__init__(problem)
        self.status = status
        self.body = body


class APIError(MoreGoodError):
    """The API said no.

    Attributes:
        status: The HTTP status.
        code: The ``code`` of the answer's envelope where it has one, else the status.
        message: The server's own sentence, masked; empty where it gave none.
        fields: The server's complaints by field (422).
        retry_after: Seconds that the server asked to wait, or None.
        body: The answer's bytes, as they came.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: int | None = None,
        fields: Fields | None = None,
        retry_after: float | None = None,
        body: bytes = b"",
    ) -> None:
        self.message: str = masked(message)
        self.status = status
        self.code: int = status if code is None else code
        self.fields: Fields = dict(fields or {})
        self.retry_after = retry_after
        self.body = body
        super().__init__(self._summary())

    def _summary(self) -> str:
        listed = "; ".join(f"{name}: {' '.join(said)}" for name, said in self.fields.items())
        parts = [str(self.code), self.message, f"[{listed}]" if listed else ""]
        return " ".join(part for part in parts if part)


class BadRequest(APIError):
    """400."""


class Unauthorized(APIError):
    """401: the key is missing, wrong, or was rotated (rotating kills the old one at once)."""

    advice = "Check the project's secret key (api_key= or MOREGOOD_API_KEY)."


class Forbidden(APIError):
    """403: most likely a suspended project, or a plan without the API."""

    advice = "Check that the project is active and that its plan includes the API."


class NotFound(APIError):
    """404: no such path, customer or location."""


class Conflict(APIError):
    """409."""


class ValidationFailed(APIError):
    """422: the server refused the values; see `fields`."""


class RateLimited(APIError):
    """429: too many requests, even after the waits that the call's deadline allowed."""

    advice = "Lower max_concurrency=, state the limit with max_rate=, or give deadline= more time."


class ServerError(APIError):
    """5xx: the server failed, or a proxy in front of it."""


_BY_STATUS: dict[int, type[APIError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: ValidationFailed,
    429: RateLimited,
}


def error_class(status: int) -> type[APIError]:
    """The class of `APIError` that a status stands for."""
    if 500 <= status <= 599:
        return ServerError
    return _BY_STATUS.get(status, APIError)
