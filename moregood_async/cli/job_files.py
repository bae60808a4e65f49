"""`JobFiles`: the files of a job on the command line, and writing those about its rows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Self

import attrs
import click

from moregood_async.bulk.importing.sources import Source
from moregood_async.bulk.job import Job
from moregood_async.bulk.journal.errors import JournalError
from moregood_async.bulk.row_files import write_rejects, write_results


@attrs.define
class WrittenFiles:
    """The files that were written, and the error that prevented others."""

    results: Path | None = None
    rejects: Path | None = None
    error: JournalError | str | None = None


@attrs.frozen(kw_only=True)
class JobFiles:
    """The files of a job on the command line."""

    journal: Path
    rejects: Path
    results: Path
    named_by_user: frozenset[Path]
    """Files that are overwritten whatever they hold, since the user named them."""
    keeps_rows: bool
    """Whether the journal keeps the rows."""

    @classmethod
    def of(
        cls,
        journal: Path,
        input_name: Path,
        *,
        rejects: Path | None,
        results: Path | None,
        keeps_rows: bool,
    ) -> Self:
        """Return the files of a job; those that the user has not named go beside the input."""
        return cls(
            journal=journal,
            rejects=rejects or file_beside(input_name, "rejects"),
            results=results or file_beside(input_name, "results"),
            named_by_user=frozenset(path for path in (rejects, results) if path),
            keeps_rows=keeps_rows,
        )

    async def write(self, job: Job, source: Source) -> WrittenFiles:
        """Write the results file, and the rejects file if there are rejects.

        Nothing is written if the rows can no longer be read: those of a pipe, if the journal does
        not keep them. An error is returned: the outcomes are in the journal whatever happens here.
        """
        written = WrittenFiles()
        if not job.report().rows or not (source.rereadable or self.keeps_rows):
            return written
        path = self.results
        try:
            path = self._free_path(self.results, job)
            write_results(self.journal, source, path)
            written.results = path
            path = self._free_path(self.rejects, job)
            if write_rejects(self.journal, source, path):
                written.rejects = path
            files = (written.results, written.rejects)
            await job.note_written(*(file for file in files if file is not None))
        except JournalError as error:  # such as an input that has changed since
            written.error = error
        except OSError as error:
            written.error = (
                f"{path} was not written: {error.strerror or error}. No outcome is lost, the "
                f"journal has them all: moregood report {self.journal} --rows failed -o FILE.csv"
            )
        return written

    def _free_path(self, path: Path, job: Job) -> Path:
        """Return the path; if a file has it that this job did not write, the next free one.

        A rejects file that somebody has corrected is such a file: it is never overwritten.
        """
        if path in self.named_by_user or not path.is_file() or job.is_unchanged(path):
            return path
        for number in count(2):
            other = path.with_name(f"{path.stem}-{number}{path.suffix}")
            if not other.exists() or job.is_unchanged(other):
                return other
        raise AssertionError


def check_writable(files: Mapping[str, Path | None]) -> None:
    """Refuse files that cannot be written, before anything is sent.

    Args:
        files: Paths by their option.

    Raises:
        UsageError: A path cannot be written.
    """
    for option, path in files.items():
        if path is None or os.access(path if path.exists() else path.parent, os.W_OK):
            continue
        raise click.UsageError(
            f"{option} cannot be written to {path}. Nothing was sent; name another place."
        )


def file_beside(file: Path, kind: str) -> Path:
    """Return the path of a file about an input file.

    >>> file_beside(Path("shop/customers.csv"), "rejects").as_posix()
    'shop/customers.rejects.csv'
    """
    suffix = file.suffix if kind == "results" and file.suffix else ".csv"
    return file.with_name(f"{file.stem}.{kind}{suffix}")
