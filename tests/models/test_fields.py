"""The rules for what is sent: each one, all at once, and with a reason."""

import copy
import pickle
from collections import UserList, deque
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from types import UnionType
from typing import Any, Required, get_args, get_origin, get_type_hints

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async import (
    UNSET,
    AskCreate,
    AskFields,
    ChargeCreate,
    ChargeFields,
    CustomerFields,
    CustomerUpsert,
    DateLike,
    InvalidRequest,
    LocationCreate,
    LocationFields,
    LocationUpdate,
    LocationUpdateFields,
    Unset,
)
from moregood_async.models.dates import format_date
from moregood_async.models.fields import SentValue
from tests.strategies import SENT, date_likes, examples, sent_fields

LEAST: dict[type[SentValue], dict[str, Any]] = {
    CustomerUpsert: {"first_name": "Ada"},
    ChargeCreate: {"amount": 4900, "email": "ada@example.com"},
    AskCreate: {"channels": ["email"], "email": "ada@example.com"},
    LocationCreate: {"name": "Soho"},
    LocationUpdate: {"slug": "soho"},
}
"""As little as makes each value."""

each_kind = pytest.mark.parametrize("kind", SENT, ids=lambda kind: kind.__name__)

TEXT_FIELDS = [
    (kind, a.name)
    for kind in SENT
    for a in attrs.fields(kind)
    if get_type_hints(kind)[a.name] in (str | Unset | None, str | Unset, str)
    and a.name != "currency"
]

each_text = pytest.mark.parametrize(
    ("kind", "name"), TEXT_FIELDS, ids=[f"{kind.__name__}.{name}" for kind, name in TEXT_FIELDS]
)

DATES: list[tuple[type[SentValue], str]] = [
    (CustomerUpsert, "signed_up_at"),
    (ChargeCreate, "charged_at"),
    (AskCreate, "asked_at"),
]

each_date = pytest.mark.parametrize(("kind", "name"), DATES, ids=[name for _, name in DATES])


def made(kind: type[SentValue], **fields: Any) -> SentValue:
    """The least value of a kind, with these fields."""
    return kind.of({**LEAST[kind], **fields})


def pickled(value: SentValue) -> SentValue:
    """There and back."""
    back: SentValue = pickle.loads(pickle.dumps(value))
    return back


def refused(kind: type[SentValue], **fields: Any) -> Mapping[str, tuple[str, ...]]:
    """What is wrong with the least value of a kind, with these fields."""
    with pytest.raises(InvalidRequest) as caught:
        made(kind, **fields)
    return caught.value.fields


@each_kind
def test_the_least_is_enough(kind: type[SentValue]) -> None:
    """By its fields, by a mapping of them, and twice the same."""
    assert kind.of(LEAST[kind]) == kind(**LEAST[kind])


@each_kind
def test_what_is_left_out_is_unset(kind: type[SentValue]) -> None:
    """Which is not None."""
    value = made(kind)
    left_out = {a.name for a in attrs.fields(kind)} - LEAST[kind].keys()
    assert [getattr(value, name) for name in left_out] == [UNSET] * len(left_out)


@each_text
def test_text_is_text(kind: type[SentValue], name: str) -> None:
    """Laravel refuses a number where it wants a string, so nothing is turned into one."""
    for odd in (90210, 1.5, True, b"x", ["x"], date(2026, 5, 1)):
        [problem] = refused(kind, **{name: odd})[name]
        assert problem.startswith(f"is text, not {type(odd).__name__}")


@each_text
def test_text_is_whole_characters(kind: type[SentValue], name: str) -> None:
    """Python writes half a character into JSON, and Laravel then reads an empty body."""
    [problem] = refused(kind, **{name: "smile \ud83d"})[name]
    assert "lone surrogate" in problem
    assert getattr(made(kind, **{name: "smile \U0001f600 ü"}), name) == "smile \U0001f600 ü"


@pytest.mark.parametrize(
    ("kind", "name"),
    [(CustomerUpsert, "first_name"), (LocationCreate, "name"), (LocationUpdate, "name")],
    ids=["first_name", "name to create", "name to update"],
)
@pytest.mark.parametrize("blank", ["", "  \t\n", "\u00a0", None], ids=ascii)
def test_a_name_is_not_blank(kind: type[SentValue], name: str, blank: str | None) -> None:
    """Laravel trims it, and then says that it is required."""
    assert refused(kind, **{name: blank}) == {name: ("is required and must not be blank",)}


