"""`JobIdentity`: the input, the way of reading it, the options and the project of a journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class JobIdentity:
    """What must stay the same in all runs of a job. Stored in the journal as JSON."""

    name: str
    """The input's name, for people."""
    path: str | None
    """Where the input file was; not compared, since a file may be moved."""
    size: int | None
    """The size of the input file in bytes; None if the input is no file."""
    digest: str | None
    """The hash of the input file's bytes; None if the input is no file."""
    reading: Mapping[str, Any]
    """How the input is read: format, delimiter, encoding, columns, region."""
    options: Mapping[str, Any]
    """The job options that must not change; see `JobOptions.fixed`."""
    keep_rows: bool
    """Whether the journal keeps the rows themselves, from the first to the last."""
    project: str
    """The project's name, or a keyed hash of the API key and base URL."""

    def differences(self, now: JobIdentity) -> list[str]:
        """Return a clause for each thing that differs in ``now``; empty if it is the same job."""
        found: list[str] = []
        if self.digest != now.digest:
            found.append(_changed_file(self, now))
        found += _changed("the input is read with another", self.reading, now.reading)
        found += _changed("the job has another", self.options, now.options)
        if self.keep_rows != now.keep_rows:
            found.append(_changed_keep_rows(was_kept=self.keep_rows))
        if self.project != now.project:
            found.append(
                "the API key or the base URL is another: of another project, or replaced since "
                "(then pass new_key=True, --new-key)"
            )
        return found


def _changed_keep_rows(*, was_kept: bool) -> str:
    if was_kept:
        return "it keeps the rows, so that this run must too (pass keep_rows=True, --keep-rows)"
    return (
        "it began without keep_rows, and its first rows cannot be kept any more (leave out "
        "keep_rows=True, --keep-rows)"
    )


def _changed_file(was: JobIdentity, now: JobIdentity) -> str:
    if was.size == now.size:
        return f"{now.name} has changed since the job began, or is another file"
    before = "no file" if was.size is None else f"{was.size:,} bytes"
    after = "no file" if now.size is None else f"{now.size:,}"
    return f"{now.name} has changed since the job began, or is another: {before}, now {after}"


def _changed(clause: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        f"{clause} {name} ({_shortened(was.get(name))}, now {_shortened(now.get(name))})"
        for name in sorted({*was, *now})
        if was.get(name) != now.get(name)
    ]


def _shortened(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
