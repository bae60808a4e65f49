"""Lists as files: one row or one line an item, so that memory does not grow with the list."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Protocol, cast, get_args, get_type_hints

import attrs

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_RUNS_IN_A_SPREADSHEET = ("=", "+", "-", "@", "\t", "\r")


class Writer(Protocol):
    """Writes items of one kind to an open text file."""

    def write(self, item: Any) -> None:
        """Add one item."""
        ...


class CsvWriter:
    """Items as CSV: a column a field, nested fields with dots, times in ISO 8601 with a Z.

    The columns are the model's own, so that they do not depend on the items; fields that the
    model does not know (``extra``) are left out: JSON Lines keeps them.
    """

    def __init__(self, file: IO[str], kind: type[Any]) -> None:
        columns = csv_columns(kind)
        self._paths = [tuple(column.split(".")) for column in columns]
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(columns)

    def write(self, item: Any) -> None:
        """Add one row."""
        self._writer.writerow([csv_cell(_reached(item, path)) for path in self._paths])


class JsonLinesWriter:
    """Items as JSON Lines: one object a line, nested as it came, unknown fields included."""

    def __init__(self, file: IO[str], kind: type[Any]) -> None:
        del kind
        self._file = file

    def write(self, item: Any) -> None:
        """Add one line."""
        self._file.write(json.dumps(json_value(item), ensure_ascii=False) + "\n")


WRITERS: dict[str, Callable[[IO[str], type[Any]], Writer]] = {
    "csv": CsvWriter,
    "jsonl": JsonLinesWriter,
}
"""The writers by the name of their format."""


def csv_columns(kind: type[Any]) -> tuple[str, ...]:
    """The columns of a model: its fields, nested ones with dots.

    >>> from moregood_async.models.messages import Message
    >>> csv_columns(Message)[2:6]
    ('ask_id', 'channel', 'customer.id', 'customer.uuid')
    """
    hints = get_type_hints(kind)
    columns: list[str] = []
    for field in attrs.fields(kind):
        nested = _model_in(hints[field.name])
        if field.name == "extra":
            continue
        inner = csv_columns(nested) if nested else ()
        columns += [f"{field.name}.{name}" for name in inner] or [field.name]
    return tuple(columns)


def csv_cell(value: Any) -> str:
    """A value as a cell; text that a spreadsheet would run gets an apostrophe before it.

    >>> csv_cell(-5), csv_cell("-5"), csv_cell("=HYPERLINK()"), csv_cell(None), csv_cell(True)
    ('-5', '-5', "'=HYPERLINK()", '', 'true')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return guarded(value)
    if isinstance(value, datetime):
        return iso_time(value)
    if isinstance(value, list):
        values = cast("list[object]", value)
        return guarded("; ".join(str(each) for each in values))
    return json.dumps(value, ensure_ascii=False)


def guarded(text: str) -> str:
    """The text, behind an apostrophe where a spreadsheet would take it for a formula."""
    risky = text.startswith(_RUNS_IN_A_SPREADSHEET) and not _NUMBER.fullmatch(text)
    return f"'{text}" if risky else text


def json_value(value: Any) -> Any:
    """A value as JSON takes it: models as objects with what they do not know merged in.

    >>> from moregood_async.models.reviews import Source
    >>> json_value(Source(name="Shop", extra={"kind": "widget"}))
    {'name': 'Shop', 'kind': 'widget'}
    """
    kind = cast("type[attrs.AttrsInstance]", type(value))
    if attrs.has(kind):
        names = [field.name for field in attrs.fields(kind) if field.name != "extra"]
        return {name: json_value(getattr(value, name)) for name in names} | value.extra
    if isinstance(value, list):
        values = cast("list[object]", value)
        return [json_value(each) for each in values]
    return iso_time(value) if isinstance(value, datetime) else value


def iso_time(moment: datetime) -> str:
    """An aware time as ISO 8601 in UTC.

    >>> iso_time(datetime(2026, 5, 1, 8, 30, tzinfo=UTC))
    '2026-05-01T08:30:00Z'
    """
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@contextmanager
def whole_file(path: Path) -> Generator[IO[str]]:
    """A file that appears under its name only when it is complete.

    It is written beside and moved into place at the end; where the block raises, what was there
    before stays. A pipe or a device is written to directly.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        with target.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _model_in(hint: Any) -> type[Any] | None:
    return next((each for each in (hint, *get_args(hint)) if attrs.has(each)), None)


def _reached(item: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        item = getattr(item, name, None)
    return item