@each_kind
def test_everything_optional_may_be_null(kind: type[SentValue]) -> None:
    """Each field whose type says so: it is sent as null, and clears."""
    for name, hint in get_type_hints(kind).items():
        if type(None) in get_args(hint) and name not in LEAST[kind]:
            assert getattr(made(kind, **{name: None}), name) is None


@each_kind
def test_nothing_required_may_be_unset(kind: type[SentValue]) -> None:
    """`UNSET` given for it is the same as leaving it out."""
    required = [a.name for a in attrs.fields(kind) if a.default is attrs.NOTHING]
    for name in required:
        assert list(refused(kind, **{name: UNSET})) == [name]


@pytest.mark.parametrize("name", ["notes"])
def test_notes_have_a_most(name: str) -> None:
    """5,000 characters are taken, 5,001 are not; characters, not bytes."""
    assert getattr(made(CustomerUpsert, **{name: "ü" * 5_000}), name) == "ü" * 5_000
    assert refused(CustomerUpsert, **{name: "x" * 5_001}) == {
        name: ("has 5,001 characters; at most 5,000 are kept",)
    }


@pytest.mark.parametrize("odd", [1, 0, "true", "1", 1.0, []], ids=repr)
def test_a_flag_is_true_or_false(odd: object) -> None:
    """Laravel's boolean does not take ``"true"``, and here nothing is guessed."""
    assert refused(CustomerUpsert, has_subscription=odd) == {
        "has_subscription": ("is True or False",)
    }


@pytest.mark.parametrize("flag", [True, False, None])
def test_a_flag_is_kept(flag: bool | None) -> None:
    """None is neither."""
    assert made(CustomerUpsert, has_subscription=flag) == CustomerUpsert(
        first_name="Ada", has_subscription=flag
    )


SEQUENCES: list[Callable[[list[str]], Any]] = [list, tuple, deque, UserList]


@pytest.mark.parametrize("sequence", SEQUENCES, ids=["list", "tuple", "deque", "UserList"])
def test_a_list_is_any_sequence(sequence: Callable[[list[str]], Any]) -> None:
    """Of slugs, or of channels."""
    given = sequence(["sms", "email"])
    assert CustomerUpsert(first_name="Ada", tags=given).tags == given
    assert AskCreate(email="a@b", channels=given).channels == given


