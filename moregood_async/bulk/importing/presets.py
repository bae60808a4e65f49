"""Presets: what the customer exports of well-known shops and tools look like.

A preset is detected by the headers of a file, shown to the user before it is used, and can be
switched off (``preset="none"``). Columns that a preset does not know are mapped by their names, as
those of any other file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from moregood_async.bulk.importing.headers import FIELDS, normalize_name

NO_PRESET: Final = "none"
"""The name that switches presets off."""


@attrs.frozen
class Preset:
    """One tool's export: the headers that identify it, and what its columns hold."""

    key: str
    """The name to type: ``shopify``."""
    name: str
    """The name for people: ``Shopify``."""
    signatures: tuple[frozenset[str], ...] = attrs.field(repr=False)
    """Sets of normalized column names. A file that has all columns of one set is this export."""
    columns: Mapping[str, str] = attrs.field(repr=False)
    """What a column holds, by normalized name; of several for one field, the first here wins."""
    ignored: Mapping[str, str] = attrs.field(repr=False)
    """Columns that are ignored although their names would fit, by normalized name, with why."""

    def matches(self, header: Iterable[str]) -> bool:
        """Whether a file with these columns is this export."""
        names = {normalize_name(name) for name in header}
        return any(signature <= names for signature in self.signatures)


def detect_preset(header: Iterable[str]) -> Preset | None:
    """Return the first preset that matches a header, or None.

    >>> detect_preset(["id", "Description", "Email", "Name", "Created (UTC)", "Delinquent"])
    Preset(key='stripe', name='Stripe')
    >>> detect_preset(["First Name", "Email"])
    """
    names = tuple(header)
    return next((preset for preset in PRESETS if preset.matches(names)), None)


def _preset(
    name: str,
    signatures: Iterable[str],
    columns: Mapping[str, str],
    ignored: Mapping[str, str],
) -> Preset:
    """Return a preset of lists of column names that are separated by commas."""
    return Preset(
        normalize_name(name),
        name,
        tuple(frozenset(map(normalize_name, each.split(","))) for each in signatures),
        {
            normalize_name(column): field
            for field, listed in columns.items()
            for column in listed.split(",")
        },
        {
            normalize_name(column): reason
            for listed, reason in ignored.items()
            for column in listed.split(",")
        },
    )


_MONEY: Final = "money is never imported as a charge"
_TAGS: Final = "these are not tags of your project, which accepts only tags that exist there"

SHOPIFY: Final = _preset(
    "Shopify",
    (
        "Accepts Email Marketing, Total Spent",
        "Accepts Email Marketing, Default Address Zip",
        "Accepts Email Marketing, Accepts SMS Marketing",
        "Accepts Marketing, Total Spent",
    ),
    {
        "first_name": "First Name",
        "last_name": "Last Name",
        "email": "Email",
        "phone": "Phone, Default Address Phone",
        "company": "Default Address Company, Company",
        "address1": "Default Address Address1, Address1",
        "address2": "Default Address Address2, Address2",
        "city": "Default Address City, City",
        "state": "Default Address Province Code, Province Code, Province",
        "postal_code": "Default Address Zip, Zip",
        "notes": "Note",
        "accepts_email": "Accepts Email Marketing",
        "accepts_sms": "Accepts SMS Marketing",
        "accepts_marketing": "Accepts Marketing",
    },
    {"Tags": _TAGS, "Total Spent": _MONEY},
)
"""Admin, Customers, Export. The headers are those that importers of such files quote (2023 to
2026). ``Accepts Marketing`` and ``Company`` to ``Zip`` are older. Newer exports put an apostrophe
before phones and zips, which the import removes."""

SQUARE: Final = _preset(
    "Square",
    (
        "Reference ID, Email Subscription Status",
        "Square Customer ID, Creation Source",
        "Instant Profile, Creation Source",
    ),
    {
        "first_name": "First Name, Given Name",
        "last_name": "Last Name, Surname, Family Name",
        "email": "Email Address",
        "phone": "Phone Number",
        "company": "Company Name",
        "address1": "Street Address 1",
        "address2": "Street Address 2",
        "city": "City",
        "state": "State",
        "postal_code": "Postal Code",
        "notes": "Memo",
        "accepts_email": "Email Subscription Status",
    },
    {"Lifetime Spend": _MONEY},
)
"""Customer Directory, Export. The 23 headers of an export of June 2026, as its importer quotes
them. Exports of some countries have ``Surname``."""

