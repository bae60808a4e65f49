"""Where an export's pages go: beside the target until it is whole, or straight into a stream.

::

    folder/
    ├── reviews.csv            as it was, until all of the new one is there
    ├── .reviews.csv.part      the pages so far, whole ones, and perhaps the beginning of one more
    └── .reviews.csv.bookmark  how much of the part counts, and which ids are in it

The part is written first and the bookmark after it, so what the bookmark says is always there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import attrs

from moregood_async.bulk.exporting.bookmark import Bookmark, CannotExport, Job, Place
from moregood_async.bulk.exporting.files import is_stream, to_disk
from moregood_async.bulk.exporting.forms import Pages
from moregood_async.models.pages import Page

SHARE_OF_TIME = 10
"""One part in so many of an export's time may go into keeping where it stands."""


class Stream:
    """Pages into an open file, a pipe or a device, which nothing can be taken back from."""

    resumed: bool = False
    skipped: int = 0

    def __init__(self, file: IO[bytes], pages: Pages, *, owned: bool) -> None:
        self._file = file
        self._pages = pages
        self._owned = owned
        self._spool: IO[bytes] = TemporaryFile() if pages.finish else file  # noqa: SIM115
        self._begun = False
        self.place: Place = Place()

    def add(self, page: Page[Any]) -> int:
        """Write a page."""
        self._begin()
        self._spool.write(self._pages.page(page.items))
        self._spool.flush()
        self.place = attrs.evolve(self.place, rows=self.place.rows + len(page.items))
        return len(page.items)

    def finish(self) -> Iterator[None]:
        """Write what could not be written before all was there."""
        self._begin()
        if self._pages.finish:
            self._spool.seek(0)
            yield from self._pages.finish(self._spool, self._file)
        self._file.flush()

    def close(self) -> int:
        """Leave the file to its owner; nothing is kept."""
        if self._spool is not self._file:
            self._spool.close()
        if self._owned:
            self._file.close()
        return 0

    def _begin(self) -> None:
        if not self._begun:
            self._spool.write(self._pages.head())
            self._begun = True


class Part:
    """Pages into a file beside the target, from where an earlier run broke off.

    An earlier run's pages are given up for the first page of a new one, and not before it is there.

    Raises:
        CannotExport: Another export writes to the target, or the one to take up was another one.
        OSError: Nothing can be written there.
    """

    def __init__(
        self,
        target: Path,
        pages: Pages,
        job: Job,
        *,
        resume: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._target = target.resolve()
        self._pages = pages
        self._job = job
        self._clock = clock
        self._path = self._beside("part")
        self._file: IO[bytes] | None = None
        self._sound = True
        self._whole = False
        self._next_keeping = 0.0
        self.place: Place = Place()
        self.skipped: int = 0
        self._bookmark = Bookmark(self._beside("bookmark"))
        try:
            if resume:
                self._take_up()
        except BaseException:
            self._bookmark.close()
            raise
        self.resumed: bool = self._file is not None

    def add(self, page: Page[Any]) -> int:
        """Append what is new of a page."""
        file = self._opened()
        new = self._bookmark.unknown(page.items)
        self._sound = False  # what fails in between is not kept
        if new:
            file.write(self._pages.page(new))
            file.flush()
        self._bookmark.note(new)
        self.place.order.note(new)
        self.skipped += len(page.items) - len(new)
        self.place = attrs.evolve(
            self.place,
            page=page.page,
            size=file.tell(),
            rows=self.place.rows + len(new),
            total=page.total,
        )
        self._sound = True
        if self._clock() >= self._next_keeping:
            self._keep(file)
        return len(new)

    def knows(self, page: Page[Any]) -> bool:
        """Whether the first item of a page came before."""
        return bool(page.items) and not self._bookmark.unknown(page.items[:1])

    def finish(self) -> Iterator[None]:
        """Move the whole into place, and remove all that stood beside it."""
        self._keep(self._opened())
        ready = self._path
        if self._pages.finish:
            ready = self._beside("whole")
            with ready.open("wb") as whole, self._path.open("rb") as pages:
                yield from self._pages.finish(pages, whole)
                to_disk(whole)
        self._opened().close()
        ready.replace(self._target)
        self._whole = True

    def close(self) -> int:
        """Keep what came, for another run; tells how many rows that one finds here.

        Where nothing came, or all, nothing stays behind.
        """
        with suppress(OSError, CannotExport):
            if self._file and self._sound and not self._whole:
                self._keep(self._file)
        self._bookmark.revert()
        with suppress(OSError):
            if self._file:
                self._file.close()
        self._beside("whole").unlink(missing_ok=True)
        found = None if self._whole else self._bookmark.read()
        if found and found[1].rows:
            self._bookmark.close()
            return found[1].rows
        self._path.unlink(missing_ok=True)
        self._bookmark.discard()
        return 0

    def _beside(self, role: str) -> Path:
        return self._target.with_name(f".{self._target.name}.{role}")

    def _take_up(self) -> None:
        found = self._bookmark.read()
        if found is None:
            return
        job, place = found
        differs = self._job.differs(job)
        if differs:
            raise CannotExport(
                f"what broke off is another export to {self._target.name}: another {differs}. "
                "Take the same options as then, or leave out --resume to start over"
            )
        if self._path.exists() and self._path.stat().st_size >= place.size > 0:
            self._file = self._path.open("r+b")
            self._file.truncate(place.size)
            self._file.seek(place.size)
            self.place = place

    def _opened(self) -> IO[bytes]:
        """The part; a new one is begun where none is taken up."""
        if self._file is None:
            self._bookmark.forget()  # first, so that it never speaks of bytes that are others now
            self._file = self._path.open("wb")
            self._file.write(self._pages.head())
        return self._file

    def _keep(self, file: IO[bytes]) -> None:
        began = self._clock()
        self._sound = False
        to_disk(file)
        self._bookmark.keep(self._job, attrs.evolve(self.place, size=file.tell()))
        self._sound = True
        now = self._clock()
        self._next_keeping = now + (now - began) * (SHARE_OF_TIME - 1)


def out_to(target: Path | IO[bytes], pages: Pages, job: Job, *, resume: bool) -> Stream | Part:
    """Where the pages of an export go.

    Raises:
        CannotExport: See `Part`; or what cannot be taken up at all was to be.
        OSError: It cannot be written there.
    """
    if isinstance(target, Path) and not is_stream(target.resolve()):
        return Part(target, pages, job, resume=resume)
    if resume:
        raise CannotExport("only what goes to a file can be taken up: --resume needs -o FILE")
    if isinstance(target, Path):
        return Stream(target.open("wb"), pages, owned=True)
    return Stream(target, pages, owned=False)
