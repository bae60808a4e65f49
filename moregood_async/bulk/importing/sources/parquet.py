"""Parquet: customers in columns, by the library pyarrow (the extra ``parquet``)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final
from weakref import WeakSet

from moregood_async.bulk.importing.columns import ColumnMapping
from moregood_async.bulk.importing.presets import Preset
from moregood_async.bulk.importing.rows import Record, Row
from moregood_async.bulk.importing.sources.files import BadFile, Bytes, Fingerprint
from moregood_async.bulk.importing.sources.keyed import Keyed
from moregood_async.errors import ConfigurationError

AT_A_TIME: Final = 2048
"""Rows that are in memory at once, of one row group."""


class ParquetFile:
    """A Parquet file. Its rows have no lines; they are counted from 1."""

    def __init__(
        self,
        source: Bytes,
        mapping: Mapping[str, str] | None = None,
        *,
        preset: str | None = None,
        region: str | None = None,
    ) -> None:
        if not source.rereadable:
            raise BadFile(f"Parquet cannot be read from {source.name}: save it to a file first")
        self._bytes = source
        self._library = _library()
        self._under_way: WeakSet[Generator[Record]] = WeakSet()
        self.name: str = source.name
        self.path: Path | None = source.path
        self.rereadable: bool = True
        names, self._rows = self._begins()
        self._keyed = Keyed(names, mapping, preset=preset, region=region, complete=True)
        self.columns: tuple[str, ...] = self._keyed.columns
        self.mapping: ColumnMapping = self._keyed.mapping
        self.preset: Preset | None = self._keyed.preset

    def records(self) -> Iterator[Record]:
        """Every row, by its columns' names."""
        reading = self._records()
        self._under_way.add(reading)
        return reading

    def row(self, record: Record) -> Row:
        """What a record says; it does not matter which others there are."""
        return self._keyed.row(record)

    def fingerprint(self) -> Fingerprint | None:
        """What tells the file from what it was; None where there is none."""
        return self._bytes.fingerprint()

    def total(self) -> int | None:
        """How many rows there are."""
        return self._rows

    def options(self) -> dict[str, Any]:
        """How it is read, so that `read_customers` reads it alike."""
        return self._keyed.options("parquet")

    def schema(self) -> Any:
        """Its pyarrow schema."""
        with self._bytes.whole() as opened, self._table(opened) as table:
            return table.schema_arrow

    def close(self) -> None:
        """Close what is open of the file; twice is fine."""
        for reading in list(self._under_way):
            reading.close()

    def _records(self) -> Generator[Record]:
        with self._bytes.whole() as opened, self._table(opened) as table:
            batches = (batch.to_pylist() for batch in table.iter_batches(AT_A_TIME))
            for place, values in enumerate(chain.from_iterable(batches), 1):
                yield Record(place, values)

    def _begins(self) -> tuple[tuple[str, ...], int]:
        with self._bytes.whole() as opened, self._table(opened) as table:
            names = tuple(str(name) for name in table.schema_arrow.names)
            rows = int(table.metadata.num_rows)
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise BadFile(f'the column "{twice[0]}" is there twice; rename one of them')
        return names, rows

    def _table(self, opened: IO[bytes]) -> Any:
        try:
            return self._library.ParquetFile(opened)
        except (ValueError, OSError) as error:  # pyarrow's errors are among these
            raise BadFile("the file is no Parquet file, or is cut short") from error


def read_parquet(
    source: str | os.PathLike[str] | IO[bytes],
    mapping: Mapping[str, str] | None = None,
    *,
    preset: str | None = None,
    region: str | None = None,
) -> ParquetFile:
    """The customers of a Parquet file, lazily; needs ``pip install "moregood_async[parquet]"``.

    The parameters and errors are those of `read_csv`.
    """
    return ParquetFile(Bytes(source), mapping, preset=preset, region=region)


def _library() -> Any:
    try:
        import pyarrow.parquet as parquet  # type: ignore[import-untyped]
    except ImportError as error:
        raise ConfigurationError(
            "Parquet is read by the library pyarrow, which is not installed: "
            'pip install "moregood_async[parquet]"'
        ) from error
    return parquet
