"""A journal belongs to one input, one way of reading it, one set of orders and one project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from moregood_async.bulk.importing.sources import Source
from moregood_async.bulk.orders import Orders


@attrs.frozen(kw_only=True)
class Belonging:
    """What a journal belongs to."""

    name: str
    """The input, for people."""
    path: str | None
    size: int | None
    digest: str | None
    """Of the bytes of the input file; None where it is none."""
    options: Mapping[str, Any]
    """How it is read: format, delimiter, encoding, columns, region."""
    orders: Mapping[str, Any]
    project: str

    @classmethod
    def of(cls, source: Source, orders: Orders, project: str) -> Belonging:
        """As a job is told now; reads the file once."""
        mark = source.fingerprint()
        return cls(
            name=source.name,
            path=str(Path(source.path).resolve()) if source.path else None,
            size=mark.size if mark else None,
            digest=mark.digest if mark else None,
            options=source.options(),
            orders=orders.same(),
            project=project,
        )

    def differs(self, now: Belonging) -> list[str]:
        """What is not as it was, a sentence each; empty where all is."""
        told: list[str] = []
        if self.digest != now.digest:
            told.append(self._other_file(now))
        told += _others("the input is read with another", self.options, now.options)
        told += _others("the job has another", self.orders, now.orders)
        if self.project != now.project:
            told.append(
                "the API key or the base URL is another: of another project, or it was replaced "
                "since (then say so: new_key=True, --new-key)"
            )
        return told

    def _other_file(self, now: Belonging) -> str:
        if self.size == now.size:
            return f"{now.name} has changed since the job began, or is another file"
        before = "no file" if self.size is None else f"{self.size:,} bytes"
        after = "no file" if now.size is None else f"{now.size:,}"
        return f"{now.name} has changed since the job began, or is another: {before}, now {after}"


def _others(begins: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        f"{begins} {name} ({_short(was.get(name))}, now {_short(now.get(name))})"
        for name in sorted({*was, *now})
        if was.get(name) != now.get(name)
    ]


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
