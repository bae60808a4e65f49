"""Items as text: CSV for spreadsheets, JSON Lines for programs."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import IO, Any, Final, Protocol, cast

import attrs

from moregood_async.bulk.exporting.columns import columns_of

_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?")
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
"""The first characters of a cell that a spreadsheet may run as a formula (OWASP's list)."""


class Writer(Protocol):
    """Writes the items of one model to an open text file."""

    def write(self, item: Any) -> None:
        """Write one item."""
        ...


class CsvWriter:
    """Writes items as CSV: a column for each field, nested fields with dots, times in UTC.

    The columns are those of the model, whatever the items hold. Fields that the model does not
    know (``extra``) are left out; JSON Lines keep them.
    """

    def __init__(self, file: IO[str], model: type[Any], *, header: bool = True) -> None:
        self._model = model
        self._columns = columns_of(model)
        self._write_row = row_writer(file)
        if header:
            self._write_row([column.name for column in self._columns])

    def __repr__(self) -> str:
        return f"CsvWriter({self._model.__name__})"

    def write(self, item: Any) -> None:
        """Write one row."""
        self._write_row([csv_cell(column.value_of(item)) for column in self._columns])


class JsonLinesWriter:
    """Writes items as JSON Lines: one object a line, nested, with the fields no model knows."""

    def __init__(self, file: IO[str], model: type[Any], *, header: bool = True) -> None:
        del header  # the parameters are those of `CsvWriter`
        self._model = model
        self._file = file

    def __repr__(self) -> str:
        return f"JsonLinesWriter({self._model.__name__})"

    def write(self, item: Any) -> None:
        """Write one line."""
        self._file.write(json_text(json_value(item)) + "\n")


def row_writer(file: IO[str], delimiter: str = ",") -> Callable[[Sequence[str]], object]:
    r"""Return a function that writes a row of cells as a line that ends in ``\n``.

    A cell with a lone carriage return is quoted. Before Python 3.13, `csv` quotes such a cell only
    if the line itself ends in a carriage return, so `csv` writes ``\r\n``, which is shortened.

    >>> import io
    >>> file = io.StringIO(newline="")
    >>> _ = row_writer(file)(["Ada", "two\rlines"])
    >>> file.getvalue()
    'Ada,"two\rlines"\n'
    """
    return csv.writer(_NewlineFile(file), delimiter=delimiter, lineterminator="\r\n").writerow


class _NewlineFile:
    r"""Writes each line with ``\n`` in place of its ``\r\n``."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, line: str) -> int:
        return self._file.write(line.removesuffix("\r\n") + "\n")


def csv_cell(value: Any) -> str:
    """Return a value as a cell that no spreadsheet runs as a formula; see `guard_formula`.

    >>> csv_cell(-5), csv_cell("-5"), csv_cell("=HYPERLINK()"), csv_cell(None), csv_cell(True)
    ('-5', '-5', "'=HYPERLINK()", '', 'true')
    """
    return "" if value is None else guard_formula(cell_text(value))


def cell_text(value: Any) -> str:
    """Return the text of a value, without a guard against formulas.

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


def guard_formula(text: str) -> str:
    """Return the text with an apostrophe before it if a spreadsheet would run it as a formula.

    Numbers are no formulas: ``-5`` and ``+14155550100`` stay as they are.
    """
    is_formula = text.startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text


def json_value(value: Any) -> Any:
    """Return a value that `json_text` accepts: a model as a dict, with its ``extra`` merged in.

    >>> from moregood_async.models.reviews import Source
    >>> json_value(Source(name="Shop", extra={"kind": "widget"}))
    {'name': 'Shop', 'kind': 'widget'}
    """
    model = cast("type[attrs.AttrsInstance]", type(value))
    if attrs.has(model):
        names = [field.name for field in attrs.fields(model) if field.name != "extra"]
        return {name: json_value(getattr(value, name)) for name in names} | value.extra
    return iso_time(value) if isinstance(value, datetime) else value


def json_text(value: Any) -> str:
    """Return a value as JSON on one line; dates, decimals and other types become strings.

    >>> json_text({"on": datetime(2026, 5, 1).date(), "at": datetime(2026, 5, 1, tzinfo=UTC)})
    '{"on": "2026-05-01", "at": "2026-05-01T00:00:00Z"}'
    """
    return json.dumps(value, ensure_ascii=False, default=_to_text)


def _to_text(value: object) -> str:
    return iso_time(value) if isinstance(value, datetime) else str(value)


def iso_time(moment: datetime) -> str:
    """Return a time as ISO 8601 in UTC; a time without a zone stays without one.

    >>> iso_time(datetime(2026, 5, 1, 8, 30, tzinfo=UTC)), iso_time(datetime(2026, 5, 1))
    ('2026-05-01T08:30:00Z', '2026-05-01T00:00:00')
    """
    if moment.tzinfo is None:
        return moment.isoformat()
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
