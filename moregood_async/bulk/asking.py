"""Who is asked for a review, through which channel, and who was asked already."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import attrs

from moregood_async.models.asks import AskCreate
from moregood_async.models.customers import CustomerUpsert
from moregood_async.models.fields import UNSET, Channel, given

_EXTENSION = re.compile(r"(?:x|ext\.?)\s*", re.IGNORECASE)


@attrs.frozen(kw_only=True)
class AskTemplate:
    """The review request that every customer of a file gets.

    Raises:
        InvalidRequest: The channels or the reminders are wrong.
    """

    channels: Sequence[Channel] = attrs.field(converter=tuple[Channel, ...])
    reminders_count: int | None = None

    def __attrs_post_init__(self) -> None:
        self._ask(self.channels, email="checked@example.com", phone=None)

    def reaches(self, customer: CustomerUpsert) -> tuple[Channel, ...]:
        """The channels that this customer can be reached by: an email for email, a phone for SMS.

        >>> template = AskTemplate(channels=["email", "sms"])
        >>> template.reaches(CustomerUpsert(first_name="Ada", email="ada@example.com"))
        ('email',)
        """
        contact = {"email": customer.email, "sms": customer.phone}
        return tuple(channel for channel in self.channels if given(contact[channel]))

    def ask(self, customer: CustomerUpsert) -> AskCreate | None:
        """The request to this customer, or None where no channel reaches them."""
        channels = self.reaches(customer)
        if not channels:
            return None
        if given(customer.email):
            return self._ask(channels, email=str(customer.email), phone=None)
        return self._ask(channels, email=None, phone=str(customer.phone))

    def _ask(self, channels: Sequence[Channel], email: str | None, phone: str | None) -> AskCreate:
        return AskCreate(
            channels=channels,
            email=email or UNSET,
            phone=phone or UNSET,
            reminders_count=UNSET if self.reminders_count is None else self.reminders_count,
        )


class People:
    """The people of one file, so that nobody is asked twice.

    It keeps 16 bytes for each way to tell a person, and no address or number.
    """

    def __init__(self) -> None:
        self._line_of: dict[bytes, int] = {}

    def claim(self, customer: CustomerUpsert, line: int, customer_id: int | None = None) -> int:
        """The line that asks this person: this one, or the earlier one that this one repeats.

        Two rows are one person where the email, the phone or the server's own id is the same.
        """
        known = [_digest(mark) for mark in marks_of(customer, customer_id)]
        first = next((self._line_of[mark] for mark in known if mark in self._line_of), line)
        for mark in known:
            self._line_of.setdefault(mark, first)
        return first


def marks_of(customer: CustomerUpsert, customer_id: int | None = None) -> list[str]:
    """What tells a person from others: email and phone in one spelling, and the server's id.

    >>> marks_of(CustomerUpsert(first_name="A", email=" A@Example.com", phone="001 (415) 5550100"))
    ['email a@example.com', 'phone 14155550100']
    """
    marks: list[str] = []
    if given(customer.email):
        marks.append(f"email {str(customer.email).strip().lower()}")
    if given(customer.phone):
        marks.append(f"phone {plain_phone(str(customer.phone))}")
    if customer_id is not None:
        marks.append(f"id {customer_id}")
    return marks


def plain_phone(phone: str) -> str:
    """A phone's digits without a leading 00 or plus, and its extension after an x.

    >>> plain_phone("+1 (415) 555-0100"), plain_phone("415.555.0100 ext. 7")
    ('14155550100', '4155550100x7')
    """
    number, *extension = (re.sub(r"\D", "", part) for part in _EXTENSION.split(phone, maxsplit=1))
    return "x".join([number.removeprefix("00"), *filter(None, extension)])


def _digest(mark: str) -> bytes:
    return hashlib.blake2b(mark.encode(), digest_size=16).digest()
