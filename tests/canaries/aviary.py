"""Aviary: what the tests of this folder share."""

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


class Aviary:
    """Gathers what was shown, and looks for canaries in it."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        self.shown: list[str] = []

    def show(self, *values: object) -> None:
        """What printing and formatting a value gives."""
        for value in values:
            self.shown += [repr(value), str(value), f"{value!s:.2000}"]

    def catch(self, error: BaseException) -> None:
        """What printing an error gives, and a reporter that shows every frame's locals."""
        self.shown += [repr(error), str(error), "".join(traceback.format_exception(error))]
        self.shown += getattr(error, "__notes__", [])
        if isinstance(error, MoreGoodError):
            self.shown += [error.explain(), error.problem, *map(repr, error.attempts)]
            self.shown.append(str(pickle.loads(pickle.dumps(error))))
        self.refuse_key_in_locals(error)

    def refuse_key_in_locals(self, error: BaseException) -> None:
        """In our own frames, and in those of the causes; a test's own frames may know it."""
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        for cause in causes_of(told):
            for frame in cause.stack:
                if "/tests/" not in frame.filename and "/sandbox/" not in frame.filename:
                    for name, value in (frame.locals or {}).items():
                        assert KEY not in value, f"{frame.filename}:{frame.lineno} {name}"

    def refuse_canaries(self, *but: str) -> None:
        """None of them in anything that was shown or logged."""
        logged = [record.getMessage() for record in self._caplog.records]
        logged += [record.exc_text or "" for record in self._caplog.records]
        found = [
            (canary, text)
            for text in [*self.shown, *logged]
            for canary in CANARIES
            if canary.lower() in text.lower() and canary not in but
        ]
        assert [] == found
        assert self.shown


def causes_of(told: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    """An error, and those that led to it."""
    yield told
    for cause in (told.__cause__, told.__context__):
        if cause is not None:
            yield from causes_of(cause)
