"""What all sources share: columns, their mapping, rows, options and a `repr` without cells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol
from weakref import WeakSet

import attrs

from moregood_async.bulk.importing.columns import ColumnMapping
from moregood_async.bulk.importing.parsing import RowParser
from moregood_async.bulk.importing.presets import NO_PRESET, Preset
from moregood_async.bulk.importing.rows import Record, Row
from moregood_async.bulk.importing.sources.byte_source import Fingerprint


@attrs.frozen(kw_only=True, eq=False)
class Reading:
    """How the records of a source are read."""

    columns: tuple[str, ...]
    mapping: ColumnMapping
    preset: Preset | None
    chosen: Mapping[str, str]
    """The fields by column that the caller chose."""
    parser: RowParser
    delimiter: str | None = None
    encoding: str | None = None


class MappedSource:
    """A source of records that `reading` describes."""

    format: ClassVar[str]
    """The name of the format, as `read_customers` takes it."""

    def __init__(self, name: str, path: Path | None, reading: Reading, *, rereadable: bool) -> None:
        self.name: str = name
        self.path: Path | None = path
        self.rereadable: bool = rereadable
        self.columns: tuple[str, ...] = reading.columns
        self.mapping: ColumnMapping = reading.mapping
        self.preset: Preset | None = reading.preset
        self._reading = reading

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(name={self.name!r}, format={self.format!r}, "
            f"columns={self.columns!r})"
        )

    def row(self, record: Record) -> Row:
        """Return the row of a record, independently of all other records."""
        return self._reading.parser.parse(record)

    def options(self) -> dict[str, Any]:
        """Return the arguments with which `read_customers` reads the source in the same way."""
        reading = self._reading
        return {
            "format": self.format,
            "delimiter": reading.delimiter,
            "encoding": reading.encoding,
            "preset": reading.preset.key if reading.preset else NO_PRESET,
            "mapping": reading.chosen,
            "region": reading.parser.phones.region,
        }


class Origin(Protocol):
    """The file that a source reads: a `ByteSource` or a `TextSource`."""

    @property
    def name(self) -> str:
        """The name for people."""
        ...

    @property
    def path(self) -> Path | None:
        """The path of the file, if it has one."""
        ...

    @property
    def rereadable(self) -> bool:
        """Whether the file can be read again, from the start."""
        ...

    def fingerprint(self) -> Fingerprint | None:
        """Return the fingerprint of the file; None if there is no file."""
        ...

    def close(self) -> None:
        """Close what was opened; a second call does nothing."""
        ...


class FileSource(MappedSource, ABC):
    """A source that reads a file, which each call of `records` opens."""

    def __init__(self, origin: Origin, reading: Reading) -> None:
        super().__init__(origin.name, origin.path, reading, rereadable=origin.rereadable)
        self._origin = origin
        self._open_readers: WeakSet[Generator[Record]] = WeakSet()

    def records(self) -> Iterator[Record]:
        """Yield every record that is not blank, unparsed."""
        reader = self._read()
        self._open_readers.add(reader)
        return reader

    def fingerprint(self) -> Fingerprint | None:
        """Return the fingerprint of the file; None if there is no file."""
        return self._origin.fingerprint()

    def close(self) -> None:
        """Close the file for every iteration of `records`; a second call does nothing."""
        for reader in list(self._open_readers):
            reader.close()
        self._origin.close()

    @abstractmethod
    def _read(self) -> Generator[Record]:
        """Open the file and yield its records."""
