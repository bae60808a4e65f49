"""Text: the lines of a file in its own encoding, from the start again where that is possible."""

from __future__ import annotations

import io
import os
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import IO, Protocol, cast

from moregood_async.bulk.importing.encoding import (
    UTF_8,
    canonical,
    encoding_of,
    errors_of,
    told_at_once,
)
from moregood_async.bulk.importing.sources.files import (
    BadFile,
    Bytes,
    Fingerprint,
    is_seekable,
    name_of,
)

Readable = str | os.PathLike[str] | IO[str] | IO[bytes]
"""What can be read: a path, ``-`` for standard input, or an open file."""

_MARK = "\ufeff"


class Text(Protocol):
    """Lines with their ends, and what is known of where they come from."""

    @property
    def name(self) -> str:
        """What it is called, for people."""
        ...

    @property
    def path(self) -> Path | None:
        """Where the file is, if there is one."""
        ...

    @property
    def encoding(self) -> str:
        """What the bytes were read as."""
        ...

    @property
    def rereadable(self) -> bool:
        """Whether it can be opened again, from the start."""
        ...

    @property
    def begins(self) -> str:
        """So much of it as is known before it is read; at least the first line."""
        ...

    def open(self) -> AbstractContextManager[Iterator[str]]:
        """The lines from the start; what is opened for it is closed with the block."""
        ...

    def close(self) -> None:
        """Close what was opened for it, and nothing that was handed in; twice is fine."""
        ...

    def fingerprint(self) -> Fingerprint | None:
        """What tells the file from what it was; None where there is none."""
        ...

    def lines(self) -> int | None:
        """How many lines there are, or None where counting would use them up."""
        ...


def text_of(source: Readable | Bytes, encoding: str | None = None) -> Text:
    """The lines of a file.

    The encoding is told from the whole file; of a pipe, from what is there at once, the first
    line in any case. Where that is plain ASCII a pipe is read as UTF-8, and a later line that is
    not rejects its row: nothing is garbled.

    Raises:
        BadFile: There is no such encoding, or the file cannot be opened; see `Bytes`.
    """
    if isinstance(source, io.TextIOBase):
        return _Decoded(cast("IO[str]", source))
    if isinstance(source, Bytes):
        return _Encoded(source, encoding)
    return _Encoded(Bytes(cast("str | IO[bytes]", source)), encoding)


class _Encoded:
    """The lines of bytes."""

    def __init__(self, source: Bytes, encoding: str | None) -> None:
        self._bytes = source
        self.name: str = source.name
        self.path: Path | None = source.path
        self.rereadable: bool = source.rereadable
        self.encoding: str = _checked(encoding, source) if encoding else _told(source)
        begins = source.begins.decode(self.encoding, errors_of(self.encoding))
        self._mark = len(_MARK.encode(self.encoding)) if begins.startswith(_MARK) else 0
        self.begins: str = begins.removeprefix(_MARK)

    @contextmanager
    def open(self) -> Generator[Iterator[str]]:
        with self._bytes.open() as file:
            file.read(self._mark)
            decoded = io.TextIOWrapper(
                cast("io.BufferedReader", file),
                encoding=self.encoding,
                errors=errors_of(self.encoding),
                newline="",
            )
            with decoded:
                yield decoded

    def close(self) -> None:
        self._bytes.close()

    def fingerprint(self) -> Fingerprint | None:
        return self._bytes.fingerprint()

    def lines(self) -> int | None:
        return self._bytes.lines()


class _Decoded:
    """The lines of an open text file, whatever its encoding was."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.name: str = name_of(file)
        self.path: Path | None = None
        self.rereadable: bool = is_seekable(file)
        self.encoding: str = UTF_8
        self._start: int = file.tell() if self.rereadable else 0
        self._ahead: list[str] = [] if self.rereadable else _first_lines(file)
        self.begins: str = "".join(self._ahead) or self._peek()
        self._read = False

    def _peek(self) -> str:
        with self.open() as lines:
            return "".join(_first_lines(lines))

    @contextmanager
    def open(self) -> Generator[Iterator[str]]:
        if self.rereadable:
            self._file.seek(self._start)
        elif self._read:
            raise BadFile(f"{self.name} can be read only once, and was")
        else:
            self._read = True
        yield _without_mark(chain(self._ahead, self._file))

    def close(self) -> None:
        """Nothing was opened; the file is the caller's."""

    def fingerprint(self) -> Fingerprint | None:
        return None

    def lines(self) -> int | None:
        if not self.rereadable:
            return None
        with self.open() as lines:
            return sum(1 for _ in lines)


def _first_lines(lines: Iterator[str] | IO[str]) -> list[str]:
    """Lines until one is whole that is not blank; a quoted cell of it may go over several."""
    found: list[str] = []
    for line in islice(lines, 100):
        found.append(line)
        text = "".join(found)
        if text.strip() and text.count('"') % 2 == 0:
            break
    return found


def _without_mark(lines: Iterator[str] | IO[str]) -> Iterator[str]:
    first = next(iter(lines), "").removeprefix(_MARK)
    return chain([first], lines) if first else iter(lines)


def _told(source: Bytes) -> str:
    """The encoding of the whole file, or of so much of a pipe as ends in a whole character."""
    if source.rereadable:
        return encoding_of(source.pieces())
    begins = source.begins
    whole = begins[: begins.rfind(b"\n") + 1] or begins
    return told_at_once(begins) or encoding_of([whole])


def _checked(encoding: str, source: Bytes) -> str:
    try:
        name = canonical(encoding)
    except LookupError as error:
        raise BadFile(
            f'there is no encoding "{encoding}"; utf-8, utf-16, cp1252 and latin-1 are usual'
        ) from error
    if name not in ("utf-16", "utf-32"):
        return name
    return told_at_once(source.begins) or f"{name}-le"
