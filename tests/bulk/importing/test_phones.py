"""Phones: which are sent, in what form, and which must not be."""

import builtins
import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.importing.columns import BadMapping, ColumnMapping
from moregood_async.bulk.importing.parsing import row_of
from moregood_async.bulk.importing.phones import (
    EXTENSION,
    INCOMPLETE,
    NO_PHONE,
    SHORTENED,
    NoPhone,
    Phones,
    phones_of,
)
from moregood_async.errors import ConfigurationError, InvalidRequest

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
def test_a_phone_is_sent_in_one_form(region: str | None, typed: str, sent: str) -> None:
    """E.164, or as it stands where nobody knows its country."""
    assert sent == Phones(region).normal(typed)


@pytest.mark.parametrize(
    ("region", "typed", "why"),
    [
        ("US", "12", NO_PHONE),
        ("US", "none", NO_PHONE),
        ("US", "415 555 2671 415 555 2671", NO_PHONE),
        ("US", "555-2671", INCOMPLETE),
        ("US", "(415) 555-2671 x3651", EXTENSION),
        ("US", "4.15555E+09", SHORTENED),
        (None, "+1 415", NO_PHONE),
        (None, "+1 415 555 2671 ext. 7", EXTENSION),
        (None, "415-555-2671 x12", EXTENSION),
        (None, "call me", NO_PHONE),
        (None, "1234", NO_PHONE),
        (None, "4,155551E+09", SHORTENED),
    ],
)
def test_what_is_no_phone_of_one_person_is_not_sent(
    region: str | None, typed: str, why: str
) -> None:
    """The reason does not say what stood there."""
    with pytest.raises(NoPhone) as caught:
        Phones(region).normal(typed)
    assert why == str(caught.value)


def test_a_row_with_an_email_loses_its_phone() -> None:
    """With a warning."""
    found = row_of(2, ["Ada", "ada@example.com", "12"], MAPPING, Phones("US"))
    assert "phone" not in found.fields
    assert found.warnings == ("phone: is no phone number; left out",)
    assert found.customer().email == "ada@example.com"


def test_a_row_without_an_email_is_rejected() -> None:
    """Since nothing else tells who it is."""
    found = row_of(2, ["Ada", " ", "12"], MAPPING, Phones("US"))
    assert found.warnings == ()
    with pytest.raises(InvalidRequest) as caught:
        found.customer()
    assert dict(caught.value.fields) == {"phone": ("is no phone number, and there is no email",)}


def test_a_guarded_phone_is_read() -> None:
    """Shopify puts an apostrophe before it."""
    found = row_of(2, ["Ada", "", "'415 555 2671"], MAPPING, Phones("US"))
    assert found.fields["phone"] == "+14155552671"


@pytest.mark.parametrize(
    ("region", "told"),
    [
        ("UK", "did you mean GB?"),
        ("USA", "did you mean US?"),
        ("Narnia", "two letters"),
        ("QQQ", "two letters"),
    ],
)
def test_an_unknown_region_says_which_was_meant(region: str, told: str) -> None:
    """At once, before anything is read."""
    with pytest.raises(BadMapping, match=told) as caught:
        phones_of(region)
    assert region in str(caught.value)


def test_without_the_library_phones_stay_as_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a region says what to install."""
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "phonenumbers":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    assert phones_of(None).normal("+1 (415) 555-2671") == "+1 (415) 555-2671"
    with pytest.raises(NoPhone):
        Phones().normal("none")
    with pytest.raises(ConfigurationError, match=r'pip install "moregood_async\[phones\]"'):
        phones_of("US")


def test_how_phones_are_read_is_a_value() -> None:
    """It compares, copies and pickles, or a job could not be handed to another process."""
    assert Phones("US") == copy.copy(Phones("US")) != Phones()
    assert repr(Phones("US")) == "Phones(region='US')"
    assert pickle.loads(pickle.dumps(Phones("US"))).normal("415 555 2671") == "+14155552671"


@given(st.text(max_size=30), st.sampled_from([None, "US", "DE"]))
def test_whatever_is_typed_is_a_phone_or_none(typed: str, region: str | None) -> None:
    """And the one form of a phone stays as it is."""
    try:
        sent = Phones(region).normal(typed)
    except NoPhone:
        return
    assert sent == Phones(region).normal(sent)
