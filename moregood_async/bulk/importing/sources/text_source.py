"""The lines of a file in its encoding, from the start again where that is possible."""

from __future__ import annotations

import io
import os
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import IO, Final, Protocol, cast

from moregood_async.bulk.importing.encoding import (
    UTF_8,
    decode_errors_for,
    detect_encoding,
    detect_wide_or_marked,
    normalize_encoding,
)
from moregood_async.bulk.importing.sources.byte_source import (
    BadFile,
    ByteSource,
    Fingerprint,
    is_seekable,
    name_of,
)

Readable = str | os.PathLike[str] | IO[str] | IO[bytes]
"""What can be read: a path, ``-`` for standard input, or an open file."""

_BYTE_ORDER_MARK: Final = "\ufeff"

MAX_HEADER_LINES: Final = 100
"""Limits the lines that are read ahead for a header that begins with blank lines."""


class TextSource(Protocol):
    """Lines with their line ends, and the file that they come from."""

    @property
    def name(self) -> str:
        """The name for people."""
        ...

    @property
    def path(self) -> Path | None:
        """The path of the file, if it has one."""
        ...

    @property
    def encoding(self) -> str:
        """The encoding in which the bytes are read."""
        ...

    @property
    def rereadable(self) -> bool:
        """Whether the lines can be read again, from the start."""
        ...

    @property
    def beginning(self) -> str:
        """The text that was read ahead; at least the first line that is not blank."""
        ...

    def open(self) -> AbstractContextManager[Iterator[str]]:
        """Open the lines from the start, and close them with the block."""
        ...

    def close(self) -> None:
        """Close what this object opened; a second call does nothing."""
        ...

    def fingerprint(self) -> Fingerprint | None:
        """Return the fingerprint of the file; None if there is no file."""
        ...

    def count_lines(self) -> int | None:
        """Return the number of lines; None for a pipe, which counting would use up."""
        ...


def open_text(source: Readable | ByteSource, encoding: str | None = None) -> TextSource:
    """Return the lines of a file.

    The encoding is detected from the whole file; that of a pipe from the bytes that arrive first,
    which include the first line. If these are ASCII, the pipe is read as UTF-8, and a later line
    that is not UTF-8 rejects its row: no name is garbled.

    Raises:
        BadFile: There is no such encoding, or the file cannot be opened; see `ByteSource`.
    """
    if isinstance(source, io.TextIOBase):
        return _OpenTextFile(cast("IO[str]", source))
    if isinstance(source, ByteSource):
        return _DecodedBytes(source, encoding)
    return _DecodedBytes(ByteSource(cast("str | IO[bytes]", source)), encoding)


class _DecodedBytes:
    """The lines of bytes."""

    def __init__(self, source: ByteSource, encoding: str | None) -> None:
        self._bytes = source
        self.name: str = source.name
        self.path: Path | None = source.path
        self.rereadable: bool = source.rereadable
        self.encoding: str = _resolve(encoding, source) if encoding else _detect(source)
        beginning = source.beginning.decode(self.encoding, decode_errors_for(self.encoding))
        has_mark = beginning.startswith(_BYTE_ORDER_MARK)
        self._mark_bytes = len(_BYTE_ORDER_MARK.encode(self.encoding)) if has_mark else 0
        self.beginning: str = beginning.removeprefix(_BYTE_ORDER_MARK)

    def __repr__(self) -> str:
        return f"TextSource(name={self.name!r}, encoding={self.encoding!r})"

    @contextmanager
    def open(self) -> Generator[Iterator[str]]:
        with self._bytes.open() as file:
            file.read(self._mark_bytes)
            decoded = io.TextIOWrapper(
                cast("io.BufferedReader", file),
                encoding=self.encoding,
                errors=decode_errors_for(self.encoding),
                newline="",  # line ends within quoted cells stay as they are
            )
            with decoded:
                yield decoded

    def close(self) -> None:
        self._bytes.close()

    def fingerprint(self) -> Fingerprint | None:
        return self._bytes.fingerprint()

    def count_lines(self) -> int | None:
        return self._bytes.count_lines()


class _OpenTextFile:
    """The lines of a text file that the caller opened, in an encoding that does not matter."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.name: str = name_of(file)
        self.path: Path | None = None
        self.rereadable: bool = is_seekable(file)
        self.encoding: str = UTF_8
        self._start: int = file.tell() if self.rereadable else 0
        self._lines_ahead: list[str] = [] if self.rereadable else _read_first_lines(file)
        self._is_used_up = False
        self.beginning: str = "".join(self._lines_ahead)
        if self.rereadable:
            with self.open() as lines:
                self.beginning = "".join(_read_first_lines(lines))

    def __repr__(self) -> str:
        return f"TextSource(name={self.name!r}, encoding={self.encoding!r})"

    @contextmanager
    def open(self) -> Generator[Iterator[str]]:
        if self.rereadable:
            self._file.seek(self._start)
        elif self._is_used_up:
            raise BadFile(f"{self.name} can be read only once, and was read already")
        else:
            self._is_used_up = True
        yield _skip_mark(chain(self._lines_ahead, self._file))

    def close(self) -> None:
        """Do nothing: the file is the caller's."""

    def fingerprint(self) -> Fingerprint | None:
        return None

    def count_lines(self) -> int | None:
        if not self.rereadable:
            return None
        with self.open() as lines:
            return sum(1 for _ in lines)


def _read_first_lines(lines: Iterator[str] | IO[str]) -> list[str]:
    """Return the lines up to the end of the first record that is not blank."""
    read: list[str] = []
    for line in islice(lines, MAX_HEADER_LINES):
        read.append(line)
        text = "".join(read)
        # An odd number of quotes is a cell that goes on in the next line: '"First\nName",Zip'.
        if text.strip() and text.count('"') % 2 == 0:
            break
    return read


def _skip_mark(lines: Iterator[str]) -> Iterator[str]:
    first = next(lines, "").removeprefix(_BYTE_ORDER_MARK)
    return chain([first], lines) if first else lines


def _detect(source: ByteSource) -> str:
    if source.rereadable:
        return detect_encoding(source.chunks())
    # The bytes of a pipe may end within a character (the C3 of C3 AB, ë), which would count as
    # broken. So only whole lines are considered, if there is one.
    beginning = source.beginning
    whole_lines = beginning[: beginning.rfind(b"\n") + 1] or beginning
    return detect_wide_or_marked(beginning) or detect_encoding([whole_lines])


def _resolve(encoding: str, source: ByteSource) -> str:
    """Return the encoding that the caller named, with a byte order where it needs one."""
    try:
        name = normalize_encoding(encoding)
    except LookupError as error:
        raise BadFile(
            f'there is no encoding "{encoding}"; utf-8, utf-16, cp1252 and latin-1 are usual'
        ) from error
    if name not in ("utf-16", "utf-32"):
        return name
    return detect_wide_or_marked(source.beginning) or f"{name}-le"
