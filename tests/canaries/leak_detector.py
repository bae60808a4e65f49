"""A detector of leaked secrets, and the canaries: a key and a person that it looks for."""

import pickle
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from moregood_async import (
    MoreGoodError,
)

KEY = "canary-key-7f3a9c55"


EMAIL = "canary.person@canary-mail.example"


PHONE = "+1 415 555 0173"


NAME = "Canarina"


SURNAME = "Canarovic"


COMPANY = "Canarworks"


STREET = "17 Canarygasse"


NOTES = "Canarnotes"


REVIEW = "Canartext, wonderful."


PERSON: Any = {
    "first_name": NAME,
    "last_name": SURNAME,
    "email": EMAIL,
    "phone": PHONE,
    "company": COMPANY,
    "address1": STREET,
    "notes": NOTES,
}


CANARIES = (
    *(KEY, EMAIL, "canary.person", "canary-mail", PHONE, "415 555 0173", "4155550173"),
    *(NAME, SURNAME, COMPANY, STREET, NOTES, REVIEW),
)


class LeakDetector:
    """Records every text that a user could see, and searches the texts for canaries."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        self.texts: list[str] = []

    def record(self, *values: object) -> None:
        """Record what printing and formatting a value gives."""
        for value in values:
            self.texts += [repr(value), str(value), f"{value!s:.2000}"]

    def record_error(self, error: BaseException) -> None:
        """Record what printing and pickling an error gives, and check the locals of its frames."""
        self.texts += [repr(error), str(error), "".join(traceback.format_exception(error))]
        self.texts += getattr(error, "__notes__", [])
        if isinstance(error, MoreGoodError):
            self.texts += [error.explain(), error.problem, *map(repr, error.attempts)]
            self.texts.append(str(pickle.loads(pickle.dumps(error))))
        self.assert_no_key_in_locals(error)

    def assert_no_key_in_locals(self, error: BaseException) -> None:
        """Fail if a local of a frame holds the key, as error reporters with locals would show it.

        The frames of tests and of the sandbox may hold the key.
        """
        report = traceback.TracebackException.from_exception(error, capture_locals=True)
        for cause in causes_of(report):
            for frame in cause.stack:
                if "/tests/" not in frame.filename and "/sandbox/" not in frame.filename:
                    for name, value in (frame.locals or {}).items():
                        assert KEY not in value, f"{frame.filename}:{frame.lineno} {name}"

    def assert_none(self, *allowed: str) -> None:
        """Fail if a recorded text or the log has a canary that is not in `allowed`."""
        logged = [each.getMessage() for each in self._caplog.records]
        logged += [each.exc_text or "" for each in self._caplog.records]
        found = [
            (canary, text)
            for text in [*self.texts, *logged]
            for canary in CANARIES
            if canary.lower() in text.lower() and canary not in allowed
        ]
        assert [] == found
        assert self.texts


def causes_of(report: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    """Yield the report of an error, and the reports of its causes."""
    yield report
    for cause in (report.__cause__, report.__context__):
        if cause is not None:
            yield from causes_of(cause)
