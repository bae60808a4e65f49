"""Headers of a file: which column holds which field of a customer."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from moregood_async.errors import MoreGoodError
from moregood_async.models.customers import CustomerUpsert

FIELDS: tuple[str, ...] = tuple(attribute.name for attribute in attrs.fields(CustomerUpsert))
"""The fields that a column can hold, in the order of `CustomerUpsert`."""

_ALSO_CALLED: dict[str, str] = {
    "first_name": "first, fname, given name, forename, customer first name, contact first name",
    "last_name": "last, lname, surname, family name, customer last name, contact last name",
    "email": "mail, email address, customer email, contact email, primary email, work email",
    "phone": "phone number, telephone, telephone number, tel, mobile, mobile phone, mobile number, "
    "cell, cell phone, cell number, customer phone, contact phone, contact number, primary phone",
    "company": "company name, organization, organisation, organization name, business, "
    "business name",
    "notes": "note, comment, comments, remarks, internal notes",
    "address1": "address, address line 1, street, street address, mailing address, addr 1",
    "address2": "address line 2, addr 2, apartment, apt, suite, unit",
    "city": "town, locality",
    "state": "province, region, state province, state region",
    "postal_code": "zip, zip code, postcode, post code, postal, zip postal code",
    "signed_up_at": "signed up, sign up date, signup, signup date, subscription date, created, "
    "subscribed at, customer since, member since, joined, join date, date joined, created at, "
    "created date, date created, date added, registered, registered at, registration date",
    "has_subscription": "subscriber, is subscriber, active subscription, subscription active, "
    "has active subscription",
    "location_slug": "store slug, branch slug",
    "tags": "tag, labels, customer tags",
}


class BadMapping(MoreGoodError):
    """Columns and fields do not fit together; nothing was sent."""


def plain(name: str) -> str:
    """A name without case, accents, blanks and punctuation.

    >>> plain("E-Mail Address"), plain("first_name"), plain("FirstName")
    ('emailaddress', 'firstname', 'firstname')
    """
    letters = unicodedata.normalize("NFKD", name).casefold()
    return re.sub(r"[^a-z0-9]", "", letters)


_FIELD_OF: dict[str, str] = {plain(field): field for field in FIELDS} | {
    plain(name): field for field, names in _ALSO_CALLED.items() for name in names.split(",")
}


def field_named(column: str) -> str | None:
    """The field that a column's name stands for, or None.

    >>> field_named("E-mail"), field_named("Phone 2"), field_named("Address 2")
    ('email', 'phone', 'address2')
    """
    name = plain(column)
    return _FIELD_OF.get(name) or _FIELD_OF.get(name.rstrip("0123456789"))


@attrs.frozen
class Column:
    """One column of a file: its field, or why it is ignored."""

    name: str
    field: str | None
    why: str = ""

    def __str__(self) -> str:
        return f"{self.name} → {self.field}" if self.field else f"{self.name}: {self.why}"


@attrs.frozen(eq=False)
class ColumnMapping(Mapping[str, str]):
    """Which column holds which field: a mapping that prints.

    >>> mapping = ColumnMapping.of(["First Name", "E-mail", "Phone 1", "Phone 2", "Shoe size"])
    >>> mapping["E-mail"], len(mapping)
    ('email', 3)
    >>> print(mapping)
    First Name → first_name
    E-mail → email
    Phone 1 → phone
    ignored: Phone 2: phone comes from Phone 1
    ignored: Shoe size: fits no field
    """

    columns: tuple[Column, ...]
    """Every column of the file, in its order."""

    @classmethod
    def of(cls, header: Sequence[str], chosen: Mapping[str, str] | None = None) -> ColumnMapping:
        """The mapping of a header.

        Args:
            header: The columns' names, in their order.
            chosen: Columns whose field you say yourself, which wins; ``{"Nick": ""}`` ignores
                the column.

        Raises:
            BadMapping: ``chosen`` names a column or a field that does not exist, or nothing
                holds ``first_name``, which every customer needs.
        """
        told = _checked(header, chosen or {})
        taken = {field: name for name, field in told.items() if field}
        columns: list[Column] = []
        for name in header:
            column = _told(name, told[name]) if name in told else _found(name, taken)
            if column.field:
                taken.setdefault(column.field, name)
            columns.append(column)
        if "first_name" not in taken:
            raise BadMapping(_nothing_holds_first_name(header))
        return cls(tuple(columns))

    @property
    def ignored(self) -> tuple[Column, ...]:
        """The columns that are not sent, each with the reason."""
        return tuple(column for column in self.columns if not column.field)

    def column_of(self, field: str) -> str | None:
        """The column that holds a field, or None."""
        return next((column.name for column in self.columns if column.field == field), None)

    def __getitem__(self, name: str) -> str:
        for column in self.columns:
            if column.field and column.name == name:
                return column.field
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (column.name for column in self.columns if column.field)

    def __len__(self) -> int:
        return sum(1 for column in self.columns if column.field)

    def __str__(self) -> str:
        lines = [str(column) for column in self.columns if column.field]
        return "\n".join(lines + [f"ignored: {column}" for column in self.ignored])


def chosen_columns(pairs: Iterable[str]) -> dict[str, str]:
    """Columns and fields as they are said on a command line.

    >>> chosen_columns(["Given=first_name", "Nick="])
    {'Given': 'first_name', 'Nick': ''}

    Raises:
        BadMapping: One is not of the form ``Column=field``, or names a column twice.
    """
    chosen: dict[str, str] = {}
    for pair in pairs:
        column, equals, field = (part.strip() for part in pair.rpartition("="))
        if not equals or not column:
            raise BadMapping(f'"{pair}" is not of the form "Column=field"')
        if column in chosen:
            raise BadMapping(f'the column "{column}" is mapped twice')
        chosen[column] = field
    return chosen


def _told(name: str, field: str) -> Column:
    return Column(name, field) if field else Column(name, None, "left out, as you said")


def _found(name: str, taken: Mapping[str, str]) -> Column:
    field = field_named(name)
    if field is None:
        return Column(name, None, "fits no field")
    if field in taken:
        return Column(name, None, f"{field} comes from {taken[field]}")
    return Column(name, field)


def _checked(header: Sequence[str], chosen: Mapping[str, str]) -> dict[str, str]:
    told: dict[str, str] = {}
    fields: dict[str, str] = {}
    for given, field in chosen.items():
        name = _column_meant(given, header)
        if field and field not in FIELDS:
            raise BadMapping(f'there is no field "{field}"; {_closest(field, FIELDS)}')
        if name in told or (field and field in fields):
            twice = f'the column "{name}"' if name in told else f"the field {field}"
            raise BadMapping(f"{twice} is mapped twice")
        told[name] = field
        fields[field] = name
    return told


def _column_meant(given: str, header: Sequence[str]) -> str:
    if given in header:
        return given
    alike = [name for name in header if plain(name) == plain(given)]
    if len(alike) == 1:
        return alike[0]
    raise BadMapping(f'there is no column "{given}"; {_closest(given, header)}')


def _closest(name: str, known: Sequence[str]) -> str:
    by_plain = {plain(each): each for each in known}
    close = difflib.get_close_matches(plain(name), by_plain, n=3)
    if close:
        return f"did you mean {' or '.join(by_plain[each] for each in close)}?"
    return f"there are {', '.join(known)}"


def _nothing_holds_first_name(header: Sequence[str]) -> str:
    named = [name for name in header if "name" in plain(name)] or list(header)
    return (
        "no column holds first_name, which every customer needs; say which one does, "
        f'for example with --map "{named[0]}=first_name"'
    )