@pytest.mark.parametrize("odd", ["regular", b"regular", b"", {"a"}, {"a": 1}, 5], ids=repr)
def test_tags_are_a_list(odd: object) -> None:
    """One string is none, and neither are bytes."""
    assert refused(CustomerUpsert, tags=odd) == {
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
def test_each_tag_is_a_slug(slug: object, problem: str) -> None:
    """The odd one among them is found."""
    [said] = refused(CustomerUpsert, tags=["regular", slug])["tags"]
    assert said.startswith(problem)


def test_no_tags_are_tags() -> None:
    """An empty list is a list."""
    assert CustomerUpsert(first_name="Ada", tags=[]).tags == []


@pytest.mark.parametrize("code", ["USD", "eur", "gBp"])
def test_a_currency_has_three_letters(code: str) -> None:
    """In any case: how they are written is the server's business."""
    assert made(ChargeCreate, currency=code) == made(ChargeCreate, currency=code)


@pytest.mark.parametrize("odd", ["", "US", "USDT", "U$D", "USD ", "USD\n", "ÜSD", 840], ids=ascii)
def test_a_currency_is_nothing_else(odd: object) -> None:
    """No sign, no number, no line break."""
    assert refused(ChargeCreate, currency=odd) == {
        "currency": ("is a currency code of three letters: USD",)
    }


@pytest.mark.parametrize("amount", [0, 1, -4900, 2**63 - 1, -(2**63)])
def test_an_amount_is_a_whole_number(amount: int) -> None:
    """Of up to 64 bits; a refund is negative."""
    assert ChargeCreate(amount=amount, email="a@b").amount == amount


@pytest.mark.parametrize("odd", [True, False, 49.0, 49.5, "4900", None, [4900]], ids=repr)
def test_an_amount_is_in_the_lowest_currency_unit(odd: object) -> None:
    """A float would be somebody's dollars."""
    [problem] = refused(ChargeCreate, amount=odd)["amount"]
    assert problem == "is a whole number in the lowest currency unit: 4900 for 49.00 USD"


@pytest.mark.parametrize("amount", [2**63, -(2**63) - 1])
def test_an_amount_fits_64_bits(amount: int) -> None:
    """Laravel's integer does not take more."""
    assert refused(ChargeCreate, amount=amount) == {
        "amount": ("is larger than the API can take (64 bits)",)
    }


@pytest.mark.parametrize("odd", [[], (), "email", b"", None, {"email"}, 1], ids=repr)
def test_channels_are_a_list_of_at_least_one(odd: object) -> None:
    """One string is not a list."""
    assert refused(AskCreate, channels=odd) == {
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
def test_channels_are_email_and_sms(channels: list[object], wrong: str) -> None:
    """Each that is not is named."""
    assert refused(AskCreate, channels=channels) == {
        "channels": (f"knows email and sms only, not {wrong}",)
    }


def test_a_channel_is_named_once() -> None:
    """Twice would ask a person twice."""
    assert refused(AskCreate, channels=["email", "sms", "email"]) == {
        "channels": ("names a channel twice, which would ask the same person twice",)
    }


@pytest.mark.parametrize("count", [0, 3, None])
def test_reminders_are_up_to_three(count: int | None) -> None:
    """None leaves it to the project."""
    assert AskCreate(email="a@b", channels=["sms"], reminders_count=count).reminders_count == count


@pytest.mark.parametrize("odd", [-1, 4, True, 1.0, "1"], ids=repr)
def test_reminders_are_no_more_and_no_less(odd: object) -> None:
    """True is not one."""
    assert refused(AskCreate, reminders_count=odd) == {
        "reminders_count": ("is a whole number from 0 to 3",)
    }


TWO_HOURS_EAST = timezone(timedelta(hours=2))


class Stamp(datetime):
    """A datetime of another library."""


@pytest.mark.parametrize(
    ("told", "written"),
    [
        (date(2026, 5, 1), "2026-05-01"),
        ("2026-05-01", "2026-05-01"),
        (" 2026-05-01\n", "2026-05-01"),
        ("20240501", "2024-05-01"),
        ("2026-W18-5", "2026-05-01"),
        (date(26, 5, 1), "0026-05-01"),
        (datetime(2026, 5, 1, 8, 30, tzinfo=UTC), "2026-05-01T08:30:00Z"),
        (datetime(2026, 5, 1, 8, 30, 1, 999_999, tzinfo=UTC), "2026-05-01T08:30:01Z"),
        (datetime(2026, 5, 1, 1, 30, tzinfo=TWO_HOURS_EAST), "2026-04-30T23:30:00Z"),
        (datetime(26, 5, 1, tzinfo=UTC), "0026-05-01T00:00:00Z"),
        (Stamp(2026, 5, 1, 8, 30, tzinfo=UTC), "2026-05-01T08:30:00Z"),
        ("2026-05-01T10:30:00+02:00", "2026-05-01T08:30:00Z"),
        ("2026-05-01 08:30:00Z", "2026-05-01T08:30:00Z"),
        ("2026-05-01T08:30:00.123456-07:00", "2026-05-01T15:30:00Z"),
        ("20260501T083000Z", "2026-05-01T08:30:00Z"),
    ],
    ids=str,
)
def test_a_date_goes_out_as_the_api_takes_it(told: DateLike, written: str) -> None:
    """``YYYY-MM-DD``, or UTC with a Z and whole seconds; Laravel drops offsets."""
    assert format_date(told) == written


@pytest.mark.parametrize(
    ("odd", "problem"),
    [
        (datetime(2026, 5, 1, 8, 30), "has no time zone"),
        ("2026-05-01T08:30:00", "has no time zone"),
        ("2026-05-01 08:30", "has no time zone"),
        (1_777_624_200, "is a date, a datetime with a time zone"),
        (1.5, "is a date, a datetime with a time zone"),
        (True, "is a date, a datetime with a time zone"),
        ("1777624200", "is no ISO 8601 date"),
        ("tomorrow", "is no ISO 8601 date"),
        ("2024-02-30", "is no ISO 8601 date"),
        ("01/05/2026", "is no ISO 8601 date"),
        ("", "is no ISO 8601 date"),
        ("\ud83d", "is no ISO 8601 date"),
        (datetime(1, 1, 1, tzinfo=TWO_HOURS_EAST), "is out of range in UTC"),
    ],
    ids=ascii,
)
@each_date
def test_what_is_no_date_is_refused_with_the_reason(
    kind: type[SentValue], name: str, odd: object, problem: str
) -> None:
    """Unix seconds too: Laravel's date rule does not take them."""
    assert refused(kind, **{name: odd})[name][0].startswith(problem)


def test_a_naive_time_is_told_what_to_use() -> None:
    """The way out is in the message."""
    [problem] = refused(AskCreate, asked_at=datetime(2026, 5, 1))["asked_at"]
    assert "datetime.now(UTC), or a date" in problem


@examples
@given(date_likes)
def test_a_written_date_is_the_same_moment(told: DateLike) -> None:
    """But for what is below a second."""
    written = format_date(told)
    if isinstance(told, datetime):
        assert told.astimezone(UTC).replace(microsecond=0) == datetime.fromisoformat(written)
    else:
        assert str(told) == written
    assert format_date(written) == written


@examples
@given(st.text())
def test_no_text_breaks_the_reading_of_dates(text: str) -> None:
    """It is one, or a `ValueError`."""
    try:
        written = format_date(text)
    except ValueError:
        return
    assert format_date(written) == written


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
def test_a_customer_is_named(kind: type[SentValue], named: dict[str, Any]) -> None:
    """By an email or a phone that is not blank, which the API counts as not given."""
    least = {name: value for name, value in LEAST[kind].items() if name != "email"}
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
def test_either_names_a_customer(named: dict[str, str]) -> None:
    """The email or the phone."""
    value = AskCreate.of({"channels": ["sms"], **named})
    assert {name: getattr(value, name) for name in named} == named


def test_a_wrong_email_is_told_as_such() -> None:
    """The problem of the field comes before that of the whole."""
    least = {"channels": ["sms"], "email": 5}
    with pytest.raises(InvalidRequest) as caught:
        AskCreate.of(least)
    assert caught.value.fields["email"][0].startswith("is text, not int")


@pytest.mark.parametrize(
    ("fields", "idempotent"),
    [
        ({}, False),
        ({"email": None, "phone": ""}, False),
        ({"email": "a@b"}, True),
        ({"phone": "+14155550100"}, True),
    ],
    ids=["neither", "blank", "email", "phone"],
)
def test_an_upsert_converges_where_the_server_can_match_it(
    fields: dict[str, Any], idempotent: bool
) -> None:
    """Without email and phone each one sent is created."""
    assert made(CustomerUpsert, **fields).idempotent is idempotent


def test_an_update_converges() -> None:
    """Whatever it holds."""
    assert made(LocationUpdate).idempotent is True


def test_an_update_changes_something() -> None:
    """Nothing given is nothing to send; null is something."""
    with pytest.raises(InvalidRequest) as caught:
        LocationUpdate.of({})
    assert caught.value.fields == {"name": ("nothing was given to change",)}
    assert LocationUpdate(code=None).code is None


def test_all_problems_are_told_at_once() -> None:
    """Unknown, missing and wrong ones, each by its field."""
    with pytest.raises(InvalidRequest) as caught:
        AskCreate.of(
            {
                "reminder_count": 2,
                "reminders_count": 7,
                "asked_at": "soon",
                "phone": 5,
                7: "seven",  # type: ignore[dict-item]
            }
        )
    assert sorted(caught.value.fields) == [
        "7",
        "asked_at",
        "channels",
        "email",
        "phone",
        "reminder_count",
        "reminders_count",
    ]
    assert [len(said) for said in caught.value.fields.values()] == [1] * 7


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("e-mail", "there is no such field; did you mean email?"),
        ("firstname", "there is no such field; did you mean first_name?"),
        ("zzz", "there is no such field; known are first_name, last_name, email"),
    ],
)
def test_an_unknown_field_is_refused_with_a_suggestion(name: str, problem: str) -> None:
    """Laravel ignores it silently."""
    [said] = refused(CustomerUpsert, **{name: "x"})[name]
    assert said.startswith(problem)


