"""Rows: one record of a file as it stands, and what it says about a customer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import attrs

from moregood_async.bulk.importing.columns import ColumnMapping
from moregood_async.errors import Fields, InvalidRequest
from moregood_async.models.customers import CustomerUpsert

ERROR: Final = "error"
"""The column that rejects get."""

MAY_HAVE_BEEN_ASKED: Final = "unknown:"
"""How the error of a row begins whose ask may have reached the customer."""

_GUARDED: Final = re.compile(r"'[=+\-@]")


class Record(NamedTuple):
    """One row as it stands, unparsed and cheap. Its ``repr`` shows nobody's data.

    >>> Record(2, ("Ada", "ada@example.com"))
    Record(line=2, problem='')
    """

    line: int
    """Where it begins in the file, counted from 1; of rows without lines, their place from 1."""
    values: tuple[str, ...] | Mapping[str, Any]
    """Its cells, or its values by key."""
    problem: str = ""
    """Why it cannot be read at all."""

    def __repr__(self) -> str:
        return f"Record(line={self.line}, problem={self.problem!r})"


@attrs.frozen
class Row:
    """One row of a file. Its ``repr`` shows where it stands, and nobody's data."""

    line: int
    """The line of the file on which it begins, counted from 1; the header has one too."""
    cells: tuple[str, ...] = attrs.field(repr=False)
    """The input's own cells, as they stand in the file; of values by key, their text."""
    fields: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """What its cells say, by field of a customer; blank cells are left out."""
    problems: Fields = attrs.field(factory=dict[str, tuple[str, ...]])
    """Why it cannot be sent, by field, or under ``row``; empty where it can be tried."""
    held: bool = False
    """Whether an earlier import wrote beside it that its customer may have been asked."""
    warnings: tuple[str, ...] = ()
    """What was left out of it, or is doubtful: ``phone: is no phone number; left out``."""
    opted_out: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """The channels through which this person must not be asked, each with the reason."""

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


def strip_guard(cell: str) -> str:
    """A cell without the apostrophe that exports put before what a spreadsheet would run.

    >>> strip_guard("'+1 415 555 0100"), strip_guard("'s-Hertogenbosch")
    ('+1 415 555 0100', "'s-Hertogenbosch")
    """
    return cell[1:] if _GUARDED.match(cell) else cell
