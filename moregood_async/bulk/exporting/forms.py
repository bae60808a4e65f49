"""The formats of lists, and the pages of each as bytes that can be appended to a file."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final, Literal, Protocol

from moregood_async.bulk.exporting.arrow import ArrowPages
from moregood_async.bulk.exporting.files import HALF_LETTERS
from moregood_async.bulk.exporting.text import CsvWriter, JsonLinesWriter

Form = Literal["csv", "jsonl", "parquet"]
"""A file's format."""

FORMS: Final[tuple[Form, ...]] = ("csv", "jsonl", "parquet")

_BY_SUFFIX: dict[str, Form] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}


def form_of(path: Path | None, default: Form = "csv") -> Form:
    """The format that a file's suffix names.

    >>> form_of(Path("reviews.NDJSON")), form_of(Path("reviews.txt")), form_of(None, "jsonl")
    ('jsonl', 'csv', 'jsonl')
    """
    return _BY_SUFFIX.get(path.suffix.lower(), default) if path else default


Finish = Callable[[IO[bytes], IO[bytes]], Iterator[None]]
"""Reads all pages from one file and writes another, a step at a time."""


class Pages(Protocol):
    """Items of one kind as bytes, a page at a time; whole after each."""

    def head(self) -> bytes:
        """What comes before the first page."""
        ...

    def page(self, items: Sequence[Any]) -> bytes:
        """The bytes of a page."""
        ...

    @property
    def finish(self) -> Finish | None:
        """How the file is made of all these bytes; None where they are the file already."""
        ...


class TextPages:
    """CSV and JSON Lines: the file is its pages, one after the other."""

    @property
    def finish(self) -> None:
        """Nothing is to be done."""

    def __init__(self, writer: Callable[..., CsvWriter | JsonLinesWriter], kind: type[Any]) -> None:
        self._writer = writer
        self._kind = kind

    def head(self) -> bytes:
        """The header, where there is one."""
        return self._written([], header=True)

    def page(self, items: Sequence[Any]) -> bytes:
        """A line an item."""
        return self._written(items, header=False)

    def _written(self, items: Sequence[Any], *, header: bool) -> bytes:
        text = io.StringIO(newline="")
        writer = self._writer(text, self._kind, header=header)
        for item in items:
            writer.write(item)
        return text.getvalue().encode(errors=HALF_LETTERS)


def pages_of(form: Form, kind: type[Any]) -> Pages:
    """The pages of a format.

    Raises:
        NoParquet: It is Parquet, and pyarrow is not installed.
    """
    if form == "parquet":
        return ArrowPages(kind)
    return TextPages(CsvWriter if form == "csv" else JsonLinesWriter, kind)
