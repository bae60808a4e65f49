"""The file formats of exported lists, and the encoders that turn pages into appendable bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final, Literal, Protocol

from moregood_async.bulk.exporting.arrow import ArrowEncoder
from moregood_async.bulk.exporting.files import LONE_SURROGATES
from moregood_async.bulk.exporting.text import CsvWriter, JsonLinesWriter

FileFormat = Literal["csv", "jsonl", "parquet"]
"""The format of an exported file."""

FILE_FORMATS: Final[tuple[FileFormat, ...]] = ("csv", "jsonl", "parquet")

_BY_SUFFIX: Final[dict[str, FileFormat]] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}


def detect_file_format(path: Path | None, default: FileFormat = "csv") -> FileFormat:
    """Return the file format of a path's suffix, or ``default`` for any other suffix.

    >>> detect_file_format(Path("reviews.NDJSON")), detect_file_format(Path("reviews.txt"))
    ('jsonl', 'csv')
    >>> detect_file_format(None, "jsonl")
    'jsonl'
    """
    return _BY_SUFFIX.get(path.suffix.lower(), default) if path else default


Assemble = Callable[[IO[bytes], IO[bytes]], Iterator[None]]
"""Reads all encoded pages from one file and writes the target, a step at a time."""


class PageEncoder(Protocol):
    """Encodes pages of one model. What it returned so far is complete after each page."""

    def header(self) -> bytes:
        """Return the bytes before the first page."""
        ...

    def encode(self, items: Sequence[Any]) -> bytes:
        """Return the bytes of one page."""
        ...

    @property
    def assemble(self) -> Assemble | None:
        """How the target is made of the encoded pages; None if they already are the target."""
        ...


class TextEncoder:
    """Encodes pages as CSV or JSON Lines: the target is the header and the pages in sequence."""

    def __init__(self, writer: type[CsvWriter | JsonLinesWriter], model: type[Any]) -> None:
        self._writer = writer
        self._model = model

    def __repr__(self) -> str:
        return f"TextEncoder({self._writer.__name__}, {self._model.__name__})"

    @property
    def assemble(self) -> None:
        """None: the encoded pages are the target."""

    def header(self) -> bytes:
        """Return the header line of a CSV; JSON Lines have none."""
        return self._encode([], header=True)

    def encode(self, items: Sequence[Any]) -> bytes:
        """Return one line for each item."""
        return self._encode(items, header=False)

    def _encode(self, items: Sequence[Any], *, header: bool) -> bytes:
        text = io.StringIO(newline="")
        writer = self._writer(text, self._model, header=header)
        for item in items:
            writer.write(item)
        return text.getvalue().encode(errors=LONE_SURROGATES)


def page_encoder_for(file_format: FileFormat, model: type[Any]) -> PageEncoder:
    """Return the encoder of a file format.

    Raises:
        NoParquet: The format is Parquet and pyarrow is not installed.
    """
    if file_format == "parquet":
        return ArrowEncoder(model)
    return TextEncoder(CsvWriter if file_format == "csv" else JsonLinesWriter, model)
