"""Records and rows of sources and of cells."""

from collections.abc import Iterator, Sequence

from moregood_async.bulk.importing.columns import ColumnMapping
from moregood_async.bulk.importing.parsing import CellParser
from moregood_async.bulk.importing.phones import PhoneParser
from moregood_async.bulk.importing.rows import Record, Row
from moregood_async.bulk.importing.sources import Source


def parse_cells(
    cells: Sequence[str], mapping: ColumnMapping, phones: PhoneParser | None = None
) -> Row:
    """Return the row of a line's cells."""
    return CellParser(mapping, phones or PhoneParser()).parse(Record(2, tuple(cells)))


def read_records(source: Source) -> list[Record]:
    """Return all records of a source that is not async."""
    records = source.records()
    assert isinstance(records, Iterator)
    return list(records)


def read_rows(source: Source) -> list[Row]:
    """Return all rows of a source that is not async."""
    return [source.row(record) for record in read_records(source)]
