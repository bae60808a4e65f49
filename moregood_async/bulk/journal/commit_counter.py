"""The number of commits, kept in a second file, so that a journal that lost commits is noticed.

SQLite takes a ``-wal`` file that was cut, lost or damaged for a shorter one, without an error: the
journal then stands as it did some commits ago, and whoever was asked since would be asked again.
So the number of the last commit is stored in the journal and in ``JOURNAL-count`` beside it. A
journal with fewer commits than its counter is refused.
"""

from __future__ import annotations

import os
from pathlib import Path

from moregood_async.bulk.journal.errors import JournalUnusable


class CommitCounter:
    """The counter file of one journal, and the identity of the journal's own file."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        real = journal.resolve()
        path = real.with_name(f"{real.name}-count")
        stat = journal.stat()
        self._file_id = (stat.st_dev, stat.st_ino)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        self._file = os.fdopen(descriptor, "r+b", buffering=0)

    def check_commits(self, commits: int) -> None:
        """Refuse a journal that has fewer commits than the counter says.

        Raises:
            JournalUnusable: Commits are missing.
        """
        text = self._file.read().strip()
        known = int(text) if text.isdigit() else 0
        if commits < known:
            name = self._journal.name
            raise JournalUnusable(
                f"the journal {name} has lost its last {known - commits:,} commits: {name}-wal was "
                "cut, damaged or left behind, or the journal is an older copy. Nothing was sent. "
                "Put all its files back as they were, or begin another job with "
                "--not-asked-within, which skips customers that the API knows to be asked."
            )

    def check_file(self) -> None:
        """Refuse to go on if the journal's file is gone.

        Raises:
            JournalUnusable: The file was deleted, moved or replaced.
        """
        try:
            stat = self._journal.stat()
        except OSError:
            stat = None
        if stat is None or (stat.st_dev, stat.st_ino) != self._file_id:
            raise JournalUnusable(
                f"the journal {self._journal.name} was deleted, moved or replaced while the job "
                "ran. Nothing more is sent. Put it back and resume, or begin another job with "
                "--not-asked-within, which skips customers that the API knows to be asked."
            )

    def advance(self, commits: int) -> None:
        """Store the number of commits that are durable in the journal."""
        self._file.seek(0)
        self._file.write(b"%020d\n" % commits)

    def close(self) -> None:
        """Close the counter file. Calling it twice is fine."""
        self._file.close()
