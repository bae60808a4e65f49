"""The names of columns: the customer's fields that a column can hold, and their synonyms."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import attrs

from moregood_async.bulk.importing.consent import CONSENTS, find_consent
from moregood_async.models.customers import CustomerUpsert

FIELDS: Final[tuple[str, ...]] = tuple(a.name for a in attrs.fields(CustomerUpsert))
"""The fields that a column can hold, in the sequence of `CustomerUpsert`."""

NAME: Final = "name"
"""What a column of full names holds; `values.split_name` splits it into two fields."""

MAPPABLE: Final[tuple[str, ...]] = (*FIELDS, NAME, *CONSENTS)
"""Everything that a column can be mapped to: fields, a full name, and consent."""

_SYNONYMS: Final[dict[str, str]] = {
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


def normalize_name(name: str) -> str:
    """Return a column's name without case, accents, blanks and punctuation.

    >>> normalize_name("E-Mail Address"), normalize_name("first_name"), normalize_name("FirstName")
    ('emailaddress', 'firstname', 'firstname')
    """
    # NFKD splits é into e and an accent, which the pattern drops: "Prénom" becomes "prenom".
    letters = unicodedata.normalize("NFKD", name).casefold()
    return re.sub(r"[^a-z0-9]", "", letters)


_FIELD_BY_OWN_NAME: Final[dict[str, str]] = {normalize_name(each): each for each in MAPPABLE}
_FIELD_BY_NAME: Final[dict[str, str]] = _FIELD_BY_OWN_NAME | {
    normalize_name(name): field for field, names in _SYNONYMS.items() for name in names.split(",")
}


def find_field(column: str) -> str | None:
    """Return the element of `MAPPABLE` that a column's name stands for, or None.

    >>> find_field("E-mail"), find_field("Phone 2"), find_field("Address 2")
    ('email', 'phone', 'address2')
    >>> find_field("Full Name"), find_field("Accepts Email Marketing"), find_field("Shoe size")
    ('name', 'accepts_email', None)
    """
    name = normalize_name(column)
    # The whole name first, since "Address 2" is another field than "Address". Then without the
    # number at its end: "Phone 2" is a phone.
    field = _FIELD_BY_NAME.get(name) or _FIELD_BY_NAME.get(name.rstrip("0123456789"))
    return field or find_consent(name)


def is_own_name(column: str) -> bool:
    """Whether a column has its field's own name, and not a synonym.

    >>> is_own_name("E-mail"), is_own_name("Mail")
    (True, False)
    """
    return normalize_name(column) in _FIELD_BY_OWN_NAME
