"""Where bytes and lines come from: paths, open files, pipes; and what is wrong with them."""

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

PIECE: Final = 1 << 20
ENOUGH: Final = 1 << 16
"""Bytes of a pipe that its format and encoding are told from, if they are there at once."""

_SAVE_AS: Final = "save it as CSV in UTF-8 (Excel: CSV UTF-8)"
_FOREIGN: Final = (
    (b"PK\x03\x04", f"is a spreadsheet or an archive: {_SAVE_AS}"),
    (b"\xd0\xcf\x11\xe0", f"is an Excel workbook: {_SAVE_AS}"),
    (b"\x1f\x8b", "is compressed: gunzip it first"),
    (b"BZh", "is compressed: bunzip2 it first"),
    (b"\xfd7zXZ", "is compressed: unxz it first"),
    (b"(\xb5/\xfd", "is compressed: unzstd it first"),
    (b"%PDF", f"is a PDF: {_SAVE_AS}"),
    (b"SQLite format 3\0", f"is a database: export the customers, and {_SAVE_AS}"),
)


class BadFile(MoreGoodError):
    """A file cannot be read as customers at all; nothing was sent."""


@attrs.frozen
class Fingerprint:
    r"""What tells a file from what it was: its size and the BLAKE2b-256 of its bytes.

    >>> Fingerprint.of([b"First Name\n", b"Ada\n"]).size
    15
    """

    size: int
    digest: str

    @classmethod
    def of(cls, pieces: Iterable[bytes]) -> Fingerprint:
        """The fingerprint of a file's bytes."""
        digest, size = hashlib.blake2b(digest_size=32), 0
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
        return cls(size, digest.hexdigest())


class Bytes:
    """The bytes of a path or of an open file, from the start again where that is possible.

    What it opens itself it closes; a file that was handed in stays open.
    """

    def __init__(self, source: str | os.PathLike[str] | IO[bytes]) -> None:
        is_path = isinstance(source, str | os.PathLike) and source != "-"
        self.path: Path | None = Path(cast("str", source)) if is_path else None
        self._stream: Any = sys.stdin.buffer if source == "-" else source
        if self.path is not None:
            self._stream = _pipe_at(self.path)
        self.name: str = name_of(self._stream) if self.path is None else self.path.name
        self.rereadable: bool = self._stream is None or is_seekable(self._stream)
        self._start: int = self._stream.tell() if self._stream and self.rereadable else 0
        self.begins: bytes = self._first()
        self._read = False
        _refuse_foreign(self.begins)

    def _first(self) -> bytes:
        if self.rereadable:
            with self.open() as file:
                return file.read(ENOUGH)
        return _at_once(self._stream)

    @contextmanager
    def open(self) -> Generator[IO[bytes]]:
        """The bytes from the start; closed with the block, be it left early."""
        if self._stream is None:
            with cast("Path", self.path).open("rb") as file:
                yield file
            return
        if self.rereadable:
            self._stream.seek(self._start)
            head = b""
        elif self._read:
            raise BadFile(f"{self.name} can be read only once, and was")
        else:
            head, self._read = self.begins, True
        with io.BufferedReader(_Joined(head, self._stream), PIECE) as file:
            yield file

    @contextmanager
    def whole(self) -> Generator[IO[bytes]]:
        """The file itself, for who must move about in it; only where it is rereadable."""
        if self._stream is None:
            with self.open() as file:
                yield file
        else:
            self._stream.seek(0)
            yield self._stream

    def close(self) -> None:
        """Close the named pipe that stands at the path, if it is one; twice is fine."""
        if self.path is not None and self._stream is not None:
            self._stream.close()

    def pieces(self) -> Iterator[bytes]:
        """The bytes in pieces of a mebibyte."""
        with self.open() as file:
            while piece := file.read(PIECE):
                yield piece

    def fingerprint(self) -> Fingerprint | None:
        """The fingerprint of the file; None where there is no path to one."""
        return Fingerprint.of(self.pieces()) if self._stream is None else None

    def lines(self) -> int | None:
        """How many lines there are, or None where counting would use them up."""
        if not self.rereadable:
            return None
        last = b"\n"
        count = 0
        for piece in self.pieces():
            count, last = count + piece.count(b"\n"), piece[-1:]
        return count + (last not in b"\n\0")


class _Joined(io.RawIOBase):
    """What was read ahead, and then the rest of a stream, which it leaves open."""

    def __init__(self, head: bytes, stream: Any) -> None:
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        piece = piece or _read_some(self._stream, len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def _read_some(stream: Any, most: int) -> bytes:
    """What is there now, and at least something before the end."""
    read = getattr(stream, "read1", stream.read)
    return cast("bytes", read(most)) or b""


def _at_once(stream: Any) -> bytes:
    """The first line, and whatever came with it."""
    begins = b""
    while b"\n" not in begins.strip() and len(begins) < PIECE:
        some = _read_some(stream, ENOUGH)
        if not some:
            break
        begins += some
    return begins


def is_seekable(stream: Any) -> bool:
    """Whether an open file can be read again from where it stands."""
    return bool(getattr(stream, "seekable", lambda: False)())


def name_of(stream: Any) -> str:
    """What an open file is called: its file's name without folders, or ``rows``."""
    name = getattr(stream, "name", None)
    if stream is getattr(sys.stdin, "buffer", None) or name == "<stdin>":
        return "standard input"
    return Path(name).name if isinstance(name, str) else "rows"


def _pipe_at(path: Path) -> IO[bytes] | None:
    """What is open at a path that gives its bytes only once; None for a common file."""
    with _told(path):
        opened = path.open("rb")
    if not path.is_file():
        return opened
    opened.close()
    return None


@contextmanager
def _told(path: Path) -> Generator[None]:
    """The errors of opening a path, with what to do; that nothing is there is left as it is."""
    try:
        yield
    except IsADirectoryError as error:
        raise BadFile(f"{path} is a directory: name a file in it") from error
    except PermissionError as error:
        raise BadFile(f"{path} may not be read: give yourself the permission") from error


def _refuse_foreign(begins: bytes) -> None:
    for mark, problem in _FOREIGN:
        if begins.startswith(mark):
            raise BadFile(f"the file {problem}")
