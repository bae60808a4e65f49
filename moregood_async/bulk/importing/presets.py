"""What the customer exports of well-known shops and tools look like.

A preset is told by its headers, shown before it is used, and can be switched off
(``preset="none"``). Headers that it does not know are told by their names, as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from moregood_async.bulk.importing.headers import FIELDS, plain

NO_PRESET: Final = "none"
"""The name that switches presets off."""


@attrs.frozen
class Preset:
    """One tool's export: the headers that tell it, and what its columns hold."""

    key: str
    """Its name as it is typed: ``shopify``."""
    name: str
    """Its name for people: ``Shopify``."""
    marks: tuple[frozenset[str], ...] = attrs.field(repr=False)
    """Plain names of columns; where all of one set are there, it is this export."""
    columns: Mapping[str, str] = attrs.field(repr=False)
    """What a column holds, by its plain name; the first of several that hold the same is taken."""
    ignored: Mapping[str, str] = attrs.field(repr=False)
    """Columns that are left out although their names would fit, by plain name, and why."""

    def fits(self, header: Iterable[str]) -> bool:
        """Whether a file with these columns is such an export."""
        there = {plain(name) for name in header}
        return any(mark <= there for mark in self.marks)


def preset_of(header: Iterable[str]) -> Preset | None:
    """The preset whose headers these are, or None.

    >>> preset_of(["id", "Description", "Email", "Name", "Created (UTC)", "Delinquent"])
    Preset(key='stripe', name='Stripe')
    >>> preset_of(["First Name", "Email"])
    """
    names = tuple(header)
    return next((preset for preset in PRESETS if preset.fits(names)), None)


def _preset(
    name: str, marks: Iterable[str], columns: Mapping[str, str], ignored: Mapping[str, str]
) -> Preset:
    return Preset(
        plain(name),
        name,
        tuple(frozenset(plain(each) for each in mark.split(",")) for mark in marks),
        {plain(each): field for field, names in columns.items() for each in names.split(",")},
        {plain(each): why for names, why in ignored.items() for each in names.split(",")},
    )


_MONEY: Final = "money is never imported as a charge"
_TAGS: Final = "these are not tags of your project, which knows only those that exist there"

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
"""Admin, Customers, Export. The headers are those of exports as importers for them quote them
(2023 to 2026); ``Accepts Marketing`` and ``Company`` to ``Zip`` are older. Newer exports put an
apostrophe before phones and zips, which is taken off."""

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
"""Customer Directory, Export. The 23 headers of an export of June 2026, quoted by its importer;
``Surname`` is what some countries have."""

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
Status, Total Spend, Payment Count, …``, as clients of that file quote it; which columns are in it
is chosen there."""

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
        "Marketing contact status": "it is what HubSpot bills, and no consent",
        "Associated Note, Associated Note IDs": "these are notes of HubSpot's own",
    },
)
"""Contacts, Export. Labels of the properties as HubSpot has them by default
(``hs_email_optout`` is "Unsubscribed from all email"); ``Marketing contact status`` has no effect
on subscriptions, says HubSpot's own community team."""

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
"""Analytics, Customers, Download: ``get_export_columns()`` of WooCommerce's customers report; and
``billing_first_name`` and so on, which are WordPress's names for them in exports by plugins."""

MORE_GOOD_REVIEWS: Final = _preset(
    "More Good Reviews",
    tuple(
        f"first_name, email, phone, {its_own}"
        for its_own in ("has_subscription", "location_slug", "signed_up_at", "unsubscribed_at")
    ),
    {**{field: field for field in FIELDS}, "unsubscribed": "unsubscribed_at"},
    {},
)
"""The vendor's own template: its columns are the API's own fields. Here tags are slugs."""

PRESETS: Final = (SHOPIFY, SQUARE, STRIPE, HUBSPOT, WOOCOMMERCE, MORE_GOOD_REVIEWS)
"""All of them, in the order in which they are tried."""
