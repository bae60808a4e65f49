"""The bytes of paths, open files and pipes, and the files that are refused at once."""

from __future__ import annotations

import hashlib
import io
import os
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, cast

import attrs

from moregood_async.errors import MoreGoodError

CHUNK_BYTES: Final = 1 << 20
"""Limits the bytes that are read at once, and those of a pipe's first line."""
PREVIEW_BYTES: Final = 1 << 16
"""Limits the bytes that are read first, to detect format and encoding: a header and some rows."""

_SAVE_AS: Final = "save it as CSV in UTF-8 (Excel: CSV UTF-8)"
_OTHER_FORMATS: Final = (
    (b"PK\x03\x04", f"is a spreadsheet or an archive: {_SAVE_AS}"),  # .xlsx files are archives
    (b"\xd0\xcf\x11\xe0", f"is an Excel workbook: {_SAVE_AS}"),
    (b"\x1f\x8b", "is compressed: gunzip it first"),
    (b"BZh", "is compressed: bunzip2 it first"),
    (b"\xfd7zXZ", "is compressed: unxz it first"),
    (b"(\xb5/\xfd", "is compressed: unzstd it first"),
    (b"%PDF", f"is a PDF: {_SAVE_AS}"),
    (b"SQLite format 3\0", f"is a database: export the customers, and {_SAVE_AS}"),
)
"""First bytes of files that would otherwise be read as a CSV with a strange header."""


class BadFile(MoreGoodError):
    """A file cannot be read as customers at all; nothing was sent."""


@attrs.frozen
class Fingerprint:
    r"""What identifies the content of a file: its size and the BLAKE2b-256 of its bytes.

    >>> Fingerprint.of([b"First Name\n", b"Ada\n"]).size
    15
    """

    size: int
    digest: str

    @classmethod
    def of(cls, chunks: Iterable[bytes]) -> Fingerprint:
        """Return the fingerprint of a file's bytes."""
        digest, size = hashlib.blake2b(digest_size=32), 0
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
        return cls(size, digest.hexdigest())


class ByteSource:
    """The bytes of a path or of an open file, from the start again where that is possible.

    A path is opened for each use and closed after it. A file that was passed in stays open.

    Raises:
        BadFile: The path is a directory, may not be read, or has a format that is refused.
    """

    def __init__(self, source: str | os.PathLike[str] | IO[bytes]) -> None:
        is_path = isinstance(source, str | os.PathLike) and source != "-"
        self.path: Path | None = Path(cast("str", source)) if is_path else None
        self._stream: Any = sys.stdin.buffer if source == "-" else source
        if self.path is not None:
            self._stream = _open_pipe(self.path)
        # From here on `_stream` is None for a common file, which `path` names.
        self.name: str = name_of(self._stream) if self.path is None else self.path.name
        self.rereadable: bool = self._stream is None or is_seekable(self._stream)
        self._start: int = self._stream.tell() if self._stream and self.rereadable else 0
        self.beginning: bytes = self._read_beginning()
        self._is_used_up = False
        _refuse_other_formats(self.beginning)

    def __repr__(self) -> str:
        return f"ByteSource(name={self.name!r})"

    def _read_beginning(self) -> bytes:
        if self.rereadable:
            with self.open() as file:
                return file.read(PREVIEW_BYTES)
        return _read_first_line(self._stream)

    @contextmanager
    def open(self) -> Generator[IO[bytes]]:
        """Open the bytes from the start, and close them with the block."""
        if self._stream is None:
            with cast("Path", self.path).open("rb") as file:
                yield file
            return
        if self.rereadable:
            self._stream.seek(self._start)
            head = b""
        elif self._is_used_up:
            raise BadFile(f"{self.name} can be read only once, and was read already")
        else:
            head, self._is_used_up = self.beginning, True
        with io.BufferedReader(_JoinedReader(head, self._stream), CHUNK_BYTES) as file:
            yield file

    @contextmanager
    def open_seekable(self) -> Generator[IO[bytes]]:
        """Open the file itself, for readers that seek; only if the source is rereadable."""
        if self._stream is None:
            with self.open() as file:
                yield file
        else:
            self._stream.seek(0)
            yield self._stream

    def close(self) -> None:
        """Close the named pipe at the path, if there is one; a second call does nothing."""
        if self.path is not None and self._stream is not None:
            self._stream.close()

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in chunks of at most `CHUNK_BYTES`."""
        with self.open() as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def fingerprint(self) -> Fingerprint | None:
        """Return the fingerprint of the file at the path; None for anything else."""
        return Fingerprint.of(self.chunks()) if self._stream is None else None

    def count_lines(self) -> int | None:
        """Return the number of lines; None for a pipe, which counting would use up."""
        if not self.rereadable:
            return None
        last = b"\n"
        count = 0
        for chunk in self.chunks():
            count, last = count + chunk.count(b"\n"), chunk[-1:]
        # A last line without an end counts. In UTF-16-LE, a line ends in 0A 00.
        return count + (last not in b"\n\0")


class _JoinedReader(io.RawIOBase):
    """Reads bytes that were read ahead, then the rest of a stream, which it leaves open."""

    def __init__(self, head: bytes, stream: Any) -> None:
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        chunk = chunk or _read_available(self._stream, len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _read_available(stream: Any, limit: int) -> bytes:
    """Return the bytes that have arrived; wait for at least one. Empty at the end only."""
    # `read1` returns what a pipe has; `read` would wait until `limit` bytes have arrived.
    read = getattr(stream, "read1", stream.read)
    return cast("bytes", read(limit)) or b""


def _read_first_line(stream: Any) -> bytes:
    """Return the first line of a pipe that is not blank, and the bytes that arrived with it."""
    beginning = b""
    while b"\n" not in beginning.strip() and len(beginning) < CHUNK_BYTES:
        chunk = _read_available(stream, PREVIEW_BYTES)
        if not chunk:
            break
        beginning += chunk
    return beginning


def is_seekable(stream: Any) -> bool:
    """Whether an open file can be read again from its current position."""
    return bool(getattr(stream, "seekable", lambda: False)())


def name_of(stream: Any) -> str:
    """Return the name of an open file without folders; ``rows`` if it has no name."""
    name = getattr(stream, "name", None)
    if stream is getattr(sys.stdin, "buffer", None) or name == "<stdin>":
        return "standard input"
    return Path(name).name if isinstance(name, str) else "rows"  # a pipe's name is its number


def _open_pipe(path: Path) -> IO[bytes] | None:
    """Return the open pipe at a path, such as ``<(zcat file.gz)``; None for a common file."""
    with _explain_open_errors(path):
        opened = path.open("rb")
    if not path.is_file():
        return opened  # a second `open` of a pipe would not see the same bytes
    opened.close()
    return None


@contextmanager
def _explain_open_errors(path: Path) -> Generator[None]:
    """Raise `BadFile` with advice; a `FileNotFoundError` is passed on."""
    try:
        yield
    except IsADirectoryError as error:
        raise BadFile(f"{path} is a directory; name a file in it") from error
    except PermissionError as error:
        raise BadFile(f"{path} cannot be read: you have no permission to read it") from error


def _refuse_other_formats(beginning: bytes) -> None:
    for first_bytes, problem in _OTHER_FORMATS:
        if beginning.startswith(first_bytes):
            raise BadFile(f"the file {problem}")
