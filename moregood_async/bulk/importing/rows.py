"""Records, which are the raw rows of a source, and rows, which describe a customer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import attrs

from moregood_async.bulk.importing.columns import ColumnMapping
from moregood_async.errors import Fields, InvalidRequest
from moregood_async.models.customers import CustomerUpsert

ERROR: Final = "error"
"""The column that a rejects file adds."""

MAY_HAVE_BEEN_ASKED: Final = "unknown:"
"""The beginning of the error of a row whose ask may have reached the customer."""

_GUARD: Final = re.compile(r"'[=+\-@]")


class Record(NamedTuple):
    """One raw row. It is cheap, and its ``repr`` shows no cell.

    >>> Record(2, ("Ada", "ada@example.com"))
    Record(line=2, problem='')
    """

    line: int
    """The line where the row begins, counted from 1; in sources without lines, its number."""
    values: tuple[str, ...] | Mapping[str, Any]
    """Its cells, or its values by key."""
    problem: str = ""
    """Why the row is unreadable; empty if it is readable."""

    def __repr__(self) -> str:
        return f"Record(line={self.line}, problem={self.problem!r})"


@attrs.frozen
class Row:
    """One parsed row. Its ``repr`` shows its line and its problems, and no cell."""

    line: int
    """The line where the row begins, counted from 1; the header has a line, too."""
    cells: tuple[str, ...] = attrs.field(repr=False)
    """The cells as they are in the file; for values by key, their text."""
    fields: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """The parsed values, by field of a customer, without blank cells."""
    problems: Fields = attrs.field(factory=dict[str, tuple[str, ...]])
    """Why the row cannot be sent, by field, or under ``row``; empty if it can."""
    held: bool = False
    """Whether its ``error`` column says that an earlier import may have asked the customer."""
    warnings: tuple[str, ...] = ()
    """What was left out or is doubtful: ``phone: is not a phone number; left out``."""
    opted_out: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """The channels by which this person must not be asked, each with the reason."""

    def customer(self) -> CustomerUpsert:
        """Return the customer to send.

        Raises:
            InvalidRequest: The row cannot be sent; the error names all problems at once.
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


def describe_problems(problems: Fields, mapping: ColumnMapping) -> str:
    """Return problems as one sentence that names fields and columns, and quotes no cell.

    >>> describe_problems({"city": ("must be text",)}, ColumnMapping.of(["First name", "Town"]))
    'city (column Town): must be text'
    """
    return "; ".join(
        f"{_label(field, mapping)}{', '.join(texts)}" for field, texts in problems.items()
    )


def _label(field: str, mapping: ColumnMapping) -> str:
    if field == "row":
        return ""
    column = mapping.column_of(field)
    return f"{field} (column {column}): " if column else f"{field}: "


def strip_guard(cell: str) -> str:
    """Return a cell without the apostrophe that exports put before formulas.

    >>> strip_guard("'+1 415 555 0100"), strip_guard("'s-Hertogenbosch")
    ('+1 415 555 0100', "'s-Hertogenbosch")
    """
    return cell[1:] if _GUARD.match(cell) else cell
