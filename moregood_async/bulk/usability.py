"""Whether the API can be used at all, told from how the rows of a run end.

A refused key or a dead network must not fail ten thousand rows one by one: the first rows are
sent alone until one is answered, and a run stops by itself when nothing answers any more.
"""

from __future__ import annotations

from typing import Final

import attrs

from moregood_async.errors import (
    APIError,
    ConfigurationError,
    ConnectionFailed,
    Forbidden,
    InvalidRequest,
    NotFound,
    RateLimited,
    ServerError,
    Unauthorized,
)

ALONE: Final = 3
"""So many rows without an answer, before there ever was one, are enough."""

IN_A_ROW: Final = 100
"""So many unanswered rows, one after the other, are enough in the middle of a run."""


@attrs.define
class Usability:
    """What the ends of the rows so far say about the API.

    >>> api = Usability()
    >>> api.learn(None)
    >>> api.answered, api.verdict
    (True, None)
    """

    answered: bool = False
    """Whether the API has answered a row of this run, be it with a refusal of that row."""
    unanswered: int = 0
    """Rows in a row that it has not."""
    verdict: Exception | None = None
    """The error that says that it cannot be used (any more), or None."""

    def learn(self, error: Exception | None) -> None:
        """A row has ended, with this error or none."""
        if self.verdict is not None or isinstance(error, InvalidRequest):
            return
        if self.is_answer(error):
            self.answered, self.unanswered = True, 0
            return
        self.unanswered += 1
        most = IN_A_ROW if self.answered else ALONE
        if self.unanswered >= most or self._is_final(error):
            self.verdict = error

    def is_answer(self, error: Exception | None) -> bool:
        """Whether an end is the API's own word on the row.

        A 404 before anything else was answered more likely comes from a wrong base URL.
        """
        if isinstance(error, NotFound):
            return self.answered
        no_word = Unauthorized | Forbidden | RateLimited | ServerError
        return error is None or (isinstance(error, APIError) and not isinstance(error, no_word))

    def _is_final(self, error: Exception | None) -> bool:
        if isinstance(error, Unauthorized | Forbidden | ConfigurationError):
            return True
        return isinstance(error, ConnectionFailed) and not self.answered
