"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

HALF_LETTERS: Final = "backslashreplace"
r"""Half a surrogate pair has no bytes in UTF-8: it goes as ``\udc80``, which JSON reads back."""


@contextmanager
def whole_file(path: Path, *, errors: str = HALF_LETTERS, mode: int = 0o666) -> Generator[IO[str]]:
    """A text file, in UTF-8, that appears under its name only when it is complete.

    It is written beside and moved into place at the end; where the block raises, what was there
    before stays. A pipe or a device is written to directly.

    Args:
        path: Its name.
        errors: What becomes of letters that UTF-8 has no bytes for, as in `open`.
        mode: Who may read it, before the umask.
    """
    with (
        _moved_into_place(path) as part,
        os.fdopen(_new(part, mode), "w", encoding="utf-8", errors=errors, newline="") as file,
    ):
        yield file
        to_disk(file)


@contextmanager
def whole_bytes(path: Path, *, mode: int = 0o666) -> Generator[IO[bytes]]:
    """The same for bytes."""
    with _moved_into_place(path) as part, os.fdopen(_new(part, mode), "wb") as file:
        yield file
        to_disk(file)


def is_stream(target: Path) -> bool:
    """Whether it is a pipe or a device: it takes bytes, and cannot be moved into place."""
    return target.exists() and not target.is_file()


def to_disk(file: IO[str] | IO[bytes]) -> None:
    """What was written is on the disk when this returns."""
    file.flush()
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        os.fsync(file.fileno())


@contextmanager
def _moved_into_place(path: Path) -> Generator[Path]:
    target = path.resolve()
    if is_stream(target):
        yield target
        return
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _new(path: Path, mode: int) -> int:
    binary = getattr(os, "O_BINARY", 0)  # Windows only
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | binary, mode)
