"""Rows of a file: what a line's cells say about a customer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from moregood_async.bulk.columns import ColumnMapping
from moregood_async.errors import Fields, InvalidRequest
from moregood_async.models.customers import CustomerUpsert

ERROR = "error"
"""The column that rejects get."""

MAY_HAVE_BEEN_ASKED = "unknown:"
"""How the error of a row begins whose ask may have reached the customer."""

_YES = frozenset({"yes", "y", "true", "t", "1", "on"})
_NO = frozenset({"no", "n", "false", "f", "0", "off"})
_GUARDED = re.compile(r"'[=+\-@]")


@attrs.frozen
class Row:
    """One row of a file. Its ``repr`` shows where it stands, and nobody's data."""

    line: int
    """The line of the file on which it begins, counted from 1; the header has one too."""
    cells: tuple[str, ...] = attrs.field(repr=False)
    """The input's own cells, as they stand in the file."""
    fields: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """What its cells say, by field of a customer; blank cells are left out."""
    problems: Fields = attrs.field(factory=dict[str, tuple[str, ...]])
    """Why it cannot be sent, by field, or under ``row``; empty where it can be tried."""
    held: bool = False
    """Whether an earlier import wrote beside it that its customer may have been asked."""

    def customer(self) -> CustomerUpsert:
        """The customer to send.

        Raises:
            InvalidRequest: The row cannot be sent; every reason at once.
        """
        if "row" in self.problems:
            raise InvalidRequest(self.problems)
        try:
            customer = CustomerUpsert.of(self.fields)
        except InvalidRequest as error:
            raise InvalidRequest({**error.fields, **self.problems}) from None
        if self.problems:
            raise InvalidRequest(self.problems)
        return customer


def row_of(line: int, cells: Sequence[str], mapping: ColumnMapping) -> Row:
    """The row that a line's cells make.

    >>> mapping = ColumnMapping.of(["Name", "Has subscription"], {"Name": "first_name"})
    >>> row_of(2, [" Ada ", "yes"], mapping).fields
    {'first_name': 'Ada', 'has_subscription': True}
    """
    kept = tuple(cells)
    problem = _unreadable(kept, len(mapping.columns))
    if problem:
        return Row(line, kept, problems={"row": (problem,)})
    held = any(
        column.name == ERROR and cell.startswith(MAY_HAVE_BEEN_ASKED)
        for column, cell in zip(mapping.columns, kept, strict=True)
    )
    fields: dict[str, Any] = {}
    problems: dict[str, tuple[str, ...]] = {}
    for column, cell in zip(mapping.columns, kept, strict=True):
        value = unguarded(cell.strip())
        if column.field is None or not value:
            continue
        try:
            fields[column.field] = _READ.get(column.field, _text)(value)
        except ValueError as error:
            problems[column.field] = (str(error),)
    return Row(line, kept, fields, problems, held)


def told(problems: Fields, mapping: ColumnMapping) -> str:
    """Problems as one sentence that names fields and columns, and nobody.

    >>> told({"city": ("is text",)}, ColumnMapping.of(["First name", "Town"]))
    'city (column Town): is text'
    """
    return "; ".join(f"{_named(name, mapping)}{', '.join(said)}" for name, said in problems.items())


def _named(name: str, mapping: ColumnMapping) -> str:
    if name == "row":
        return ""
    column = mapping.column_of(name)
    return f"{name} (column {column}): " if column else f"{name}: "


def unguarded(cell: str) -> str:
    """A cell without the apostrophe that exports put before what a spreadsheet would run.

    >>> unguarded("'+1 415 555 0100"), unguarded("'s-Hertogenbosch")
    ('+1 415 555 0100', "'s-Hertogenbosch")
    """
    return cell[1:] if _GUARDED.match(cell) else cell


def yes_or_no(cell: str) -> bool:
    """A yes or a no as a bool.

    Raises:
        ValueError: It is neither.
    """
    word = cell.casefold()
    if word in _YES or word in _NO:
        return word in _YES
    raise ValueError("is yes or no (or 1 or 0, true or false)")


def slugs_in(cell: str) -> list[str]:
    """Slugs that stand in one cell, each once.

    >>> slugs_in("regular; newsletter, regular")
    ['regular', 'newsletter']
    """
    found = (part.strip() for part in re.split(r"[,;]", cell))
    return list(dict.fromkeys(part for part in found if part))


def _text(cell: str) -> str:
    return cell


_READ: dict[str, Callable[[str], Any]] = {"has_subscription": yes_or_no, "tags": slugs_in}


def _unreadable(cells: tuple[str, ...], columns: int) -> str:
    if len(cells) != columns:
        many = "a cell that holds the delimiter must stand in quotes"
        few = "fill up the missing ones; a line break within a cell must stand in quotes"
        had = f"has {len(cells)} {'cell' if len(cells) == 1 else 'cells'}"
        advice = many if len(cells) > columns else few
        return f"{had} where the header has {columns}; {advice}"
    text = "".join(cells)
    if "\0" in text:
        return "holds a NUL byte; take it out"
    if not text.isascii() and not _encodes(text):
        return "holds bytes that are not UTF-8; save the file as UTF-8 (Excel: CSV UTF-8)"
    return ""


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
