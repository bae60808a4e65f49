"""Parquet: customers in columns, read by the library pyarrow (the extra ``parquet``)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Mapping
from itertools import chain
from typing import IO, Any, Final

from moregood_async.bulk.importing.rows import Record
from moregood_async.bulk.importing.sources.byte_source import BadFile, ByteSource
from moregood_async.bulk.importing.sources.keyed import read_by_key
from moregood_async.bulk.importing.sources.mapped_source import FileSource
from moregood_async.errors import ConfigurationError

BATCH_ROWS: Final = 2048
"""Limits the rows that are Python objects at once; a row group may have millions."""


class ParquetFile(FileSource):
    """A Parquet file. Its rows have no lines and are numbered from 1."""

    format = "parquet"

    def __init__(
        self,
        source: ByteSource,
        mapping: Mapping[str, str] | None = None,
        *,
        preset: str | None = None,
        region: str | None = None,
    ) -> None:
        if not source.rereadable:  # the footer at the end says where the columns are
            raise BadFile(f"Parquet cannot be read from {source.name}; save it to a file first")
        self._bytes = source
        self._pyarrow = _import_pyarrow()
        names, self._rows = self._read_footer()
        reading = read_by_key(names, mapping, preset=preset, region=region, complete=True)
        super().__init__(source, reading)

    def total(self) -> int | None:
        """Return the number of rows."""
        return self._rows

    def schema(self) -> Any:
        """Return the pyarrow schema of the file."""
        with self._bytes.open_seekable() as opened, self._open_parquet(opened) as table:
            return table.schema_arrow

    def _read(self) -> Generator[Record]:
        with self._bytes.open_seekable() as opened, self._open_parquet(opened) as table:
            batches = (batch.to_pylist() for batch in table.iter_batches(BATCH_ROWS))
            for number, values in enumerate(chain.from_iterable(batches), 1):
                yield Record(number, values)

    def _read_footer(self) -> tuple[tuple[str, ...], int]:
        """Return the names of the columns and the number of rows."""
        with self._bytes.open_seekable() as opened, self._open_parquet(opened) as table:
            names = tuple(str(name) for name in table.schema_arrow.names)
            rows = int(table.metadata.num_rows)
        duplicates = [name for name, count in Counter(names).items() if count > 1]
        if duplicates:
            raise BadFile(f'two columns have the name "{duplicates[0]}"; rename one of them')
        return names, rows

    def _open_parquet(self, opened: IO[bytes]) -> Any:
        try:
            return self._pyarrow.ParquetFile(opened)
        except (ValueError, OSError) as error:  # the base classes of pyarrow's errors
            raise BadFile("the file is not a Parquet file, or is cut short") from error


def read_parquet(
    source: str | os.PathLike[str] | IO[bytes],
    mapping: Mapping[str, str] | None = None,
    *,
    preset: str | None = None,
    region: str | None = None,
) -> ParquetFile:
    """Return the customers of a Parquet file; they are read lazily.

    This needs ``pip install "moregood_async[parquet]"``. Parameters and errors are those of
    `read_csv`.
    """
    return ParquetFile(ByteSource(source), mapping, preset=preset, region=region)


def _import_pyarrow() -> Any:
    try:
        import pyarrow.parquet as parquet  # type: ignore[import-untyped]
    except ImportError as error:
        raise ConfigurationError(
            "Parquet needs the library pyarrow, which is not installed: "
            'pip install "moregood_async[parquet]"'
        ) from error
    return parquet
