"""Where the pages of an export go: to a partial file beside the target, or straight to a stream.

::

    folder/
    ├── reviews.csv              the previous export, until the new one is complete
    ├── .reviews.csv.part        the pages so far, and perhaps the beginning of one more
    └── .reviews.csv.checkpoint  how many bytes of the partial file are complete, and its ids

The partial file is on the disk before the checkpoint is saved, so the bytes that a checkpoint
names always exist. Bytes behind them are an unfinished page, which a resumed export cuts off.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final

import attrs

from moregood_async.bulk.exporting.checkpoint import (
    CannotExport,
    Checkpoint,
    ExportIdentity,
    Position,
)
from moregood_async.bulk.exporting.file_formats import PageEncoder
from moregood_async.bulk.exporting.files import is_stream, sync_to_disk
from moregood_async.models.pages import Page

CHECKPOINT_SHARE: Final = 10
"""Limits saving checkpoints to one tenth of the time of an export.

Saving syncs two files to the disk, which can take longer than the request of a page.
"""


class StreamOutput:
    """Writes pages to an open file, a pipe or a device, from which nothing can be taken back."""

    resumed: bool = False
    skipped_rows: int = 0

    def __init__(self, file: IO[bytes], encoder: PageEncoder, *, owned: bool) -> None:
        self._file = file
        self._encoder = encoder
        self._owned = owned
        # Pages of a format that is assembled at the end wait in an unnamed temporary file.
        self._pages: IO[bytes] = TemporaryFile() if encoder.assemble else file  # noqa: SIM115
        self._header_written = False
        self.position: Position = Position()

    def __repr__(self) -> str:
        return f"StreamOutput({self._encoder!r}, rows={self.position.rows})"

    def add(self, page: Page[Any]) -> int:
        """Write a page; return the number of rows written."""
        self._write_header()
        self._pages.write(self._encoder.encode(page.items))
        self._pages.flush()
        rows = len(page.items)
        self.position = attrs.evolve(self.position, rows=self.position.rows + rows)
        return rows

    def finish(self) -> Iterator[None]:
        """Assemble the file where its format needs all pages; one step for each iteration."""
        self._write_header()
        if self._encoder.assemble:
            self._pages.seek(0)
            yield from self._encoder.assemble(self._pages, self._file)
        self._file.flush()

    def close(self) -> int:
        """Close the temporary file, and the target if this object opened it; return 0."""
        if self._pages is not self._file:
            self._pages.close()
        if self._owned:
            self._file.close()
        return 0

    def _write_header(self) -> None:
        if not self._header_written:
            self._pages.write(self._encoder.header())
            self._header_written = True


class PartialFile:
    """Writes pages to a file beside the target, from the position where an earlier run stopped.

    Without ``resume``, the pages of an earlier run are kept until the first new page arrived.

    Raises:
        CannotExport: Another export writes to the target, or the interrupted export differs.
        OSError: The files cannot be written.
    """

    def __init__(
        self,
        target: Path,
        encoder: PageEncoder,
        identity: ExportIdentity,
        *,
        resume: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._target = target.resolve()
        self._encoder = encoder
        self._identity = identity
        self._clock = clock
        self._path = self._beside("part")
        self._file: IO[bytes] | None = None
        self._consistent = True
        """Whether file, ids and position agree; False while a page is added to them."""
        self._complete = False
        self._next_save_at = 0.0
        self.position: Position = Position()
        self.skipped_rows: int = 0
        self._checkpoint = Checkpoint(self._beside("checkpoint"))
        try:
            if resume:
                self._resume()
        except BaseException:
            self._checkpoint.close()
            raise
        self.resumed: bool = self._file is not None

    def __repr__(self) -> str:
        return f"PartialFile({self._path.name!r}, {self._encoder!r}, rows={self.position.rows})"

    def add(self, page: Page[Any]) -> int:
        """Append the rows of a page that are new; return their number."""
        file = self._ensure_open()
        new = self._checkpoint.select_new(page.items)
        self._consistent = False  # an error before the end of this method leaves a partial page
        if new:
            file.write(self._encoder.encode(new))
            file.flush()
        self._checkpoint.add(new)
        self.position.sort_order.observe(new)
        self.skipped_rows += len(page.items) - len(new)
        self.position = attrs.evolve(
            self.position,
            page=page.page,
            size=file.tell(),
            rows=self.position.rows + len(new),
            total=page.total,
        )
        self._consistent = True
        if self._clock() >= self._next_save_at:
            self._save(file)
        return len(new)

    def has_first_row_of(self, page: Page[Any]) -> bool:
        """Whether the first row of a page was written before."""
        return bool(page.items) and not self._checkpoint.select_new(page.items[:1])

    def finish(self) -> Iterator[None]:
        """Replace the target with the complete file; one step for each iteration."""
        self._save(self._ensure_open())
        complete = self._path
        if self._encoder.assemble:
            complete = self._beside("complete")
            with complete.open("wb") as target, self._path.open("rb") as pages:
                yield from self._encoder.assemble(pages, target)
                sync_to_disk(target)
        self._ensure_open().close()
        complete.replace(self._target)
        self._complete = True

    def close(self) -> int:
        """Save what arrived; return the number of rows that the next run can resume after.

        If no row arrived, or the export is complete, all files beside the target are removed.
        """
        with suppress(OSError, CannotExport):  # on a full disk, the last checkpoint stays valid
            if self._file and self._consistent and not self._complete:
                self._save(self._file)
        self._checkpoint.rollback()
        with suppress(OSError):
            if self._file:
                self._file.close()
        self._beside("complete").unlink(missing_ok=True)
        saved = None if self._complete else self._checkpoint.read()
        if saved and saved[1].rows:
            self._checkpoint.close()
            return saved[1].rows
        self._path.unlink(missing_ok=True)
        self._checkpoint.remove()
        return 0

    def _beside(self, role: str) -> Path:
        return self._target.with_name(f".{self._target.name}.{role}")

    def _resume(self) -> None:
        saved = self._checkpoint.read()
        if saved is None:
            return
        identity, position = saved
        differences = self._identity.describe_differences(identity)
        if differences:
            raise CannotExport(
                f"the interrupted export to {self._target.name} had another {differences}. Its "
                "rows are kept: use the same options, or leave out --resume to start over"
            )
        # A partial file that is shorter than its checkpoint (deleted, or changed by somebody) is
        # not used; the export starts over. A longer one ends in an unfinished page: 1,200 bytes
        # with a checkpoint at 1,000 are cut to 1,000.
        if self._path.exists() and self._path.stat().st_size >= position.size > 0:
            self._file = self._path.open("r+b")
            self._file.truncate(position.size)
            self._file.seek(position.size)
            self.position = position

    def _ensure_open(self) -> IO[bytes]:
        """Return the partial file; a new one is created unless the export is resumed."""
        if self._file is None:
            # The checkpoint is reset first: it must never describe bytes that are overwritten.
            self._checkpoint.reset()
            self._file = self._path.open("wb")
            self._file.write(self._encoder.header())
        return self._file

    def _save(self, file: IO[bytes]) -> None:
        began = self._clock()
        self._consistent = False
        sync_to_disk(file)  # before the checkpoint, see the module's docstring
        self._checkpoint.save(self._identity, attrs.evolve(self.position, size=file.tell()))
        self._consistent = True
        now = self._clock()
        # Saving took 1 s: the next save is at least 9 s away, so that it costs 1 s in 10.
        self._next_save_at = now + (now - began) * (CHECKPOINT_SHARE - 1)


Output = StreamOutput | PartialFile
"""Where the pages of an export go."""


def open_output(
    target: Path | IO[bytes], encoder: PageEncoder, identity: ExportIdentity, *, resume: bool
) -> Output:
    """Return a `PartialFile` for a path, and a `StreamOutput` for a pipe, a device or a file.

    Raises:
        CannotExport: See `PartialFile`; or ``resume`` is set and the target is a stream.
        OSError: The target cannot be written.
    """
    if isinstance(target, Path) and not is_stream(target.resolve()):
        return PartialFile(target, encoder, identity, resume=resume)
    if resume:
        raise CannotExport("only an export to a file can be resumed: --resume needs -o FILE")
    if isinstance(target, Path):
        return StreamOutput(target.open("wb"), encoder, owned=True)
    return StreamOutput(target, encoder, owned=False)
