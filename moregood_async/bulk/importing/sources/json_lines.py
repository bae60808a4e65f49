"""JSON Lines: one object a line."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from itertools import islice
from typing import IO, Any, cast

from moregood_async.bulk.importing.encoding import describe_misreading
from moregood_async.bulk.importing.rows import Record
from moregood_async.bulk.importing.sources.byte_source import BadFile
from moregood_async.bulk.importing.sources.keyed import SAMPLED_ROWS, collect_keys, read_by_key
from moregood_async.bulk.importing.sources.mapped_source import FileSource
from moregood_async.bulk.importing.sources.text_source import TextSource, open_text


class JsonLinesFile(FileSource):
    """A file of JSON objects, one a line; blank lines are skipped."""

    format = "jsonl"

    def __init__(
        self,
        text: TextSource,
        mapping: Mapping[str, str] | None = None,
        *,
        preset: str | None = None,
        region: str | None = None,
    ) -> None:
        _refuse_other_json(text.beginning)
        self._text = text
        reading = read_by_key(
            _sample_keys(text),
            mapping,
            preset=preset,
            region=region,
            complete=text.rereadable,
            encoding=text.encoding,
        )
        super().__init__(text, reading)

    def total(self) -> int | None:
        """Return the number of lines, blank ones included; None for a pipe."""
        return self._text.count_lines()

    def _read(self) -> Generator[Record]:
        with self._text.open() as lines:
            yield from _parse_lines(lines, self._text.encoding)


def read_json_lines(
    source: str | os.PathLike[str] | IO[str] | IO[bytes],
    mapping: Mapping[str, str] | None = None,
    *,
    preset: str | None = None,
    region: str | None = None,
    encoding: str | None = None,
) -> JsonLinesFile:
    r"""Return the customers of a file of JSON objects, one a line; they are read lazily.

    Keys are mapped as the columns of a CSV are, separately for each row. A line that is no object
    becomes a `Row` with problems. Parameters and errors are those of `read_csv`.

    >>> import io
    >>> customers = read_json_lines(io.StringIO('{"First Name": "Ada", "zip": 94110}\n'))
    >>> [customers.row(record).fields for record in customers.records()]
    [{'first_name': 'Ada', 'postal_code': '94110'}]
    """
    return JsonLinesFile(open_text(source, encoding), mapping, preset=preset, region=region)


def _sample_keys(text: TextSource) -> tuple[str, ...]:
    """Return the keys of the first rows; of a pipe, those of the lines that were read ahead."""
    if text.rereadable:
        with text.open() as lines:
            return collect_keys(islice(_parse_lines(lines, text.encoding), SAMPLED_ROWS))
    lines_ahead = text.beginning.split("\n")
    # The last line may be cut short; a single one is all that there is.
    whole = lines_ahead[:-1] if len(lines_ahead) > 1 else lines_ahead
    return collect_keys(islice(_parse_lines(whole, text.encoding), SAMPLED_ROWS))


def _parse_lines(lines: Iterable[str], encoding: str) -> Iterator[Record]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _record(number, line, encoding)


def _record(number: int, line: str, encoding: str) -> Record:
    problem = "" if line.isascii() else describe_misreading([line], encoding)
    if problem:
        return Record(number, (line,), problem)
    try:
        value: object = json.loads(line)
    except json.JSONDecodeError as error:
        return Record(number, (line,), f"is not JSON (at character {error.colno}: {error.msg})")
    except (ValueError, RecursionError):  # a number of 5,000 digits; 100,000 brackets
        return Record(number, (line,), "is not readable JSON: a number or its nesting is too long")
    if not isinstance(value, dict):
        return Record(number, (line,), 'is not a JSON object, such as {"first_name": "Ada"}')
    return Record(number, cast("dict[str, Any]", value))


def _refuse_other_json(beginning: str) -> None:
    first_line = beginning.strip().partition("\n")[0].strip()
    if not first_line:
        raise BadFile("the file is empty; it needs a JSON object for each customer, one a line")
    if first_line.startswith("["):
        raise BadFile(
            "the file is one JSON array, not JSON Lines; write each object on its own line: "
            "jq -c '.[]' customers.json > customers.jsonl"
        )
    if first_line == "{":
        raise BadFile(
            "the objects have line breaks; write each object on one line: "
            "jq -c . customers.json > customers.jsonl"
        )
