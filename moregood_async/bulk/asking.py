"""Who is asked for a review, through which channel, and what tells people apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs

from moregood_async.models.asks import AskCreate
from moregood_async.models.customers import Customer, CustomerUpsert
from moregood_async.models.fields import UNSET, Channel, has_text

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
        return tuple(channel for channel in self.channels if has_text(contact[channel]))

    def ask(
        self, customer: CustomerUpsert, channels: Sequence[Channel] | None = None
    ) -> AskCreate | None:
        """The request to this customer, or None where no channel is left.

        Args:
            customer: Whom to ask.
            channels: Those to use; by default all that reach the customer.
        """
        channels = self.reaches(customer) if channels is None else channels
        if not channels:
            return None
        if has_text(customer.email):
            return self._ask(channels, email=str(customer.email), phone=None)
        return self._ask(channels, email=None, phone=str(customer.phone))

    def _ask(self, channels: Sequence[Channel], email: str | None, phone: str | None) -> AskCreate:
        return AskCreate(
            channels=channels,
            email=email or UNSET,
            phone=phone or UNSET,
            reminders_count=UNSET if self.reminders_count is None else self.reminders_count,
        )


def marks_of(customer: CustomerUpsert) -> list[str]:
    """What tells a person from others: email and phone in one spelling.

    >>> marks_of(CustomerUpsert(first_name="A", email=" A@Example.com", phone="001 (415) 5550100"))
    ['email a@example.com', 'phone 14155550100']
    """
    marks: list[str] = []
    if has_text(customer.email):
        marks.append(f"email {str(customer.email).strip().lower()}")
    if has_text(customer.phone):
        marks.append(f"phone {plain_phone(str(customer.phone))}")
    return marks


def marks_of_customer(customer: Customer) -> list[str]:
    """The same of a customer that the API has.

    >>> marks_of_customer(Customer(id=1, phone="415 555 0100", phone_e164="+14155550100"))
    ['phone 14155550100', 'phone 4155550100']
    """
    email = f"email {customer.email.strip().lower()}" if customer.email else ""
    phones = {plain_phone(phone) for phone in (customer.phone_e164, customer.phone) if phone}
    return [*filter(None, [email]), *sorted(f"phone {phone}" for phone in phones)]


def plain_phone(phone: str) -> str:
    """A phone's digits without a leading 00 or plus, and its extension after an x.

    >>> plain_phone("+1 (415) 555-0100"), plain_phone("415.555.0100 ext. 7")
    ('14155550100', '4155550100x7')
    """
    number, *extension = (re.sub(r"\D", "", part) for part in _EXTENSION.split(phone, maxsplit=1))
    return "x".join([number.removeprefix("00"), *filter(None, extension)])
