"""The errors that this package raises, and whether a failed call may have taken effect.

::

    MoreGoodError                 .operation .attempts .may_have_applied  explain()
    ├── ConfigurationError        no key, a refused base URL, a wrong setting
    ├── InvalidRequest            wrong values, found before sending: .fields
    ├── ClientClosed              the client was closed
    ├── NoResponse                no usable response was received: .phase .seconds .sent
    │   ├── ConnectionFailed      nothing was sent
    │   ├── ConnectionLost        the connection broke after sending began
    │   └── AttemptTimedOut       one attempt ran out of time
    ├── DeadlineExceeded          the whole call ran out of time: .retry_at
    ├── Drained                   cancelled by a `Drain` before it was sent
    ├── UnexpectedResponse        not JSON, a redirect, or not the Beacon API: .status .body
    └── APIError                  .status .code .message .fields .retry_after .body
        ├── BadRequest 400 · Unauthorized 401 · Forbidden 403 · NotFound 404 · Conflict 409
        ├── ValidationFailed 422
        ├── RateLimited 429
        └── ServerError 5xx

``may_have_applied`` is the attribute to check after a failed write. If it is False, the write had
no effect and can be sent again. If it is True, look at the server before you send it again.

The text of an error never contains a key, an email address or a phone number. `APIError.body`,
`APIError.fields` and `UnexpectedResponse.body` hold the server's own words, which may.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

import attrs

from moregood_async.privacy import masked

Fields = Mapping[str, tuple[str, ...]]
"""Problems by field name: ``{"channels": ("is a list of at least one of email and sms",)}``."""


@attrs.frozen
class Attempt:
    """One attempt of a call: how it ended, when, and whether it may have had an effect."""

    number: int
    """Counted from 1."""
    phase: str
    """The last phase: ``connecting``, ``sending``, ``waiting``, ``reading`` or ``received``."""
    seconds: float
    """Duration of the attempt, from the moment it was allowed to start."""
    outcome: str
    """The HTTP status, or a short description of the failure."""
    may_have_applied: bool
    """True if a write may have taken effect on the server."""

    @property
    def when(self) -> str:
        """The attempt's number, its last phase and its duration, as text."""
        return f"attempt {self.number}, {self.phase}, {self.seconds:.2f} s"

    def __str__(self) -> str:
        effect = ", may have taken effect" if self.may_have_applied else ""
        return f"attempt {self.number}: {self.outcome} ({self.phase}, {self.seconds:.2f} s{effect})"


def _rebuild(kind: type[MoreGoodError], problem: str, state: dict[str, Any]) -> MoreGoodError:
    """Make an error without its ``__init__``, whose parameters differ from class to class."""
    error = kind.__new__(kind, problem)
    error.__dict__.update(state)
    return error


class MoreGoodError(Exception):
    """The base class of every error that this package raises.

    Errors can be pickled and copied with all their attributes.

    Attributes:
        operation: The failed call, such as ``asks.create``; empty if the error belongs to none.
        attempts: One `Attempt` for each attempt of the call, in order.
        may_have_applied: True if a write may have taken effect although the call failed.
        verify_hint: How to find out whether the write took effect; may be empty.
    """

    advice: ClassVar[str] = ""
    """What to do now; the last sentence of the error's text."""

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
        """Set the attempts of the call; any of them can make ``may_have_applied`` True."""
        self.attempts = attempts
        self.may_have_applied |= any(attempt.may_have_applied for attempt in attempts)
        return self

    def _with_operation(self, operation: str, verify_hint: str = "") -> Self:
        """Set the failed operation and its verify hint."""
        self.operation = operation
        self.verify_hint = verify_hint
        return self

    def explain(self) -> str:
        """Return a report of the call: one line for each attempt, its effect, and what to do now.

        >>> print(ClientClosed("the client was closed").explain())
        ClientClosed: the client was closed
        - Make a new client, or keep this one open for as long as it is used.
        """
        lines = [f"{type(self).__name__}: {self._headline()}"]
        lines += [f"- {attempt}" for attempt in self.attempts]
        lines += [f"- {sentence}" for sentence in (self._effect(), self._advice()) if sentence]
        return "\n".join(lines)

    def _headline(self) -> str:
        return f"{masked(self.operation)}: {self.problem}" if self.operation else self.problem

    def _effect(self) -> str:
        if not self.may_have_applied:
            return ""
        hint = f" {self.verify_hint}" if self.verify_hint else ""
        return f"It may have taken effect.{hint}"

    def _advice(self) -> str:
        return self.advice

    def __str__(self) -> str:
        last = f" ({self.attempts[-1].when})" if self.attempts else ""
        rest = " ".join(sentence for sentence in (self._effect(), self._advice()) if sentence)
        if not last and not rest:
            return self._headline()
        return f"{self._headline().removesuffix('.')}{last}. {rest}".rstrip()

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own __reduce__ calls the class with `args`, which lacks keyword parameters.
        return _rebuild, (type(self), self.problem, self.__dict__)


