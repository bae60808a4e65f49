"""Parsing: from a record as it stands to a row, whatever the other records are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import attrs

from moregood_async.bulk.importing.columns import Column, ColumnMapping
from moregood_async.bulk.importing.consent import CONSENTS, forbidden
from moregood_async.bulk.importing.encoding import misread
from moregood_async.bulk.importing.headers import NAME
from moregood_async.bulk.importing.phones import NoPhone, Phones
from moregood_async.bulk.importing.presets import Preset
from moregood_async.bulk.importing.rows import ERROR, MAY_HAVE_BEEN_ASKED, Record, Row
from moregood_async.bulk.importing.values import is_blank, read, shown, split_name
from moregood_async.models.fields import has_text

_COMMA = "name: has a comma; it is split at its first blank, so the first name must come first"


def row_of(
    line: int,
    cells: Sequence[str],
    mapping: ColumnMapping,
    phones: Phones | None = None,
    encoding: str = "utf-8",
) -> Row:
    """The row that a line's cells make.

    >>> mapping = ColumnMapping.of(["Nick", "Has subscription"], {"Nick": "first_name"})
    >>> row_of(2, [" Ada ", "yes"], mapping).fields
    {'first_name': 'Ada', 'has_subscription': True}
    """
    kept = tuple(cells)
    problem = _unreadable(kept, len(mapping.columns), encoding)
    if problem:
        return unreadable(line, kept, problem)
    return _row(line, kept, zip(mapping.columns, kept, strict=True), phones or Phones())


def unreadable(line: int, cells: Sequence[str], problem: str) -> Row:
    """The row of a record that cannot be read at all."""
    return Row(line, tuple(cells), problems={"row": (problem,)})


@attrs.frozen(eq=False)
class KeyedRows:
    """How values by key become rows: each row's own keys say what they hold.

    A key that is null in a row counts as absent there, and keys of no field are ignored.
    """

    columns: tuple[str, ...]
    """The keys that the rows' `Row.cells` stand for; all of a row's own where it is empty."""
    told: Mapping[str, str]
    preset: Preset | None
    phones: Phones
    _mapping_of: Any = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_mapping_of", lru_cache(256)(self._mapping))

    def row(self, record: Record) -> Row:
        """The row that a record's values make.

        >>> rows = KeyedRows((), {}, None, Phones())
        >>> rows.row(Record(1, {"Mail": "ada@example.com", "first_name": "Ada"})).fields
        {'email': 'ada@example.com', 'first_name': 'Ada'}
        """
        values = record.values
        if record.problem or not isinstance(values, Mapping):
            return unreadable(record.line, self._cells(values), record.problem)
        there = {str(key): value for key, value in values.items() if not is_blank(value)}
        mapping: ColumnMapping = self._mapping_of(tuple(there))
        pairs = zip(mapping.columns, there.values(), strict=True)
        return _row(record.line, self._cells(values), pairs, self.phones)

    def _mapping(self, keys: tuple[str, ...]) -> ColumnMapping:
        return ColumnMapping.of_some(keys, self.told, self.preset)

    def _cells(self, values: Mapping[str, Any] | tuple[str, ...]) -> tuple[str, ...]:
        if isinstance(values, tuple):
            return values
        return tuple(shown(values.get(key)) for key in self.columns or values)


def _row(
    line: int, cells: tuple[str, ...], pairs: Iterator[tuple[Column, Any]], phones: Phones
) -> Row:
    parsed = _Parsed()
    for column, value in pairs:
        parsed.take(column, value)
    parsed.split_name()
    parsed.check_phone(phones)
    opted_out, doubts = forbidden(parsed.consents)
    warnings = (*parsed.warnings, *doubts)
    return Row(line, cells, parsed.fields, parsed.problems, parsed.held, warnings, opted_out)


@attrs.define
class _Parsed:
    """What the values of one row say, one after the other."""

    fields: dict[str, Any] = attrs.field(factory=dict[str, Any])
    problems: dict[str, tuple[str, ...]] = attrs.field(factory=dict[str, tuple[str, ...]])
    warnings: list[str] = attrs.field(factory=list[str])
    consents: list[tuple[str, Any, object]] = attrs.field(factory=list[tuple[str, Any, object]])
    held: bool = False

    def take(self, column: Column, value: object) -> None:
        """One value more."""
        field = column.field
        if field is None:
            held = column.name == ERROR and str(value).startswith(MAY_HAVE_BEEN_ASKED)
            self.held = self.held or held
        elif field in CONSENTS:
            self.consents.append((column.name, CONSENTS[field], value))
        else:
            self._read(field, value)

    def _read(self, field: str, value: object) -> None:
        try:
            found = read(field, value)
        except ValueError as error:
            self.problems["first_name" if field == NAME else field] = (str(error),)
        else:
            if found is not None:
                self.fields[field] = found

    def split_name(self) -> None:
        """Make first and last name of a whole one."""
        whole = self.fields.pop(NAME, None)
        if whole is None:
            return
        if "," in whole:
            self.warnings.append(_COMMA)
        first, last = split_name(whole, self.fields.get("last_name", ""))
        self.fields["first_name"] = first
        if last:
            self.fields["last_name"] = last

    def check_phone(self, phones: Phones) -> None:
        """Bring the phone into its one form; leave out what is none, or reject the row."""
        phone = self.fields.get("phone")
        if phone is None:
            return
        try:
            self.fields["phone"] = phones.normal(phone)
        except NoPhone as error:
            if has_text(self.fields.get("email")):
                del self.fields["phone"]
                self.warnings.append(f"phone: {error}; left out")
            else:
                self.problems["phone"] = (f"{error}, and there is no email",)


def _unreadable(cells: tuple[str, ...], columns: int, encoding: str) -> str:
    if len(cells) != columns:
        many = "a cell that holds the delimiter must stand in quotes"
        few = "fill up the missing ones; a line break within a cell must stand in quotes"
        had = f"has {len(cells)} {'cell' if len(cells) == 1 else 'cells'}"
        advice = many if len(cells) > columns else few
        return f"{had} where the header has {columns}; {advice}"
    text = "".join(cells)
    if "\0" in text:
        return "holds a NUL byte; take it out"
    return "" if text.isascii() else misread(cells, encoding)
