"""Exports of well-known tools are recognised by their headers and read as their tools mean them."""

import pytest

from moregood_async.bulk.importing.columns import BadMapping, ColumnMapping, find_preset
from moregood_async.bulk.importing.headers import MAPPABLE, normalize_name
from moregood_async.bulk.importing.phones import PhoneParser
from moregood_async.bulk.importing.presets import PRESETS, Preset, detect_preset
from moregood_async.bulk.importing.rows import Row
from tests.bulk.importing.records import parse_cells

SHOPIFY = (
    "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,"
    "Default Address Address1,Default Address Address2,Default Address City,"
    "Default Address Province Code,Default Address Country Code,Default Address Zip,"
    "Default Address Phone,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,Tax Exempt,"
    "Tags"
)
OLD_SHOPIFY = (
    "First Name,Last Name,Email,Company,Address1,Address2,City,Province,Province Code,Country,"
    "Country Code,Zip,Phone,Accepts Marketing,Total Spent,Total Orders,Tags,Note,Tax Exempt"
)
SQUARE = (
    "Reference ID,First Name,Last Name,Email Address,Phone Number,Nickname,Company Name,"
    "Street Address 1,Street Address 2,City,State,Postal Code,Birthday,Memo,Square Customer ID,"
    "Creation Source,First Visit,Last Visit,Transaction Count,Lifetime Spend,"
    "Email Subscription Status,Instant Profile,Blocked from online booking"
)
STRIPE = (
    "id,Description,Email,Name,Created (UTC),Delinquent,Plan,Status,Total Spend,Payment Count,"
    "Refunded Volume,Dispute Losses,tag (metadata)"
)
HUBSPOT = (
    "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,"
    "Marketing contact status,Unsubscribed from all email,Create Date,Associated Company"
)
WOOCOMMERCE = (
    "Name,Username,Last Active,Sign Up,Email,Orders,Total Spend,AOV,Country / Region,City,"
    "Region,Postal Code,Billing Phone,Shipping Phone,Role"
)
WORDPRESS = "user_email,billing_first_name,billing_last_name,billing_phone,billing_postcode"
VENDOR = "first_name,last_name,email,phone,signed_up_at,location_slug,tags,unsubscribed_at"


def map_header(header: str) -> ColumnMapping:
    """Return the mapping of an export with this header."""
    names = header.split(",")
    return ColumnMapping.of(names, None, detect_preset(names))


def parse_row(header: str, **cells: str) -> Row:
    """Return a row of an export; ``cells`` are named by the normalized names of their columns."""
    values = [cells.get(normalize_name(name), "") for name in header.split(",")]
    return parse_cells(values, map_header(header), PhoneParser("US"))


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (SHOPIFY, "Shopify"),
        (OLD_SHOPIFY, "Shopify"),
        (SQUARE, "Square"),
        (SQUARE.replace("Last Name", "Surname"), "Square"),
        (STRIPE, "Stripe"),
        (HUBSPOT, "HubSpot"),
        (WOOCOMMERCE, "WooCommerce"),
        (WORDPRESS, "WooCommerce"),
        (VENDOR, "More Good Reviews"),
        ("First Name,Email,Phone", None),
        ("Name,Email", None),
    ],
)
def test_an_export_is_recognised_by_its_headers(header: str, name: str | None) -> None:
    """In any sequence and case. Common headers match no preset."""
    preset = detect_preset(reversed(header.upper().split(",")))
    assert (preset.name if preset else None) == name


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_names_existing_fields_and_normalized_columns(preset: Preset) -> None:
    """It is found by its key and by its name."""
    assert set(preset.columns.values()) <= set(MAPPABLE)
    assert "tags" not in preset.columns.values() or preset.name == "More Good Reviews"
    for name in [*preset.columns, *preset.ignored]:
        assert name == normalize_name(name) != ""
    assert find_preset(preset.key, []) == preset
    assert find_preset(preset.name.upper(), []) == preset


def test_presets_can_be_switched_off() -> None:
    """A name that does not exist is refused with a similar one."""
    assert find_preset("none", SHOPIFY.split(",")) is None
    with pytest.raises(BadMapping, match="did you mean shopify"):
        find_preset("shoppify", [])
    with pytest.raises(BadMapping, match="there are shopify, square"):
        find_preset("zzz", [])