STRIPE: Final = _preset(
    "Stripe",
    ("Created (UTC), Delinquent", "Created (UTC), Payment Count", "Created (UTC), Dispute Losses"),
    {
        "name": "Name",
        "email": "Email",
        "phone": "Phone",
        "address1": "Card Address Line1, Shipping Address Line1",
        "address2": "Card Address Line2, Shipping Address Line2",
        "city": "Card Address City, Shipping Address City",
        "state": "Card Address State, Shipping Address State",
        "postal_code": "Card Address Zip, Shipping Address Postal Code",
        "signed_up_at": "Created (UTC)",
    },
    {"Total Spend": _MONEY, "Refunded Volume": _MONEY},
)
"""Dashboard, Customers, Export: ``id, Description, Email, Name, Created (UTC), Delinquent, Plan,
Status, Total Spend, Payment Count, …``, as programs that read the file quote it. The user of Stripe
chooses the columns, so several pairs identify the export."""

HUBSPOT: Final = _preset(
    "HubSpot",
    (
        "Record ID, Marketing contact status",
        "Record ID, Unsubscribed from all email",
        "Record ID, Contact owner",
        "Record ID, Lifecycle Stage",
        "Record ID, Lead Status",
    ),
    {
        "first_name": "First Name",
        "last_name": "Last Name",
        "email": "Email",
        "phone": "Phone Number, Mobile Phone Number",
        "company": "Company Name, Associated Company, Primary Associated Company",
        "address1": "Street Address",
        "address2": "Street Address 2",
        "city": "City",
        "state": "State/Region",
        "postal_code": "Postal Code",
        "signed_up_at": "Create Date",
        "unsubscribed_email": "Unsubscribed from all email",
        "name": "Full Name",
    },
    {
        "Marketing contact status": "HubSpot bills by it; it is not a consent",
        "Associated Note, Associated Note IDs": "these are HubSpot's own notes",
    },
)
"""Contacts, Export. The headers are HubSpot's default labels of its properties
(``hs_email_optout`` is "Unsubscribed from all email"). According to HubSpot's community team,
``Marketing contact status`` has no effect on subscriptions."""

WOOCOMMERCE: Final = _preset(
    "WooCommerce",
    (
        "Username, Last Active, Sign Up",
        "Orders, Total Spend, AOV",
        "billing_first_name, billing_email",
        "billing_first_name, user_email",
    ),
    {
        "first_name": "billing_first_name, first_name, shipping_first_name",
        "last_name": "billing_last_name, last_name, shipping_last_name",
        "name": "Name",
        "email": "Email, billing_email, user_email",
        "phone": "Billing Phone, Phone, Shipping Phone",
        "company": "billing_company, shipping_company",
        "address1": "billing_address_1, shipping_address_1",
        "address2": "billing_address_2, shipping_address_2",
        "city": "City, billing_city, shipping_city",
        "state": "Region, billing_state, shipping_state",
        "postal_code": "Postal Code, billing_postcode, shipping_postcode",
        "signed_up_at": "Sign Up, user_registered, date_registered",
    },
    {"Total Spend": _MONEY, "AOV": _MONEY},
)
"""Analytics, Customers, Download: the headers of ``get_export_columns()`` in the customers
report of WooCommerce. Exports by plugins have WordPress's names, such as ``billing_first_name``."""

MORE_GOOD_REVIEWS: Final = _preset(
    "More Good Reviews",
    tuple(
        f"first_name, email, phone, {specific}"
        for specific in ("has_subscription", "location_slug", "signed_up_at", "unsubscribed_at")
    ),
    {**{field: field for field in FIELDS}, "unsubscribed": "unsubscribed_at"},
    {},
)
"""The vendor's own template. Its columns are the API's fields, and its tags are slugs, as the API
takes them."""

PRESETS: Final = (SHOPIFY, SQUARE, STRIPE, HUBSPOT, WOOCOMMERCE, MORE_GOOD_REVIEWS)
"""All presets, in the sequence in which they are tried."""
