"""The result file of an import: the input's own columns, and what became of each row."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol, Self

import attrs

from moregood_async.bulk.exporting.arrow import escape_lone_surrogates, import_pyarrow
from moregood_async.bulk.exporting.file_formats import FileFormat
from moregood_async.bulk.exporting.files import LONE_SURROGATES, whole_bytes, whole_file
from moregood_async.bulk.exporting.text import cell_text, guard_formula, json_text, row_writer

STATUS, ID, ERROR = "moregood_status", "moregood_id", "moregood_error"
LINE, TEXT = "moregood_line", "moregood_text"
"""Where a line goes that was no object."""

PRIVATE = 0o600
"""Only the owner may read it."""


ROWS_AT_ONCE = 4_096
"""Of a Parquet file's row groups, the rows; so many are in memory."""


class Recorded(Protocol):
    """A record of the input as it stood there; a `Record` is one."""

    @property
    def line(self) -> int:
        """Where it stands."""
        ...

    @property
    def values(self) -> tuple[str, ...] | Mapping[str, Any]:
        """Its cells, or the values of its columns by name."""
        ...

    @property
    def problem(self) -> str:
        """Why it could not be read; empty where it could."""
        ...


class Results(Protocol):
    """Writes what became of each record."""

    def write(self, record: Recorded, status: str, customer_id: int | None, error: str) -> None:
        """Add one."""
        ...


@contextmanager
def results_writer(
    path: Path,
    *,
    columns: Sequence[str],
    form: FileFormat = "csv",
    delimiter: str = ",",
    schema: Any = None,
) -> Generator[Results]:
    """A file of the input's columns and ``moregood_status``, ``moregood_id``, ``moregood_error``.

    It appears under its name only when it is complete, and only its owner may read it. Columns of
    these names that the input has already are written over, so that it can be imported again.

    Args:
        path: Its name; `detect_file_format` tells the format that goes with it.
        columns: The input's columns, in their order.
        form: In CSV, cells stay byte for byte what they were. JSON Lines keep objects as they
            were; what was no object becomes ``moregood_line`` and ``moregood_text``.
        delimiter: Of a CSV.
        schema: The pyarrow schema of a Parquet input: its columns keep their types. Without it,
            they are text.

    Raises:
        NoParquet: It is to be Parquet, and pyarrow is not installed.
        OSError: It cannot be written there.
    """
    if form == "parquet":
        with whole_bytes(path, mode=PRIVATE) as file, _ParquetResults(file, columns, schema) as to:
            yield to
        return
    kind, errors = _TEXT[form]
    with whole_file(path, errors=errors, mode=PRIVATE) as text:
        yield kind(text, columns, delimiter)


@attrs.frozen
class Layout:
    """The input's columns with own ones behind them, or in their place where it has them.

    >>> layout = Layout(("Name", "error"), ("error",))
    >>> layout.header, layout.line(("Ada",), {"error": "no email"})
    (['Name', 'error'], ['Ada', 'no email'])
    >>> Layout(("Name",), ("error",)).line(("Ada", "one too many"), {"error": "no email"})
    ['Ada', 'no email', 'one too many']
    """

    columns: tuple[str, ...] = attrs.field(converter=tuple[str, ...])
    own: tuple[str, ...]

    @property
    def added(self) -> list[str]:
        """Own columns that the input lacks."""
        return [name for name in self.own if name not in self.columns]

    @property
    def header(self) -> list[str]:
        """All columns."""
        return [*self.columns, *self.added]

    def line(self, cells: Sequence[str], said: Mapping[str, str]) -> list[str]:
        """The cells of a line; too few are filled up, too many stand at the end."""
        width = len(self.columns)
        line = [*cells, *[""] * (width - len(cells))]
        for name in said:
            if name in self.columns:
                line[self.columns.index(name)] = said[name]
        return [*line[:width], *(said[name] for name in self.added), *line[width:]]


