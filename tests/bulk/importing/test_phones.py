"""Phone numbers: which are sent, in which notation, and which must not be sent."""

import builtins
import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.importing.columns import BadMapping, ColumnMapping
from moregood_async.bulk.importing.phones import (
    EXTENSION,
    INCOMPLETE,
    NOT_A_NUMBER,
    SHORTENED,
    InvalidPhone,
    PhoneParser,
)
from moregood_async.errors import ConfigurationError, InvalidRequest
from tests.bulk.importing.records import parse_cells

MAPPING = ColumnMapping.of(["First Name", "Email", "Phone"])


@pytest.mark.parametrize(
    ("region", "typed", "sent"),
    [
        ("US", "(415) 555-2671", "+14155552671"),
        ("US", "1-415-555-2671", "+14155552671"),
        ("US", "415.555.2671", "+14155552671"),
        ("US", "+44 20 7946 0958", "+442079460958"),
        ("US", "0044 20 7946 0958", "+442079460958"),
        ("US", "011 44 20 7946 0958", "+442079460958"),
        ("DE", "030 123456", "+4930123456"),
        (None, "+1 (415) 555-2671", "+14155552671"),
        (None, "001 415 555 2671", "+14155552671"),
        (None, "(415) 555-2671", "(415) 555-2671"),
    ],
)
def test_a_phone_is_sent_in_e164(region: str | None, typed: str, sent: str) -> None:
    """A number of an unknown country is sent as it is."""
    assert PhoneParser(region).normalize(typed) == sent


@pytest.mark.parametrize(
    ("region", "typed", "reason"),
    [
        ("US", "12", NOT_A_NUMBER),
        ("US", "none", NOT_A_NUMBER),
        ("US", "415 555 2671 415 555 2671", NOT_A_NUMBER),
        ("US", "555-2671", INCOMPLETE),
        ("US", "(415) 555-2671 x3651", EXTENSION),
        ("US", "4.15555E+09", SHORTENED),
        (None, "+1 415", NOT_A_NUMBER),
        (None, "+1 415 555 2671 ext. 7", EXTENSION),
        (None, "415-555-2671 x12", EXTENSION),
        (None, "call me", NOT_A_NUMBER),
        (None, "1234", NOT_A_NUMBER),
        (None, "4,155551E+09", SHORTENED),
    ],
)
def test_a_text_that_is_not_the_phone_of_one_person_is_not_sent(
    region: str | None, typed: str, reason: str
) -> None:
    """The reason does not quote the text."""
    with pytest.raises(InvalidPhone) as caught:
        PhoneParser(region).normalize(typed)
    assert str(caught.value) == reason


def test_an_invalid_phone_is_left_out_of_a_row_with_an_email() -> None:
    """The row has a warning."""
    row = parse_cells(["Ada", "ada@example.com", "12"], MAPPING, PhoneParser("US"))
    assert "phone" not in row.fields
    assert row.warnings == ("phone: is not a phone number; left out",)
    assert row.customer().email == "ada@example.com"


def test_an_invalid_phone_rejects_a_row_without_an_email() -> None:
    """Nothing else identifies the customer."""
    row = parse_cells(["Ada", " ", "12"], MAPPING, PhoneParser("US"))
    assert row.warnings == ()
    with pytest.raises(InvalidRequest) as caught:
        row.customer()
    assert dict(caught.value.fields) == {"phone": ("is not a phone number, and there is no email",)}


def test_the_apostrophe_that_shopify_puts_before_a_phone_is_removed() -> None:
    row = parse_cells(["Ada", "", "'415 555 2671"], MAPPING, PhoneParser("US"))
    assert row.fields["phone"] == "+14155552671"


@pytest.mark.parametrize(
    ("region", "advice"),
    [
        ("UK", "did you mean GB?"),
        ("USA", "did you mean US?"),
        ("Narnia", "two letters"),
        ("QQQ", "two letters"),
    ],
)
def test_an_unknown_region_is_refused_with_a_suggestion(region: str, advice: str) -> None:
    """Before any row is read."""
    with pytest.raises(BadMapping, match=advice) as caught:
        PhoneParser.of_region(region)
    assert region in str(caught.value)


def test_without_phonenumbers_a_phone_is_sent_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A region is refused; the error names the command that installs the library."""
    real = builtins.__import__

    def import_without_phonenumbers(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "phonenumbers":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", import_without_phonenumbers)
    assert PhoneParser.of_region(None).normalize("+1 (415) 555-2671") == "+1 (415) 555-2671"
    with pytest.raises(InvalidPhone):
        PhoneParser().normalize("none")
    with pytest.raises(ConfigurationError, match=r'pip install "moregood_async\[phones\]"'):
        PhoneParser.of_region("US")


def test_a_phone_parser_compares_copies_and_pickles() -> None:
    """A job can be passed to another process."""
    parser = PhoneParser("US")
    assert copy.copy(parser) == parser
    assert parser != PhoneParser()
    assert repr(parser) == "PhoneParser(region='US')"
    assert pickle.loads(pickle.dumps(parser)).normalize("415 555 2671") == "+14155552671"


@given(st.text(max_size=30), st.sampled_from([None, "US", "DE"]))
def test_any_text_is_refused_or_normalized_to_a_stable_phone(
    typed: str, region: str | None
) -> None:
    """Normalizing a normalized phone changes nothing."""
    try:
        sent = PhoneParser(region).normalize(typed)
    except InvalidPhone:
        return
    assert PhoneParser(region).normalize(sent) == sent
