"""Parsing: from a record to a row, independently of all other records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Protocol

import attrs

from moregood_async.bulk.importing.columns import Column, ColumnMapping
from moregood_async.bulk.importing.consent import CONSENTS, Consent, find_opt_outs
from moregood_async.bulk.importing.encoding import UTF_8, describe_misreading
from moregood_async.bulk.importing.headers import NAME
from moregood_async.bulk.importing.phones import InvalidPhone, PhoneParser
from moregood_async.bulk.importing.presets import Preset
from moregood_async.bulk.importing.rows import ERROR, MAY_HAVE_BEEN_ASKED, Record, Row
from moregood_async.bulk.importing.values import is_blank, parse_value, split_name, to_cell
from moregood_async.models.fields import has_text

CACHED_MAPPINGS: Final = 256
"""Limits the mappings that are kept for rows with different sets of keys."""

# "Lovelace, Ada" becomes the first name "Lovelace,".
_COMMA: Final = (
    "name: has a comma; it is split at its first blank, so the first name must come first"
)


class RowParser(Protocol):
    """Makes rows of the records of one source."""

    @property
    def phones(self) -> PhoneParser:
        """How phone numbers are read."""
        ...

    def parse(self, record: Record) -> Row:
        """Return the row of a record; problems are in the row."""
        ...


@attrs.frozen(eq=False)
class CellParser:
    """Makes rows of cells, which the mapping of one header describes."""

    mapping: ColumnMapping
    phones: PhoneParser = attrs.field(factory=PhoneParser)
    encoding: str = UTF_8

    def parse(self, record: Record) -> Row:
        """Return the row of a record.

        >>> mapping = ColumnMapping.of(["Nick", "Has subscription"], {"Nick": "first_name"})
        >>> CellParser(mapping).parse(Record(2, (" Ada ", "yes"))).fields
        {'first_name': 'Ada', 'has_subscription': True}
        """
        cells = tuple(record.values)
        columns = self.mapping.columns
        problem = record.problem or _find_problem(cells, len(columns), self.encoding)
        if problem:
            return _unreadable_row(record.line, cells, problem)
        return _parse_row(record.line, cells, zip(columns, cells, strict=True), self.phones)


@attrs.frozen(eq=False)
class KeyedParser:
    """Makes rows of values by key: the keys of each row decide what its values are.

    A later row may have keys that the first rows lack. A key whose value is null counts as absent
    in its row, and keys that fit no field are ignored.
    """

    columns: tuple[str, ...]
    """The keys whose values are `Row.cells`; if empty, those of the row itself."""
    chosen: Mapping[str, str]
    preset: Preset | None
    phones: PhoneParser
    _mapping_of: Any = attrs.field(init=False, repr=False)
    """`_map_keys` with a cache, because most rows of a source have the same keys."""

    def __attrs_post_init__(self) -> None:
        cached = lru_cache(CACHED_MAPPINGS)(self._map_keys)
        object.__setattr__(self, "_mapping_of", cached)

    def parse(self, record: Record) -> Row:
        """Return the row of a record.

        >>> parser = KeyedParser((), {}, None, PhoneParser())
        >>> parser.parse(Record(1, {"Mail": "ada@example.com", "first_name": "Ada"})).fields
        {'email': 'ada@example.com', 'first_name': 'Ada'}
        """
        values = record.values
        if record.problem or not isinstance(values, Mapping):
            return _unreadable_row(record.line, self._cells(values), record.problem)
        present = {str(key): value for key, value in values.items() if not is_blank(value)}
        mapping: ColumnMapping = self._mapping_of(tuple(present))
        pairs = zip(mapping.columns, present.values(), strict=True)
        return _parse_row(record.line, self._cells(values), pairs, self.phones)

    def _map_keys(self, keys: tuple[str, ...]) -> ColumnMapping:
        return ColumnMapping.of_keys(keys, self.chosen, self.preset)

    def _cells(self, values: Mapping[str, Any] | tuple[str, ...]) -> tuple[str, ...]:
        if isinstance(values, tuple):
            return values
        return tuple(to_cell(values.get(key)) for key in self.columns or values)


def _unreadable_row(line: int, cells: tuple[str, ...], problem: str) -> Row:
    return Row(line, cells, problems={"row": (problem,)})


def _parse_row(
    line: int, cells: tuple[str, ...], pairs: Iterable[tuple[Column, Any]], phones: PhoneParser
) -> Row:
    values = _ParsedValues()
    for column, value in pairs:
        values.add(column, value)
    values.split_name()
    values.normalize_phone(phones)
    opted_out, doubts = find_opt_outs(values.consents)
    warnings = (*values.warnings, *doubts)
    return Row(line, cells, values.fields, values.problems, values.held, warnings, opted_out)


@attrs.define(repr=False)  # the default repr would show cells
class _ParsedValues:
    """The values of one row, collected one after the other."""

    fields: dict[str, Any] = attrs.field(factory=dict[str, Any])
    problems: dict[str, tuple[str, ...]] = attrs.field(factory=dict[str, tuple[str, ...]])
    warnings: list[str] = attrs.field(factory=list[str])
    consents: list[tuple[str, Consent, object]] = attrs.field(
        factory=list[tuple[str, Consent, object]]
    )
    held: bool = False

    def add(self, column: Column, value: object) -> None:
        """Add the value of a column."""
        field = column.field
        if field is None:
            # The input may be the rejects file of an earlier import, which wrote the error.
            if column.name == ERROR and str(value).startswith(MAY_HAVE_BEEN_ASKED):
                self.held = True
        elif field in CONSENTS:
            self.consents.append((column.name, CONSENTS[field], value))
        else:
            self._add_field(field, value)

    def _add_field(self, field: str, value: object) -> None:
        try:
            parsed = parse_value(field, value)
        except ValueError as error:
            self.problems["first_name" if field == NAME else field] = (str(error),)
        else:
            if parsed is not None:
                self.fields[field] = parsed

    def split_name(self) -> None:
        """Replace a full name by first and last name."""
        full_name = self.fields.pop(NAME, None)
        if full_name is None:
            return
        if "," in full_name:
            self.warnings.append(_COMMA)
        first, last = split_name(full_name, self.fields.get("last_name", ""))
        self.fields["first_name"] = first
        if last:
            self.fields["last_name"] = last

    def normalize_phone(self, phones: PhoneParser) -> None:
        """Normalize the phone; leave out an invalid one, or reject a row that has no email.

        With an email, the customer can still be identified and asked.
        """
        phone = self.fields.get("phone")
        if phone is None:
            return
        try:
            self.fields["phone"] = phones.normalize(phone)
        except InvalidPhone as error:
            if has_text(self.fields.get("email")):
                del self.fields["phone"]
                self.warnings.append(f"phone: {error}; left out")
            else:
                self.problems["phone"] = (f"{error}, and there is no email",)


def _find_problem(cells: Sequence[str], columns: int, encoding: str) -> str:
    """Return why the cells are unreadable; empty if they are readable."""
    if len(cells) != columns:
        too_many = "a cell that holds the delimiter must be quoted"
        too_few = "add the missing cells; a cell that holds a line break must be quoted"
        count = f"has {len(cells)} {'cell' if len(cells) == 1 else 'cells'}"
        advice = too_many if len(cells) > columns else too_few
        return f"{count} but the header has {columns}; {advice}"
    text = "".join(cells)
    if "\0" in text:
        return "holds a NUL byte; remove it"
    return "" if text.isascii() else describe_misreading(cells, encoding)