def test_an_export_of_shopify_is_read() -> None:
    """Consent by channel; the customer's phone before the address's; tags are ignored."""
    row = parse_row(
        SHOPIFY,
        firstname="Ada",
        email="ada@example.com",
        acceptsemailmarketing="no",
        acceptssmsmarketing="yes",
        defaultaddresszip="'01234",
        defaultaddressphone="'+14155552672",
        phone="'+14155552671",
        tags="vip",
        note="likes tea",
    )
    assert row.fields == {
        "first_name": "Ada",
        "email": "ada@example.com",
        "postal_code": "01234",
        "phone": "+14155552671",
        "notes": "likes tea",
    }
    assert row.opted_out == {"email": "Accepts Email Marketing: no"}
    text = str(map_header(SHOPIFY))
    assert text.startswith("recognised: Shopify\n")
    assert "ignored: Tags: these are not tags of your project" in text
    assert "ignored: Total Spent: money is never imported as a charge" in text
    assert "ignored: Default Address Phone: phone comes from Phone" in text


def test_an_old_export_of_shopify_has_one_consent_for_both_channels() -> None:
    row = parse_row(OLD_SHOPIFY, firstname="Ada", acceptsmarketing="no", provincecode="CA")
    assert set(row.opted_out) == {"email", "sms"}
    assert row.fields["state"] == "CA"


def test_an_export_of_square_is_read() -> None:
    """Its consent is a word."""
    row = parse_row(
        SQUARE,
        firstname="Ada",
        emailaddress="ada@example.com",
        memo="likes tea",
        streetaddress2="Apt 1",
        emailsubscriptionstatus="Unsubscribed",
    )
    assert row.fields["notes"] == "likes tea"
    assert row.fields["address2"] == "Apt 1"
    assert row.opted_out == {"email": "Email Subscription Status: unsubscribed"}


def test_an_export_of_stripe_is_read() -> None:
    """A full name and a time in UTC; the description does not become notes."""
    row = parse_row(
        STRIPE, name="Ada King", createdutc="2024-05-01 10:30", description="x", tagmetadata="vip"
    )
    assert row.fields == {
        "first_name": "Ada",
        "last_name": "King",
        "signed_up_at": "2024-05-01",
    }


def test_an_export_of_hubspot_is_read() -> None:
    """``Marketing contact status`` is about billing, and keeps nobody from being asked."""
    row = parse_row(
        HUBSPOT,
        firstname="Ada",
        marketingcontactstatus="Non-marketing contact",
        createdate="2024-05-01 10:30",
        associatedcompany="Engines",
    )
    assert row.opted_out == {}
    assert row.fields["company"] == "Engines"
    unsubscribed = parse_row(HUBSPOT, firstname="Ada", unsubscribedfromallemail="Yes")
    assert unsubscribed.opted_out == {"email": "Unsubscribed from all email: yes"}


def test_an_export_of_woocommerce_is_read() -> None:
    """A full name; the total spend does not become a charge."""
    row = parse_row(
        WOOCOMMERCE, name="Ada King", signup="2024-05-01 10:30:00", billingphone="415 555 2671"
    )
    assert row.fields == {
        "first_name": "Ada",
        "last_name": "King",
        "signed_up_at": "2024-05-01",
        "phone": "+14155552671",
    }
    assert map_header(WORDPRESS).column_of("first_name") == "billing_first_name"


def test_the_vendors_template_is_read() -> None:
    """Its columns are the API's own, tags too."""
    row = parse_row(VENDOR, firstname="Ada", tags="vip;new", unsubscribedat="2024-05-01 10:30:00")
    assert row.fields["tags"] == ["vip", "new"]
    assert set(row.opted_out) == {"email", "sms"}


def test_a_chosen_column_goes_before_a_preset() -> None:
    """Also a column that the preset ignores."""
    names = SHOPIFY.split(",")
    mapping = ColumnMapping.of(names, {"Tags": "tags", "Phone": ""}, detect_preset(names))
    assert mapping["Tags"] == "tags"
    assert mapping["Default Address Phone"] == "phone"
