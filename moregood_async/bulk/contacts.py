"""Contact keys: what identifies a person, in one spelling.

Two rows with a contact key in common are the same person to a job, as they are one customer to
the API, which matches upserts by email first and then by phone.
"""

from __future__ import annotations

import re
from typing import Final

from moregood_async.models.customers import Customer, CustomerUpsert
from moregood_async.models.fields import has_text

_EXTENSION: Final = re.compile(r"(?:x|ext\.?)\s*", re.IGNORECASE)


def contact_keys(customer: CustomerUpsert) -> tuple[str, ...]:
    """Return the contact keys of a customer that is sent.

    >>> row = CustomerUpsert(first_name="A", email=" A@Example.com", phone="001 (415) 5550100")
    >>> contact_keys(row)
    ('email a@example.com', 'phone 14155550100')
    """
    keys: list[str] = []
    if has_text(customer.email):
        keys.append(_email_key(str(customer.email)))
    if has_text(customer.phone):
        keys.append(f"phone {normalize_phone(str(customer.phone))}")
    return tuple(keys)


def contact_keys_of_customer(customer: Customer) -> list[str]:
    """Return the contact keys of a customer of the API, whose phone has two spellings there.

    >>> contact_keys_of_customer(Customer(id=1, phone="415 555 0100", phone_e164="+14155550100"))
    ['phone 14155550100', 'phone 4155550100']
    """
    emails = [_email_key(customer.email)] if customer.email else []
    phones = {normalize_phone(phone) for phone in (customer.phone_e164, customer.phone) if phone}
    return [*emails, *sorted(f"phone {phone}" for phone in phones)]


def _email_key(email: str) -> str:
    return f"email {email.strip().lower()}"


def normalize_phone(phone: str) -> str:
    """Return the digits of a phone without a leading 00 or plus, and its extension after an x.

    >>> normalize_phone("+1 (415) 555-0100"), normalize_phone("415.555.0100 ext. 7")
    ('14155550100', '4155550100x7')
    """
    number, *extension = (re.sub(r"\D", "", part) for part in _EXTENSION.split(phone, maxsplit=1))
    return "x".join([number.removeprefix("00"), *filter(None, extension)])