class ConfigurationError(MoreGoodError):
    """A setting is missing or wrong: no API key, a refused base URL, an impossible limit.

    Raised when a client or a view is made. Nothing was sent. Correct the setting.
    """


class InvalidRequest(MoreGoodError):
    """A value breaks a rule that the client checks before sending.

    Raised by request models and by the methods that send. Nothing was sent; correct the fields.

    Attributes:
        fields: All problems of the value, by field name.
    """

    def __init__(self, fields: Fields, *, operation: str = "") -> None:
        listed = "; ".join(f"{name}: {', '.join(problems)}" for name, problems in fields.items())
        super().__init__(f"nothing was sent: {listed}", operation=operation)
        self.fields: Fields = dict(fields)


class ClientClosed(MoreGoodError):
    """The client was closed before the request was sent.

    Raised by every call after `MoreGoodClient.aclose` or the client's ``async with`` block.
    """

    advice = "Make a new client, or keep this one open for as long as it is used."


class NoResponse(MoreGoodError):
    """No usable response was received; the base of the three errors below.

    Idempotent calls were retried before; charges, asks and new locations only if nothing had been
    sent. Check ``may_have_applied`` before you send a write again.

    Attributes:
        phase: The last phase that the last attempt reached; see `Attempt.phase`.
        seconds: Duration of the last attempt, from the moment it was allowed to start.
        sent: True if the last attempt had begun to send the request.
    """

    def __init__(self, problem: str, *, phase: str, seconds: float, sent: bool) -> None:
        super().__init__(problem)
        self.phase = phase
        self.seconds = seconds
        self.sent = sent


class ConnectionFailed(NoResponse):
    """No connection was made: refused, no DNS entry, a TLS failure, or an unreachable proxy.

    The last attempt sent nothing. Check ``base_url``, the network and the proxy.
    """

    advice = "Check base_url, the network and the proxy; it is safe to send again."


class ConnectionLost(NoResponse):
    """The connection broke after sending began, or the response was cut short.

    A write may have taken effect: a gateway that drops a connection does not stop the server.
    """


class AttemptTimedOut(NoResponse):
    """One attempt took longer than ``attempt_timeout`` seconds.

    A write may have taken effect if sending had begun; the server goes on when a client leaves.
    """

    advice = "Use attempt_timeout= to allow each attempt more time."


class DeadlineExceeded(MoreGoodError):
    """The whole call, including delays and retries, took longer than ``deadline`` seconds.

    Also raised at once if the server asks for a delay that ends after the deadline.
    ``may_have_applied`` is True if an earlier attempt of a write may have taken effect.

    Attributes:
        retry_at: When the server accepts requests again (aware, in UTC); None if unknown.
    """

    def __init__(self, problem: str, *, retry_at: datetime | None = None) -> None:
        super().__init__(problem)
        self.retry_at = retry_at

    def _advice(self) -> str:
        if self.retry_at is None:
            return "Use deadline= to allow the whole call more time."
        return f"The server takes requests again at {self.retry_at:%Y-%m-%d %H:%M:%S} UTC."


