"""Items as Arrow's columns and as Parquet: the only file here that knows pyarrow, once it is used.

A Parquet file cannot be read before its footer is written. So pages are kept as an Arrow stream
first, which is whole after each of them, and become Parquet in row groups at the end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from importlib import import_module
from typing import IO, Any, Final, cast

from moregood_async.bulk.exporting.columns import Column, columns_of
from moregood_async.bulk.exporting.files import HALF_LETTERS
from moregood_async.errors import MoreGoodError

ROWS_IN_A_GROUP: Final = 16_384
"""Of a Parquet file's row groups, the most rows; so many are in memory at once."""

_WIDEST = 2**63


class NoParquet(MoreGoodError):
    """Parquet is asked for, and pyarrow is not installed."""


def pyarrow() -> Any:
    """The library, with its Parquet part.

    Raises:
        NoParquet: It is not installed.
    """
    try:
        found: Any = import_module("pyarrow")
        import_module("pyarrow.parquet")
    except ImportError as error:
        raise NoParquet('Parquet needs pyarrow: pip install "moregood_async[parquet]"') from error
    return found


class ArrowPages:
    """Pages of items as an Arrow stream: its schema first, then a batch a page."""

    def __init__(self, kind: type[Any]) -> None:
        self._arrow = pyarrow()
        self._columns = columns_of(kind)
        self._types = [_type_of(column, self._arrow) for column in self._columns]
        names = [column.name for column in self._columns]
        self.schema: Any = self._arrow.schema(list(zip(names, self._types, strict=True)))

    def head(self) -> bytes:
        """What the stream begins with."""
        return bytes(self.schema.serialize())

    def page(self, items: Sequence[Any]) -> bytes:
        """One batch; numbers beyond 64 bits are blank."""
        filled = [self._filled(*each, items) for each in zip(self._columns, self._types)]  # noqa: B905
        return bytes(self._arrow.record_batch(filled, schema=self.schema).serialize())

    def finish(self, pages: IO[bytes], file: IO[bytes]) -> Iterator[None]:
        """Write the Parquet file of all pages, a row group at a time."""
        arrow = self._arrow
        with arrow.ipc.open_stream(pages) as batches, _writer(arrow, file, self.schema) as writer:
            for group in grouped(batches):
                writer.write_table(arrow.Table.from_batches(group))
                yield

    def _filled(self, column: Column, kind: Any, items: Sequence[Any]) -> Any:
        fitting = _FITTING.get(column.type, _as_it_is)
        values = [fitting(column.of(item)) for item in items]
        try:
            return self._arrow.array(values, type=kind)
        except UnicodeEncodeError:
            return self._arrow.array([whole_letters(value) for value in values], type=kind)


def grouped(batches: Any) -> Iterator[list[Any]]:
    """Batches in row groups of a bounded size."""
    group: list[Any] = []
    rows = 0
    for batch in batches:
        if group and rows + batch.num_rows > ROWS_IN_A_GROUP:
            yield group
            group, rows = [], 0
        group.append(batch)
        rows += batch.num_rows
    if group:
        yield group


def whole_letters(value: Any) -> Any:
    r"""Text, or a list of texts, without halves of surrogate pairs.

    >>> whole_letters("\ud83d"), whole_letters(["a", "\ud83d"]), whole_letters(None)
    ('\\ud83d', ['a', '\\ud83d'], None)
    """
    if isinstance(value, str):
        return value.encode(errors=HALF_LETTERS).decode()
    if isinstance(value, list):
        return [whole_letters(each) for each in cast("list[object]", value)]
    return value


def _writer(arrow: Any, file: IO[bytes], schema: Any) -> Any:
    return arrow.parquet.ParquetWriter(file, schema)


def _type_of(column: Column, arrow: Any) -> Any:
    known = {
        int: arrow.int64(),
        bool: arrow.bool_(),
        float: arrow.float64(),
        datetime: arrow.timestamp("us", tz="UTC"),
        list[str]: arrow.list_(arrow.string()),
    }
    return known.get(column.type, arrow.string())


def _as_it_is(value: Any) -> Any:
    return value


def _whole(value: Any) -> Any:
    return value if value is not None and -_WIDEST <= value < _WIDEST else None


def _float(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except OverflowError:
        return None


def _object(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


_FITTING: dict[Any, Callable[[Any], Any]] = {
    int: _whole,
    float: _float,
    dict[str, Any]: _object,
}
