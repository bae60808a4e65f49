"""Writers of rows as they were in the input, with columns of our own: results and rejects."""

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
from moregood_async.bulk.importing.rows import ERROR as REJECT_ERROR
from moregood_async.bulk.importing.rows import Record

STATUS, ID, ERROR = "moregood_status", "moregood_id", "moregood_error"
"""The columns that a results file adds."""

LINE, TEXT = "moregood_line", "moregood_text"
"""The keys of a JSON Lines result whose line in the input was no object."""

PRIVATE = 0o600
"""The file mode of files with personal data: only the owner may read them."""

ROW_GROUP_ROWS = 4_096
"""Rows of a Parquet row group, which is built in memory: about 1 MB."""


class ResultsWriter(Protocol):
    """Writes what became of each record."""

    def write(self, record: Record, status: str, customer_id: int | None, error: str) -> None:
        """Add one record and its outcome."""
        ...


@contextmanager
def rejects_writer(
    path: Path, columns: Sequence[str], *, delimiter: str = ","
) -> Generator[RejectsWriter]:
    """A CSV of rows to look at: the input's columns and ``error``.

    The file appears under its name when it is complete, and only its owner may read it. Cells
    keep their bytes, so that the corrected file can be imported again; an ``error`` column that
    the input has already is written over.

    Raises:
        OSError: The file cannot be written.
    """
    with whole_file(path, errors="surrogateescape", mode=PRIVATE) as file:
        yield RejectsWriter(file, columns, delimiter)


class RejectsWriter:
    """Writes records that are not done, each with its error."""

    def __init__(self, file: IO[str], columns: Sequence[str], delimiter: str) -> None:
        self._layout = Layout(columns, (REJECT_ERROR,))
        self._put = row_writer(file, delimiter)
        self._put(self._layout.header)

    def write(self, record: Record, error: str) -> None:
        """Add one record and its error."""
        cells = cells_of(record.values, self._layout.columns)
        self._put(self._layout.line(cells, {REJECT_ERROR: one_line(error)}))


@contextmanager
def results_writer(
    path: Path,
    *,
    columns: Sequence[str],
    file_format: FileFormat = "csv",
    delimiter: str = ",",
    schema: Any = None,
) -> Generator[ResultsWriter]:
    """A file of the input's columns and ``moregood_status``, ``moregood_id``, ``moregood_error``.

    The file appears under its name when it is complete, and only its owner may read it. Columns
    of these names that the input has already are written over, so that the file can be imported.

    Args:
        path: The file's name.
        columns: The input's columns, in their order.
        file_format: CSV cells keep their bytes. JSON Lines keep their objects; a line that was no
            object becomes ``moregood_line`` and ``moregood_text``.
        delimiter: The delimiter of a CSV.
        schema: The pyarrow schema of a Parquet input, whose columns keep their types. Without a
            schema, the columns are text.

    Raises:
        NoParquet: The format is Parquet, and pyarrow is not installed.
        OSError: The file cannot be written.
    """
    if file_format == "parquet":
        with (
            whole_bytes(path, mode=PRIVATE) as file,
            _ParquetResults(file, columns, schema) as writer,
        ):
            yield writer
        return
    kind, errors = _TEXT[file_format]
    with whole_file(path, errors=errors, mode=PRIVATE) as text:
        yield kind(text, columns, delimiter)


@attrs.frozen
class Layout:
    """The input's columns, and behind them those of our own that the input lacks.

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
        """Columns of our own that the input lacks."""
        return [name for name in self.own if name not in self.columns]

    @property
    def header(self) -> list[str]:
        """All columns."""
        return [*self.columns, *self.added]

    def line(self, cells: Sequence[str], own: Mapping[str, str]) -> list[str]:
        """Return the cells of a line: missing ones are blank, surplus ones stand at its end."""
        width = len(self.columns)
        line = [*cells, *[""] * (width - len(cells))]
        for name in own:
            if name in self.columns:
                line[self.columns.index(name)] = own[name]
        return [*line[:width], *(own[name] for name in self.added), *line[width:]]


def cells_of(
    values: tuple[str, ...] | Mapping[str, Any], columns: Sequence[str]
) -> tuple[str, ...]:
    """Return a record's values as cells, in the order of the columns.

    >>> cells_of({"b": 1, "a": None}, ["a", "b"]), cells_of(("x",), ["a", "b"])
    (('', '1'), ('x',))
    """
    if isinstance(values, Mapping):
        return tuple(cell_text(values.get(name)) for name in columns)
    return values


def one_line(error: str) -> str:
    r"""Return an error as a cell: on one line, and no formula for a spreadsheet.

    >>> one_line("first\nsecond"), one_line("=HYPERLINK()")
    ('first second', "'=HYPERLINK()")
    """
    return guard_formula(" ".join(error.split()))


class _CsvResults:
    """CSV: one line for each record."""

    def __init__(self, file: IO[str], columns: Sequence[str], delimiter: str) -> None:
        self._layout = Layout(columns, (STATUS, ID, ERROR))
        self._put = row_writer(file, delimiter)
        self._put(self._layout.header)

    def write(self, record: Record, status: str, customer_id: int | None, error: str) -> None:
        """Add one line."""
        own = {STATUS: status, ID: cell_text(customer_id), ERROR: one_line(error)}
        cells = cells_of(record.values, self._layout.columns)
        self._put(self._layout.line(cells, own))


class _JsonResults:
    """JSON Lines: one object for each record."""

    def __init__(self, file: IO[str], columns: Sequence[str], delimiter: str) -> None:
        self._file = file
        self._columns = tuple(columns)
        self._delimiter = delimiter

    def write(self, record: Record, status: str, customer_id: int | None, error: str) -> None:
        """Add one object."""
        own = {STATUS: status, ID: customer_id, ERROR: " ".join(error.split())}
        self._file.write(json_text({**self._object(record), **own}) + "\n")

    def _object(self, record: Record) -> Mapping[str, Any]:
        values = record.values
        if isinstance(values, Mapping):
            return values
        if not record.problem and len(values) == len(self._columns):
            return dict(zip(self._columns, values, strict=True))
        return {LINE: record.line, TEXT: self._delimiter.join(values)}


class _ParquetResults:
    """Parquet: one row for each record, in row groups of a bounded size."""

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

    def write(self, record: Record, status: str, customer_id: int | None, error: str) -> None:
        """Add one row."""
        values = record.values
        if not isinstance(values, Mapping):
            values = dict(zip(self._columns, values, strict=False))
        own = {STATUS: status, ID: customer_id, ERROR: " ".join(error.split())}
        self._rows.append({**values, **own})
        if len(self._rows) == ROW_GROUP_ROWS:
            self._write_group()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        filled = [
            self._arrow.array(
                [self._fitting(row.get(field.name), field) for row in self._rows], field.type
            )
            for field in self._schema
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(filled, schema=self._schema))
        self._rows.clear()

    def _fitting(self, value: Any, field: Any) -> Any:
        """Return a value for a column: text if the column is text, else the value itself."""
        if value is None or not self._arrow.types.is_string(field.type):
            return value
        return escape_lone_surrogates(cell_text(value))


_TEXT: dict[FileFormat, tuple[type[_CsvResults | _JsonResults], str]] = {
    "csv": (_CsvResults, "surrogateescape"),
    "jsonl": (_JsonResults, LONE_SURROGATES),
}
