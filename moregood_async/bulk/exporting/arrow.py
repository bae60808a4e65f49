"""Items as Arrow columns and as Parquet, by the library pyarrow, which is imported when needed.

A Parquet file is unreadable until its footer is written, so an interrupted one is lost. Pages are
therefore stored as an Arrow stream, which is complete after each page, and become Parquet at the
end, one row group at a time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from importlib import import_module
from typing import IO, Any, Final, cast

from moregood_async.bulk.exporting.columns import Column, columns_of
from moregood_async.bulk.exporting.files import LONE_SURROGATES
from moregood_async.errors import MoreGoodError

MAX_ROWS_PER_GROUP: Final = 16_384
"""Limits the rows of a Parquet row group, all of which are in memory while it is written.

A page of an export has some tens of rows; a row group for each page would be far too small.
"""

_INT64_LIMIT: Final = 2**63


class NoParquet(MoreGoodError):
    """The file format is Parquet and pyarrow is not installed; nothing was sent."""


def import_pyarrow() -> Any:
    """Return the module pyarrow, with ``pyarrow.parquet`` imported.

    Raises:
        NoParquet: pyarrow is not installed.
    """
    try:
        module: Any = import_module("pyarrow")
        import_module("pyarrow.parquet")
    except ImportError as error:
        raise NoParquet('Parquet needs pyarrow: pip install "moregood_async[parquet]"') from error
    return module


class ArrowEncoder:
    """Encodes pages as an Arrow stream: its schema first, then one record batch for each page."""

    def __init__(self, model: type[Any]) -> None:
        self._model = model
        self._arrow = import_pyarrow()
        self._columns = columns_of(model)
        self._types = [_arrow_type(column, self._arrow) for column in self._columns]
        names = [column.name for column in self._columns]
        self.schema: Any = self._arrow.schema(list(zip(names, self._types, strict=True)))

    def __repr__(self) -> str:
        return f"ArrowEncoder({self._model.__name__})"

    def header(self) -> bytes:
        """Return the schema message, which begins the stream."""
        return bytes(self.schema.serialize())

    def encode(self, items: Sequence[Any]) -> bytes:
        """Return the record batch of a page; integers beyond 64 bits are null."""
        arrays = [
            self._array(column, arrow_type, items)
            for column, arrow_type in zip(self._columns, self._types, strict=True)
        ]
        return bytes(self._arrow.record_batch(arrays, schema=self.schema).serialize())

    def assemble(self, pages: IO[bytes], target: IO[bytes]) -> Iterator[None]:
        """Write the Parquet file of all pages, one row group at a step."""
        arrow = self._arrow
        with (
            arrow.ipc.open_stream(pages) as batches,
            arrow.parquet.ParquetWriter(target, self.schema) as writer,
        ):
            for group in group_batches(batches):
                writer.write_table(arrow.Table.from_batches(group))
                yield

    def _array(self, column: Column, arrow_type: Any, items: Sequence[Any]) -> Any:
        convert = _CONVERTERS.get(column.type, _keep)
        values = [convert(column.value_of(item)) for item in items]
        try:
            return self._arrow.array(values, type=arrow_type)
        except UnicodeEncodeError:  # rare, so only the batch that has a lone surrogate is searched
            escaped = [escape_lone_surrogates(value) for value in values]
            return self._arrow.array(escaped, type=arrow_type)


def group_batches(batches: Any) -> Iterator[list[Any]]:
    """Yield the batches in groups of at most `MAX_ROWS_PER_GROUP` rows; a batch is not split."""
    group: list[Any] = []
    rows = 0
    for batch in batches:
        if group and rows + batch.num_rows > MAX_ROWS_PER_GROUP:
            yield group
            group, rows = [], 0
        group.append(batch)
        rows += batch.num_rows
    if group:
        yield group


def escape_lone_surrogates(value: Any) -> Any:
    r"""Return text, or a list of texts, with halves of surrogate pairs escaped.

    >>> escape_lone_surrogates("\ud83d"), escape_lone_surrogates(["a", "\ud83d"])
    ('\\ud83d', ['a', '\\ud83d'])
    >>> escape_lone_surrogates(None)
    """
    if isinstance(value, str):
        return value.encode(errors=LONE_SURROGATES).decode()
    if isinstance(value, list):
        return [escape_lone_surrogates(each) for each in cast("list[object]", value)]
    return value


def _arrow_type(column: Column, arrow: Any) -> Any:
    types = {
        int: arrow.int64(),
        bool: arrow.bool_(),
        float: arrow.float64(),
        datetime: arrow.timestamp("us", tz="UTC"),
        list[str]: arrow.list_(arrow.string()),
    }
    return types.get(column.type, arrow.string())


def _keep(value: Any) -> Any:
    return value


def _to_int64(value: Any) -> Any:
    return value if value is not None and -_INT64_LIMIT <= value < _INT64_LIMIT else None


def _to_float(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except OverflowError:  # JSON integers have no limit: float(10**400) overflows
        return None


def _to_json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


_CONVERTERS: Final[dict[Any, Callable[[Any], Any]]] = {
    int: _to_int64,
    float: _to_float,
    dict[str, Any]: _to_json,
}
"""How a column's values become Arrow values; other types are passed on unchanged."""