@each_kind
def test_what_is_required_is_told_when_it_is_missing(kind: type[SentValue]) -> None:
    """By its name, as a problem and not as a `TypeError`."""
    required = {a.name for a in attrs.fields(kind) if a.default is attrs.NOTHING}
    with pytest.raises(InvalidRequest) as caught:
        kind.of({"email": "a@b"} if "email" in LEAST[kind] else {})
    assert caught.value.fields.keys() == (required or {"name"})


def test_a_change_is_checked_too() -> None:
    """Also through ``attrs.evolve``; and nothing can be set."""
    value = CustomerUpsert(first_name="Ada")
    with pytest.raises(InvalidRequest):
        attrs.evolve(value, first_name=" ")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        value.first_name = " "  # type: ignore[misc]


@each_kind
def test_a_sent_value_shows_names_and_no_person(kind: type[SentValue]) -> None:
    """Its repr lists what is given, without what it holds."""
    canaries = {name: "canary" for each, name in TEXT_FIELDS if each is kind}
    value = made(kind, **canaries)
    shown = repr(value)
    assert "canary" not in shown.replace("canary=", "")
    given = [a.name for a in attrs.fields(kind) if getattr(value, a.name) is not UNSET]
    assert shown == f"{kind.__name__}({', '.join(f'{name}=…' for name in given)})"


