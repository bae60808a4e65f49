"""The checks of single fields: what each accepts, and what it refuses with which reason."""

from collections import UserList, deque
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from moregood_async import (
    AskCreate,
    ChargeCreate,
    CustomerUpsert,
    InvalidRequest,
    LocationCreate,
    LocationUpdate,
)
from moregood_async.models.fields import SentValue
from tests.models.values import FEWEST_FIELDS, each_text, make, problems_of


@each_text
def test_a_number_is_no_text(kind: type[SentValue], name: str) -> None:
    """Laravel refuses a number for a string, so none is converted."""
    for wrong in (90210, 1.5, True, b"x", ["x"], date(2026, 5, 1)):
        [problem] = problems_of(kind, **{name: wrong})[name]
        assert problem.startswith(f"is text, not {type(wrong).__name__}")


@each_text
def test_a_lone_surrogate_is_no_text(kind: type[SentValue], name: str) -> None:
    """Python writes it into JSON, and Laravel then reads an empty body."""
    [problem] = problems_of(kind, **{name: "smile \ud83d"})[name]
    assert "lone surrogate" in problem
    assert getattr(make(kind, **{name: "smile \U0001f600 ü"}), name) == "smile \U0001f600 ü"


@pytest.mark.parametrize(
    ("kind", "name"),
    [(CustomerUpsert, "first_name"), (LocationCreate, "name"), (LocationUpdate, "name")],
    ids=["first_name", "name to create", "name to update"],
)
@pytest.mark.parametrize("blank", ["", "  \t\n", "\u00a0", None], ids=ascii)
def test_a_name_is_not_blank(kind: type[SentValue], name: str, blank: str | None) -> None:
    """Laravel trims it, and then says that it is required."""
    assert problems_of(kind, **{name: blank}) == {name: ("is required and must not be blank",)}


@pytest.mark.parametrize("name", ["notes"])
def test_notes_have_at_most_5000_characters(name: str) -> None:
    """Characters, not bytes."""
    assert getattr(make(CustomerUpsert, **{name: "ü" * 5_000}), name) == "ü" * 5_000
    assert problems_of(CustomerUpsert, **{name: "x" * 5_001}) == {
        name: ("has 5,001 characters; at most 5,000 are kept",)
    }


@pytest.mark.parametrize("wrong", [1, 0, "true", "1", 1.0, []], ids=repr)
def test_a_value_that_is_no_boolean_is_no_flag(wrong: object) -> None:
    """Laravel's boolean rule does not take `"true"` either."""
    assert problems_of(CustomerUpsert, has_subscription=wrong) == {
        "has_subscription": ("is True or False",)
    }


@pytest.mark.parametrize("flag", [True, False, None])
def test_a_flag_may_be_true_or_false_or_none(flag: bool | None) -> None:
    assert make(CustomerUpsert, has_subscription=flag) == CustomerUpsert(
        first_name="Ada", has_subscription=flag
    )


SEQUENCES: list[Callable[[list[str]], Any]] = [list, tuple, deque, UserList]


@pytest.mark.parametrize("sequence", SEQUENCES, ids=["list", "tuple", "deque", "UserList"])
def test_a_list_may_be_any_sequence(sequence: Callable[[list[str]], Any]) -> None:
    values = sequence(["sms", "email"])
    assert CustomerUpsert(first_name="Ada", tags=values).tags == values
    assert AskCreate(email="a@b", channels=values).channels == values


@pytest.mark.parametrize("wrong", ["regular", b"regular", b"", {"a"}, {"a": 1}, 5], ids=repr)
def test_a_string_or_a_set_is_no_list_of_tags(wrong: object) -> None:
    assert problems_of(CustomerUpsert, tags=wrong) == {
        "tags": ('is a list of slugs: ["regular", "newsletter"]',)
    }


@pytest.mark.parametrize(
    ("slug", "problem"),
    [
        ("", "is required and must not be blank"),
        (None, "is required and must not be blank"),
        ("\ud83d", "holds half a character"),
        (5, "is text, not int"),
    ],
    ids=ascii,
)
def test_a_wrong_slug_among_the_tags_is_found(slug: object, problem: str) -> None:
    [found] = problems_of(CustomerUpsert, tags=["regular", slug])["tags"]
    assert found.startswith(problem)


def test_a_list_of_tags_may_be_empty() -> None:
    assert CustomerUpsert(first_name="Ada", tags=[]).tags == []


@pytest.mark.parametrize("code", ["USD", "eur", "gBp"])
def test_a_currency_has_three_letters_in_any_case(code: str) -> None:
    assert make(ChargeCreate, currency=code) == make(ChargeCreate, currency=code)


