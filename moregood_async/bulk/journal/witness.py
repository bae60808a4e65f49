"""What stands beside a journal, and tells that it has lost something.

SQLite takes a ``-wal`` file that was cut, lost or damaged for a shorter one, without a word: the
journal then stands as it did some commits ago, and who was asked since would be asked again. So
the number of the last commit stands in the journal, and in a small file beside it.
"""

from __future__ import annotations

import os
from pathlib import Path

from moregood_async.bulk.journal.errors import JournalUnusable


class Witness:
    """Knows how many commits a journal has had, and which file it is."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        real = journal.resolve()
        self._path = real.with_name(f"{real.name}-count")
        found = journal.stat()
        self._file = (found.st_dev, found.st_ino)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        self._count = os.fdopen(handle, "r+b", buffering=0)

    def check(self, commits: int) -> None:
        """Refuse a journal that has fewer commits than it had.

        Raises:
            JournalUnusable: It has.
        """
        told = self._count.read().strip()
        known = int(told) if told.isdigit() else 0
        if commits < known:
            name = self._journal.name
            raise JournalUnusable(
                f"the journal {name} has lost its last {known - commits:,} commits: {name}-wal was "
                "cut, damaged or left behind, or this is an older copy. Who was asked since is not "
                "in it, so nothing was sent. Put all its files back as they were; or begin another "
                "job with --not-asked-within, which leaves out whom the API knows to be asked."
            )

    def is_there(self) -> None:
        """Refuse to go on with a file that is not there any more.

        Raises:
            JournalUnusable: It was deleted, moved or replaced.
        """
        try:
            found = self._journal.stat()
        except OSError:
            found = None
        if found is None or (found.st_dev, found.st_ino) != self._file:
            raise JournalUnusable(
                f"the journal {self._journal.name} was deleted, moved or replaced while the job "
                "ran: nothing more is sent. Put it back, and resume; or begin another job with "
                "--not-asked-within, which leaves out whom the API knows to be asked."
            )

    def made(self, commits: int) -> None:
        """So many commits are on the disk."""
        self._count.seek(0)
        self._count.write(b"%020d\n" % commits)

    def close(self) -> None:
        """Let go of its file; twice is fine."""
        self._count.close()