class Drained(MoreGoodError):
    """A `Drain` cancelled the call while it was queued, or before it was retried.

    The cancelled attempt sent nothing. ``may_have_applied`` is True if an earlier attempt of a
    write may have taken effect. Send the call again from the process that takes over.
    """


class UnexpectedResponse(MoreGoodError):
    """The response is not one that the Beacon API sends.

    Raised for a redirect, which is never followed; for a success that is not JSON or lacks its
    data; for ``"success": false`` without a reason; and for a list that ends before the last page
    that the server claimed. Not retried. A write may have taken effect.

    Attributes:
        status: The HTTP status; 0 if the error concerns no single response.
        body: The response body, unchanged. It may contain personal data.
    """

    advice = "Check that base_url points at the API itself and not at a web page or a proxy."

    def __init__(self, problem: str, *, status: int = 0, body: bytes = b"") -> None:
        super().__init__(problem)
        self.status = status
        self.body = body


class APIError(MoreGoodError):
    """The API refused the request.

    Raised for a status from 400 on, and for a status 200 with ``"success": false`` and a reason.
    Statuses with a class of their own raise that class. A refused request had no effect; only
    after a 408 or a 5xx a write may have taken effect. See the subclasses for what is retried.

    Attributes:
        status: The HTTP status.
        code: The ``code`` of the response's envelope; the status if it has none.
        message: The server's own sentence, masked; empty if there is none.
        fields: The server's problems by field name (422); may contain personal data.
        retry_after: Seconds to wait before the next request, as the server asked; or None.
        body: The response body, unchanged. It may contain personal data.
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
        listed = "; ".join(
            f"{name}: {' '.join(problems)}" for name, problems in self.fields.items()
        )
        parts = [str(self.code), self.message, f"[{listed}]" if listed else ""]
        return " ".join(part for part in parts if part)


class BadRequest(APIError):
    """400: the server could not read the request. Nothing was applied; not retried."""


class Unauthorized(APIError):
    """401: the API key is missing, wrong, or was rotated; rotating kills the old key at once [D].

    Nothing was applied. An ``api_key`` function is called once more, and the call is retried if it
    returns another key.
    """

    advice = "Check the project's secret key (api_key= or MOREGOOD_API_KEY)."


class Forbidden(APIError):
    """403: most likely a suspended project, or a plan without the API [I].

    Nothing was applied; not retried.
    """

    advice = "Check that the project is active and that its plan includes the API."


class NotFound(APIError):
    """404: there is no such path, customer or location. Nothing was applied; not retried.

    Charges and asks raise it for an email or phone that belongs to no customer [I]: upsert the
    customer first.
    """


class Conflict(APIError):
    """409: the request conflicts with the state of the server. Nothing was applied; not retried."""


class ValidationFailed(APIError):
    """422: the server refused values; ``fields`` has its sentences by field name.

    Nothing was applied; not retried. Correct the values.
    """


class RateLimited(APIError):
    """429: too many requests, even after the retries that the call's deadline allowed.

    A refused request had no effect. ``retry_after`` has the delay that the server asked for.
    """

    advice = "Lower max_concurrency=, state the limit with max_rate=, or raise deadline=."


class ServerError(APIError):
    """5xx: the server, or a proxy in front of it, failed.

    Idempotent calls were retried; charges, asks and new locations only after a 503 with
    ``Retry-After``, which has no effect. Other writes may have taken effect: a gateway's 504 does
    not stop the server.
    """


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
    """Return the class of `APIError` for an HTTP status; `APIError` itself if there is no other."""
    if 500 <= status <= 599:
        return ServerError
    return _BY_STATUS.get(status, APIError)