@each_kind
@pytest.mark.parametrize(
    "carried",
    [pickled, copy.copy, copy.deepcopy],
    ids=["pickle", "copy", "deepcopy"],
)
def test_a_sent_value_survives_being_carried(
    kind: type[SentValue], carried: Callable[[SentValue], SentValue]
) -> None:
    """Into a process of another; what was unset is unset there."""
    value = made(kind)
    there = carried(value)
    assert there == value
    assert repr(there) == repr(value)


def test_unset_says_its_name() -> None:
    """In signatures and messages."""
    assert repr(UNSET) == "UNSET"


ROWS: list[tuple[type[SentValue], Any]] = [
    (CustomerUpsert, CustomerFields),
    (ChargeCreate, ChargeFields),
    (AskCreate, AskFields),
    (LocationCreate, LocationFields),
    (LocationUpdate, LocationUpdateFields),
]


@pytest.mark.parametrize(("kind", "row"), ROWS, ids=[row.__name__ for _, row in ROWS])
def test_keywords_are_those_of_the_value(kind: type[SentValue], row: Any) -> None:
    """The same names, the same types but for `UNSET`, the same ones required."""
    keywords = get_type_hints(row, include_extras=True)
    value = get_type_hints(kind)
    named = {name for name, hint in keywords.items() if get_origin(hint) is Required}
    assert keywords.keys() == value.keys()
    required = {a.name for a in attrs.fields(kind) if a.default is attrs.NOTHING}
    assert named | set(row.__required_keys__) == required
    assert {name: _without_unset(hint) for name, hint in keywords.items()} == {
        name: _without_unset(hint) for name, hint in value.items()
    }


def _without_unset(hint: Any) -> frozenset[Any]:
    if get_origin(hint) is Required:
        [hint] = get_args(hint)
    parts = get_args(hint) if isinstance(hint, UnionType) else [hint]
    return frozenset(parts) - {Unset}


@pytest.mark.parametrize("kind", SENT, ids=lambda kind: kind.__name__)
def test_whatever_keeps_the_rules_is_taken(kind: type[SentValue]) -> None:
    """Each value that the rules allow can be made, and holds what it was given."""

    @examples
    @given(sent_fields[kind])
    def holds(fields: dict[str, Any]) -> None:
        value = kind.of(fields)
        assert {name: getattr(value, name) for name in fields} == fields

    holds()


@pytest.mark.parametrize("kind", SENT, ids=lambda kind: kind.__name__)
def test_whatever_breaks_the_rules_is_refused_by_name(kind: type[SentValue]) -> None:
    """Never anything but `InvalidRequest`, which blames fields that there are."""
    names = [a.name for a in attrs.fields(kind)]
    odd = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
    rows = st.dictionaries(st.sampled_from(names), odd | st.lists(odd, max_size=2))

    @examples
    @given(rows)
    def holds(fields: dict[str, Any]) -> None:
        wrong: set[str] = set()
        try:
            kind.of(fields)
        except InvalidRequest as error:
            wrong = {*error.fields}
        assert wrong <= {*names}

    holds()