@pytest.mark.parametrize("wrong", ["", "US", "USDT", "U$D", "USD ", "USD\n", "ÜSD", 840], ids=ascii)
def test_a_currency_has_no_other_characters(wrong: object) -> None:
    assert problems_of(ChargeCreate, currency=wrong) == {
        "currency": ("is a currency code of three letters: USD",)
    }


@pytest.mark.parametrize("amount", [0, 1, -4900, 2**63 - 1, -(2**63)])
def test_an_amount_is_a_whole_number_of_up_to_64_bits(amount: int) -> None:
    assert ChargeCreate(amount=amount, email="a@b").amount == amount


@pytest.mark.parametrize("wrong", [True, False, 49.0, 49.5, "4900", None, [4900]], ids=repr)
def test_a_float_or_a_string_is_no_amount(wrong: object) -> None:
    """A float would be somebody's dollars."""
    [problem] = problems_of(ChargeCreate, amount=wrong)["amount"]
    assert problem == "is a whole number in the lowest currency unit: 4900 for 49.00 USD"


@pytest.mark.parametrize("amount", [2**63, -(2**63) - 1])
def test_an_amount_beyond_64_bits_is_refused(amount: int) -> None:
    """Laravel's integer rule takes no more."""
    assert problems_of(ChargeCreate, amount=amount) == {
        "amount": ("is larger than the API can take (64 bits)",)
    }


@pytest.mark.parametrize("wrong", [[], (), "email", b"", None, {"email"}, 1], ids=repr)
def test_channels_are_a_list_of_at_least_one(wrong: object) -> None:
    assert problems_of(AskCreate, channels=wrong) == {
        "channels": ('is a list of at least one of email and sms: ["email"]',)
    }


@pytest.mark.parametrize(
    ("channels", "wrong"),
    [
        (["email", "fax"], "'fax'"),
        (["Email"], "'Email'"),
        ([None, ["sms"]], "None, ['sms']"),
    ],
    ids=["another", "another case", "no text"],
)
def test_other_channels_than_email_and_sms_are_named(channels: list[object], wrong: str) -> None:
    assert problems_of(AskCreate, channels=channels) == {
        "channels": (f"knows email and sms only, not {wrong}",)
    }


def test_a_channel_may_occur_once() -> None:
    """Twice would ask the same person twice."""
    assert problems_of(AskCreate, channels=["email", "sms", "email"]) == {
        "channels": ("names a channel twice, which would ask the same person twice",)
    }


@pytest.mark.parametrize("count", [0, 3, None])
def test_reminders_are_up_to_three(count: int | None) -> None:
    """None leaves the number to the project."""
    assert AskCreate(email="a@b", channels=["sms"], reminders_count=count).reminders_count == count


@pytest.mark.parametrize("wrong", [-1, 4, True, 1.0, "1"], ids=repr)
def test_any_other_number_of_reminders_is_refused(wrong: object) -> None:
    assert problems_of(AskCreate, reminders_count=wrong) == {
        "reminders_count": ("is a whole number from 0 to 3",)
    }


@pytest.mark.parametrize("kind", [ChargeCreate, AskCreate], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "named",
    [
        {},
        {"email": None, "phone": None},
        {"email": "", "phone": " \t"},
        {"phone": ""},
    ],
    ids=["left out", "null", "blank", "one is blank"],
)
def test_a_charge_or_an_ask_without_email_and_phone_is_refused(
    kind: type[SentValue], named: dict[str, Any]
) -> None:
    """The API treats a blank string as a missing one."""
    least = {name: value for name, value in FEWEST_FIELDS[kind].items() if name != "email"}
    with pytest.raises(InvalidRequest) as caught:
        kind.of({**least, **named})
    assert caught.value.fields == {
        "email": ("give an email or a phone, so that the customer can be found",)
    }


@pytest.mark.parametrize(
    "named",
    [{"email": "a@b"}, {"phone": "+14155550100"}, {"email": "", "phone": "+14155550100"}],
    ids=["email", "phone", "one is enough"],
)
def test_an_email_or_a_phone_is_enough(named: dict[str, str]) -> None:
    value = AskCreate.of({"channels": ["sms"], **named})
    assert {name: getattr(value, name) for name in named} == named


def test_the_problem_of_a_field_comes_before_that_of_the_value() -> None:
    least = {"channels": ["sms"], "email": 5}
    with pytest.raises(InvalidRequest) as caught:
        AskCreate.of(least)
    assert caught.value.fields["email"][0].startswith("is text, not int")
