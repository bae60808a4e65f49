"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

LONE_SURROGATES: Final = "backslashreplace"
r"""The `open` error handler for half a surrogate pair, which JSON may hold and UTF-8 cannot encode.

It is written as ``\udc80``, which JSON reads back.
"""


@contextmanager
def whole_file(
    path: Path, *, errors: str = LONE_SURROGATES, mode: int = 0o666
) -> Generator[IO[str]]:
    """Open a UTF-8 text file that appears under its name only when it is complete.

    The text goes to a temporary file in the same folder, which replaces ``path`` at the end of the
    block. If the block raises, an existing file stays as it was. Pipes and devices are written to
    directly.

    Args:
        path: The name of the file.
        errors: How characters that UTF-8 cannot encode are written, as in `open`.
        mode: The permissions of the file, before the umask.
    """
    with (
        _replaced_when_complete(path) as part,
        os.fdopen(
            _open_descriptor(part, mode), "w", encoding="utf-8", errors=errors, newline=""
        ) as file,
    ):
        yield file
        sync_to_disk(file)


@contextmanager
def whole_bytes(path: Path, *, mode: int = 0o666) -> Generator[IO[bytes]]:
    """Open a binary file that appears under its name only when it is complete."""
    with (
        _replaced_when_complete(path) as part,
        os.fdopen(_open_descriptor(part, mode), "wb") as file,
    ):
        yield file
        sync_to_disk(file)


def is_stream(target: Path) -> bool:
    """Whether ``target`` is a pipe or a device, which no finished file can replace."""
    return target.exists() and not target.is_file()


def sync_to_disk(file: IO[str] | IO[bytes]) -> None:
    """Flush a file; return when a regular file is on the disk."""
    file.flush()
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # fsync fails on pipes
        os.fsync(file.fileno())


@contextmanager
def _replaced_when_complete(path: Path) -> Generator[Path]:
    target = path.resolve()  # replaces the file that a symbolic link names, and keeps the link
    if is_stream(target):
        yield target
        return
    # The temporary file is in the same folder, because a rename across disks is not atomic.
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _open_descriptor(path: Path, mode: int) -> int:
    binary = getattr(os, "O_BINARY", 0)  # Windows only
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | binary, mode)