def cells_of(
    values: tuple[str, ...] | Mapping[str, Any], columns: Sequence[str]
) -> tuple[str, ...]:
    """A record's values as cells, in the order of the columns.

    >>> cells_of({"b": 1, "a": None}, ["a", "b"]), cells_of(("x",), ["a", "b"])
    (('', '1'), ('x',))
    """
    if isinstance(values, Mapping):
        return tuple(cell_text(values.get(name)) for name in columns)
    return values


def one_line(error: str) -> str:
    r"""An error as a cell: on one line, and nothing that a spreadsheet would run.

    >>> one_line("first\nsecond"), one_line("=HYPERLINK()")
    ('first second', "'=HYPERLINK()")
    """
    return guard_formula(" ".join(error.split()))


class _CsvResults:
    """A line a record."""

    def __init__(self, file: IO[str], columns: Sequence[str], delimiter: str) -> None:
        self._layout = Layout(columns, (STATUS, ID, ERROR))
        self._put = row_writer(file, delimiter)
        self._put(self._layout.header)

    def write(self, record: Recorded, status: str, customer_id: int | None, error: str) -> None:
        """Add one line."""
        said = {STATUS: status, ID: cell_text(customer_id), ERROR: one_line(error)}
        cells = cells_of(record.values, self._layout.columns)
        self._put(self._layout.line(cells, said))


class _JsonResults:
    """An object a record."""

    def __init__(self, file: IO[str], columns: Sequence[str], delimiter: str) -> None:
        self._file = file
        self._columns = tuple(columns)
        self._delimiter = delimiter

    def write(self, record: Recorded, status: str, customer_id: int | None, error: str) -> None:
        """Add one object."""
        said = {STATUS: status, ID: customer_id, ERROR: " ".join(error.split())}
        self._file.write(json_text({**self._object(record), **said}) + "\n")

    def _object(self, record: Recorded) -> Mapping[str, Any]:
        values = record.values
        if isinstance(values, Mapping):
            return values
        if not record.problem and len(values) == len(self._columns):
            return dict(zip(self._columns, values, strict=True))
        return {LINE: record.line, TEXT: self._delimiter.join(values)}


class _ParquetResults:
    """A row a record, in row groups of a bounded size."""

    def __init__(self, file: IO[bytes], columns: Sequence[str], schema: Any) -> None:
        arrow = self._arrow = import_pyarrow()
        text, fields = arrow.string(), [] if schema is None else list(schema)
        types = {field.name: field.type for field in fields}
        own = {STATUS: text, ID: arrow.int64(), ERROR: text}
        types = {name: types.get(name, text) for name in columns} | own
        self._schema: Any = arrow.schema(list(types.items()))
        self._columns = tuple(columns)
        self._rows: list[dict[str, Any]] = []
        self._writer: Any = arrow.parquet.ParquetWriter(file, self._schema)

    def write(self, record: Recorded, status: str, customer_id: int | None, error: str) -> None:
        """Add one row."""
        values = record.values
        if not isinstance(values, Mapping):
            values = dict(zip(self._columns, values, strict=False))
        said = {STATUS: status, ID: customer_id, ERROR: " ".join(error.split())}
        self._rows.append({**values, **said})
        if len(self._rows) == ROWS_AT_ONCE:
            self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        filled = [
            self._arrow.array(
                [self._fitting(row.get(field.name), field) for row in self._rows], field.type
            )
            for field in self._schema
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(filled, schema=self._schema))
        self._rows.clear()

    def _fitting(self, value: Any, field: Any) -> Any:
        """Text for a column of text; what came from the same schema is left as it was."""
        if value is None or not self._arrow.types.is_string(field.type):
            return value
        return escape_lone_surrogates(cell_text(value))


_TEXT: dict[FileFormat, tuple[type[_CsvResults | _JsonResults], str]] = {
    "csv": (_CsvResults, "surrogateescape"),
    "jsonl": (_JsonResults, LONE_SURROGATES),
}
