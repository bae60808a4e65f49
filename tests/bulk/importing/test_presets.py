"""Presets: exports of well-known tools are recognised, and read as they are meant."""

import pytest

from moregood_async.bulk.importing.columns import BadMapping, ColumnMapping, find_preset
from moregood_async.bulk.importing.headers import MAPPABLE, normalize_name
from tests.bulk.importing.records import row_of
from moregood_async.bulk.importing.phones import PhoneParser
from moregood_async.bulk.importing.presets import PRESETS, Preset, detect_preset
from moregood_async.bulk.importing.rows import Row

SHOPIFY = (
    "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,"
    "Default Address Address1,Default Address Address2,Default Address City,"
    "Default Address Province Code,Default Address Country Code,Default Address Zip,"
    "Default Address Phone,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,Tax Exempt,"
    "Tags"
)
SHOPIFY_OF_OLD = (
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


def mapped(header: str) -> ColumnMapping:
    """What an export with this header holds."""
    names = header.split(",")
    return ColumnMapping.of(names, None, detect_preset(names))


def row(header: str, **cells: str) -> Row:
    """A row of such an export; cells by the normalize_name names of their columns."""
    names = header.split(",")
    return row_of(2, [cells.get(normalize_name(name), "") for name in names], mapped(header), PhoneParser("US"))


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (SHOPIFY, "Shopify"),
        (SHOPIFY_OF_OLD, "Shopify"),
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
    """Whatever the order and the case; common headers are nobody's."""
    found = detect_preset(reversed(header.upper().split(",")))
    assert name == (found.name if found else None)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_holds_what_there_is(preset: Preset) -> None:
    """Its fields exist, its names are normalize_name, and it is found by its key and its name."""
    assert set(preset.columns.values()) <= set(MAPPABLE)
    assert "tags" not in preset.columns.values() or preset.name == "More Good Reviews"
    assert all(name == normalize_name(name) != "" for name in [*preset.columns, *preset.ignored])
    assert preset == find_preset(preset.key, []) == find_preset(preset.name.upper(), [])


def test_a_preset_can_be_switched_off() -> None:
    """And one that does not exist is an error with a close one."""
    assert find_preset("none", SHOPIFY.split(",")) is None
    with pytest.raises(BadMapping, match="did you mean shopify"):
        find_preset("shoppify", [])
    with pytest.raises(BadMapping, match="there are shopify, square"):
        find_preset("zzz", [])


def test_shopify() -> None:
    """Consents by channel; the phone of the customer before that of the address; no tags."""
    found = row(
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
    assert found.fields == {
        "first_name": "Ada",
        "email": "ada@example.com",
        "postal_code": "01234",
        "phone": "+14155552671",
        "notes": "likes tea",
    }
    assert found.opted_out == {"email": "Accepts Email Marketing: no"}
    said = str(mapped(SHOPIFY))
    assert said.startswith("recognised: Shopify\n")
    assert "ignored: Tags: these are not tags of your project" in said
    assert "ignored: Total Spent: money is never imported as a charge" in said
    assert "ignored: Default Address Phone: phone comes from Phone" in said


def test_shopify_of_old() -> None:
    """One consent for both channels."""
    found = row(SHOPIFY_OF_OLD, firstname="Ada", acceptsmarketing="no", provincecode="CA")
    assert set(found.opted_out) == {"email", "sms"}
    assert found.fields["state"] == "CA"


def test_square() -> None:
    """Its consent is a word."""
    found = row(
        SQUARE,
        firstname="Ada",
        emailaddress="ada@example.com",
        memo="likes tea",
        streetaddress2="Apt 1",
        emailsubscriptionstatus="Unsubscribed",
    )
    assert found.fields["notes"] == "likes tea"
    assert found.fields["address2"] == "Apt 1"
    assert found.opted_out == {"email": "Email Subscription Status: unsubscribed"}


def test_stripe() -> None:
    """A whole name, a time in UTC, and a description that is nobody's note."""
    found = row(
        STRIPE, name="Ada King", createdutc="2024-05-01 10:30", description="x", tagmetadata="vip"
    )
    assert found.fields == {
        "first_name": "Ada",
        "last_name": "King",
        "signed_up_at": "2024-05-01",
    }


def test_hubspot() -> None:
    """What it bills is no consent."""
    found = row(
        HUBSPOT,
        firstname="Ada",
        marketingcontactstatus="Non-marketing contact",
        createdate="2024-05-01 10:30",
        associatedcompany="Engines",
    )
    assert found.opted_out == {}
    assert found.fields["company"] == "Engines"
    left = row(HUBSPOT, firstname="Ada", unsubscribedfromallemail="Yes")
    assert left.opted_out == {"email": "Unsubscribed from all email: yes"}


def test_woocommerce() -> None:
    """A whole name, and money that is no charge."""
    found = row(
        WOOCOMMERCE, name="Ada King", signup="2024-05-01 10:30:00", billingphone="415 555 2671"
    )
    assert found.fields == {
        "first_name": "Ada",
        "last_name": "King",
        "signed_up_at": "2024-05-01",
        "phone": "+14155552671",
    }
    assert mapped(WORDPRESS).column_of("first_name") == "billing_first_name"


def test_the_vendors_template() -> None:
    """Its columns are the API's own, tags too."""
    found = row(VENDOR, firstname="Ada", tags="vip;new", unsubscribedat="2024-05-01 10:30:00")
    assert found.fields["tags"] == ["vip", "new"]
    assert set(found.opted_out) == {"email", "sms"}


def test_what_is_chosen_wins_over_a_preset() -> None:
    """And over what it leaves out."""
    names = SHOPIFY.split(",")
    mapping = ColumnMapping.of(names, {"Tags": "tags", "Phone": ""}, detect_preset(names))
    assert mapping["Tags"] == "tags"
    assert mapping["Default Address Phone"] == "phone"
