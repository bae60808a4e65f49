"""JSON Lines: an object a line."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast
from weakref import WeakSet

from moregood_async.bulk.importing.columns import ColumnMapping
from moregood_async.bulk.importing.encoding import misread
from moregood_async.bulk.importing.presets import Preset
from moregood_async.bulk.importing.rows import Record, Row
from moregood_async.bulk.importing.sources.files import BadFile, Fingerprint
from moregood_async.bulk.importing.sources.keyed import LOOKED_AT, Keyed, keys_of
from moregood_async.bulk.importing.sources.text import Text, text_of


class JsonLinesFile:
    """A file of JSON objects, one a line; blank lines are skipped."""

    def __init__(
        self,
        text: Text,
        mapping: Mapping[str, str] | None = None,
        *,
        preset: str | None = None,
        region: str | None = None,
    ) -> None:
        _check_begins(text.begins)
        self._text = text
        self._under_way: WeakSet[Generator[Record]] = WeakSet()
        self.name: str = text.name
        self.path: Path | None = text.path
        self.rereadable: bool = text.rereadable
        self._keyed = Keyed(
            self._first_keys(), mapping, preset=preset, region=region, complete=self.rereadable
        )
        self.columns: tuple[str, ...] = self._keyed.columns
        self.mapping: ColumnMapping = self._keyed.mapping
        self.preset: Preset | None = self._keyed.preset

    def records(self) -> Iterator[Record]:
        """Every line that is not blank, as an object."""
        reading = self._records()
        self._under_way.add(reading)
        return reading

    def row(self, record: Record) -> Row:
        """What a record says; it does not matter which others there are."""
        return self._keyed.row(record)

    def fingerprint(self) -> Fingerprint | None:
        """What tells the file from what it was; None where there is none."""
        return self._text.fingerprint()

    def total(self) -> int | None:
        """About how many rows there are."""
        return self._text.lines()

    def options(self) -> dict[str, Any]:
        """How it is read, so that `read_customers` reads it alike."""
        return self._keyed.options("jsonl", self._text.encoding)

    def close(self) -> None:
        """Close what is open of the file; twice is fine."""
        for reading in list(self._under_way):
            reading.close()
        self._text.close()

    def _first_keys(self) -> tuple[str, ...]:
        if not self.rereadable:
            lines = self._text.begins.split("\n")
            whole = lines[:-1] if len(lines) > 1 else lines
            return keys_of(islice(_records(whole, self._text.encoding), LOOKED_AT))
        with closing(self._records()) as records:
            return keys_of(islice(records, LOOKED_AT))

    def _records(self) -> Generator[Record]:
        with self._text.open() as lines:
            yield from _records(lines, self._text.encoding)


def read_json_lines(
    source: str | os.PathLike[str] | IO[str] | IO[bytes],
    mapping: Mapping[str, str] | None = None,
    *,
    preset: str | None = None,
    region: str | None = None,
    encoding: str | None = None,
) -> JsonLinesFile:
    r"""The customers of a file of JSON objects, one a line, lazily.

    Keys are told as a CSV's columns are, row by row. A line that is no object comes as a `Row`
    with problems. The parameters and errors are those of `read_csv`.

    >>> import io
    >>> customers = read_json_lines(io.StringIO('{"First Name": "Ada", "zip": 94110}\n'))
    >>> [customers.row(record).fields for record in customers.records()]
    [{'first_name': 'Ada', 'postal_code': '94110'}]
    """
    return JsonLinesFile(text_of(source, encoding), mapping, preset=preset, region=region)


def _records(lines: Iterable[str], encoding: str) -> Iterator[Record]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _record(number, line, encoding)


def _record(number: int, line: str, encoding: str) -> Record:
    problem = "" if line.isascii() else misread([line], encoding)
    if problem:
        return Record(number, (line,), problem)
    try:
        value: object = json.loads(line)
    except json.JSONDecodeError as error:
        return Record(number, (line,), f"is no JSON (at character {error.colno}: {error.msg})")
    except (ValueError, RecursionError):
        return Record(number, (line,), "is no JSON that can be read: it is too deep, or too long")
    if not isinstance(value, dict):
        return Record(number, (line,), 'is no JSON object, such as {"first_name": "Ada"}')
    return Record(number, cast("dict[str, Any]", value))


def _check_begins(begins: str) -> None:
    first = begins.strip().partition("\n")[0].strip()
    if not first:
        raise BadFile("the file is empty; it needs a JSON object for each customer, one a line")
    if first.startswith("["):
        raise BadFile(
            "the file is one JSON array, not JSON Lines; make it an object a line: "
            "jq -c '.[]' customers.json > customers.jsonl"
        )
    if first == "{":
        raise BadFile(
            "the objects go over several lines; make it one a line: "
            "jq -c . customers.json > customers.jsonl"
        )
