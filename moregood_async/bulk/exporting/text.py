"""Items as text: CSV for spreadsheets, JSON Lines for programs."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import IO, Any, Protocol, cast

import attrs

from moregood_async.bulk.exporting.columns import columns_of

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

    def __init__(self, file: IO[str], kind: type[Any], *, header: bool = True) -> None:
        self._columns = columns_of(kind)
        self._put = row_writer(file)
        if header:
            self._put([column.name for column in self._columns])

    def write(self, item: Any) -> None:
        """Add one row."""
        self._put([csv_cell(column.of(item)) for column in self._columns])


class JsonLinesWriter:
    """Items as JSON Lines: one object a line, nested as it came, unknown fields included."""

    def __init__(self, file: IO[str], kind: type[Any], *, header: bool = True) -> None:
        del kind, header
        self._file = file

    def write(self, item: Any) -> None:
        """Add one line."""
        self._file.write(json_text(json_value(item)) + "\n")


def row_writer(file: IO[str], delimiter: str = ",") -> Callable[[Sequence[str]], object]:
    r"""What writes a row of cells as a line that ends in a plain newline.

    A lone carriage return gets its quotes too: before Python 3.13, `csv` gives it none unless the
    line ends in one.

    >>> import io
    >>> file = io.StringIO(newline="")
    >>> _ = row_writer(file)(["Ada", "two\rlines"])
    >>> file.getvalue()
    'Ada,"two\rlines"\n'
    """
    return csv.writer(_Newlines(file), delimiter=delimiter, lineterminator="\r\n").writerow


class _Newlines:
    """Takes lines, and gives them another end."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, line: str) -> int:
        return self._file.write(line.removesuffix("\r\n") + "\n")


def csv_cell(value: Any) -> str:
    """A value as a cell; text that a spreadsheet would run gets an apostrophe before it.

    >>> csv_cell(-5), csv_cell("-5"), csv_cell("=HYPERLINK()"), csv_cell(None), csv_cell(True)
    ('-5', '-5', "'=HYPERLINK()", '', 'true')
    """
    return "" if value is None else guarded(cell_text(value))


def cell_text(value: Any) -> str:
    """A value as the text of a cell, just as it is.

    >>> cell_text("=1"), cell_text(["a", "b"]), cell_text({"a": 1}), cell_text(None)
    ('=1', 'a; b', '{"a": 1}', '')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return iso_time(value)
    if isinstance(value, list):
        return "; ".join(str(each) for each in cast("list[object]", value))
    if isinstance(value, dict | bool):
        return json_text(value)
    return str(value)


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
    return iso_time(value) if isinstance(value, datetime) else value


def json_text(value: Any) -> str:
    """A value as JSON on one line; what JSON has no form for becomes text: dates, decimals.

    >>> json_text({"on": datetime(2026, 5, 1).date(), "at": datetime(2026, 5, 1, tzinfo=UTC)})
    '{"on": "2026-05-01", "at": "2026-05-01T00:00:00Z"}'
    """
    return json.dumps(value, ensure_ascii=False, default=_as_text)


def _as_text(value: object) -> str:
    return iso_time(value) if isinstance(value, datetime) else str(value)


def iso_time(moment: datetime) -> str:
    """A time as ISO 8601 in UTC; one without a zone is taken as it stands.

    >>> iso_time(datetime(2026, 5, 1, 8, 30, tzinfo=UTC)), iso_time(datetime(2026, 5, 1))
    ('2026-05-01T08:30:00Z', '2026-05-01T00:00:00')
    """
    if moment.tzinfo is None:
        return moment.isoformat()
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
