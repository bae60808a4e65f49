"""What columns are called: the fields that they can hold, and the many names of each."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import attrs

from moregood_async.bulk.importing.consent import CONSENTS, consent_named
from moregood_async.models.customers import CustomerUpsert

FIELDS: Final[tuple[str, ...]] = tuple(a.name for a in attrs.fields(CustomerUpsert))
"""The fields that a column can hold, in the order of `CustomerUpsert`."""

NAME: Final = "name"
"""A column that holds the full name; `values.split_name` splits it."""

KNOWN: Final[tuple[str, ...]] = (*FIELDS, NAME, *CONSENTS)
"""Everything that a column can be mapped to: fields, a whole name, and what opts people out."""

_ALSO_CALLED: Final[dict[str, str]] = {
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
    NAME: "full name, customer name, contact name, client name",
}


def plain(name: str) -> str:
    """A name without case, accents, blanks and punctuation.

    >>> plain("E-Mail Address"), plain("first_name"), plain("FirstName")
    ('emailaddress', 'firstname', 'firstname')
    """
    letters = unicodedata.normalize("NFKD", name).casefold()
    return re.sub(r"[^a-z0-9]", "", letters)


_EXACT: Final[dict[str, str]] = {plain(known): known for known in KNOWN}
_FIELD_OF: Final[dict[str, str]] = _EXACT | {
    plain(name): field for field, names in _ALSO_CALLED.items() for name in names.split(",")
}


def field_named(column: str) -> str | None:
    """The field that a column's name stands for, or None.

    >>> field_named("E-mail"), field_named("Phone 2"), field_named("Address 2")
    ('email', 'phone', 'address2')
    >>> field_named("Full Name"), field_named("Accepts Email Marketing"), field_named("Shoe size")
    ('name', 'accepts_email', None)
    """
    name = plain(column)
    found = _FIELD_OF.get(name) or _FIELD_OF.get(name.rstrip("0123456789"))
    return found or consent_named(name)


def is_exact(column: str) -> bool:
    """Whether a column is called as its field is, and not by another of its names.

    >>> is_exact("E-mail"), is_exact("Mail")
    (True, False)
    """
    return plain(column) in _EXACT
