"""Bytes to models and back: whatever the API may plausibly send is read, and nothing is lost."""

import importlib.util
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async import (
    AskCreate,
    Charge,
    ChargeCreate,
    Customer,
    CustomerUpsert,
    InvalidRequest,
    Location,
    LocationUpdate,
    Message,
    Review,
    UnexpectedResponse,
    codec,
)
from moregood_async.codec.readers import MAX_READERS, _Plan
from moregood_async.envelope import model_of
from moregood_async.models.dates import format_date
from moregood_async.models.fields import UNSET, SentValue
from tests.strategies import (
    ANSWERED,
    NESTED,
    SENT,
    answer,
    answers,
    as_answered,
    examples,
    json_values,
    models,
    part_kinds,
    sent_fields,
)


@pytest.fixture(params=["orjson", "stdlib"], autouse=True)
def json_library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything holds with orjson and without it."""
    name: str = request.param
    library = pytest.importorskip("orjson") if name == "orjson" else None
    monkeypatch.setattr(codec, "_fast_json", library)
    return name


each_kind = pytest.mark.parametrize("kind", [*ANSWERED, *NESTED], ids=lambda kind: kind.__name__)

each_answer = pytest.mark.parametrize("kind", ANSWERED, ids=lambda kind: kind.__name__)

FIELDS = [(kind, name) for kind in (*ANSWERED, *NESTED) for name in part_kinds(kind)]

each_field = pytest.mark.parametrize(
    ("kind", "name"), FIELDS, ids=[f"{kind.__name__}.{name}" for kind, name in FIELDS]
)

EVERY_TYPE: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -7,
    2**31,
    2**63,
    2**200,
    1.5,
    2.0,
    -1e300,
    "",
    "text",
    "0",
    "1",
    "-12.50",
    "9" * 40,
    "2026-05-01",
    "2026-05-01T08:30:00Z",
    "0000-00-00 00:00:00",
    [],
    ["text"],
    [None],
    [[{}]],
    {},
    {"id": {"id": []}},
]
"""A value of every JSON type, and some of each that are odd."""


def least(kind: type[Any]) -> dict[str, Any]:
    """The least that a model can be read from."""
    return {a.name: 1 for a in attrs.fields(kind) if a.default is attrs.NOTHING}


def read(kind: type[Any], told: object) -> Any:
    """A model of what is told, by way of the wire."""
    return codec.decode(kind, codec.loads(json.dumps(told).encode()))


@each_field
def test_a_field_of_any_type_is_read_or_kept(kind: type[Any], name: str) -> None:
    """It means something, or it is None and in ``extra`` as it came; the rest is untouched."""
    for value in EVERY_TYPE:
        told = {**least(kind), name: value, "unheard_of": value}
        through = codec.loads(json.dumps(told).encode())
        if name == "id" and name in least(kind) and not _is_an_id(through[name]):
            with pytest.raises(codec.DecodeError, match=f"a {kind.__name__} without its id"):
                codec.decode(kind, through)
            continue
        model = codec.decode(kind, through)
        expected = {"unheard_of": through["unheard_of"]}
        if value is not None and getattr(model, name) is None:
            expected[name] = through[name]
        assert model.extra == expected


def _is_an_id(value: Any) -> bool:
    return type(value) is int or (type(value), value) in [(float, 2.0), (str, "0"), (str, "1")]


@pytest.mark.parametrize("kind", [Customer, Review, Message, Location], ids=lambda k: k.__name__)
def test_an_id_is_needed(kind: type[Any]) -> None:
    """The one thing without which an object is none."""
    with pytest.raises(codec.DecodeError, match=f"a {kind.__name__} without its id"):
        codec.decode(kind, {})
    assert codec.decode(kind, {"id": 1}) == kind(id=1)


def test_an_exact_id_is_needed(json_library: str) -> None:
    """A number that orjson had to round is no id; the standard library reads it whole."""
    body = b'{"id": 123456789012345678901234567890}'
    if json_library == "orjson":
        with pytest.raises(codec.DecodeError):
            codec.decode(Location, codec.loads(body))
    else:
        expected = Location(id=123456789012345678901234567890)
        assert codec.decode(Location, codec.loads(body)) == expected


@each_kind
@pytest.mark.parametrize("odd", [None, [], [{"id": 1}], "text", 1, True, 1.5], ids=repr)
def test_what_is_no_object_is_unfit(kind: type[Any], odd: object) -> None:
    """It is told which one belongs there."""
    with pytest.raises(codec.DecodeError, match=f"no object where a {kind.__name__} belongs"):
        codec.decode(kind, odd)


@each_answer
def test_a_model_reads_back_as_it_was(kind: type[Any]) -> None:
    """Each field that fits comes through JSON unchanged, and nothing is left over."""

    @examples
    @given(models(kind))
    def holds(model: Any) -> None:
        assert read(kind, as_answered(model)) == model

    holds()


@each_answer
def test_a_spoilt_answer_is_read_as_far_as_it_goes(kind: type[Any]) -> None:
    """Fields dropped, added and retyped: `DecodeError` for an id, and nothing else ever."""

    @examples
    @given(answers(kind))
    def holds(told: dict[str, Any]) -> None:
        try:
            model = read(kind, told)
        except codec.DecodeError:
            model = None
        if model is None:
            assert "id" in least(kind)
            return
        lost = [
            name
            for name, value in told.items()
            if value is not None
            and name not in model.extra
            and (name not in part_kinds(kind) or getattr(model, name) is None)
        ]
        assert lost == []
        assert [name for name in model.extra if name not in told] == []

    holds()


@each_answer
def test_a_spoilt_answer_is_unexpected_at_the_most(kind: type[Any]) -> None:
    """What leaves the envelope is a model or an `UnexpectedResponse`."""

    @examples
    @given(answers(kind) | json_values)
    def holds(told: Any) -> None:
        try:
            model = model_of(kind, answer({"success": True, "data": told}))
        except UnexpectedResponse as error:
            assert error.status == 200  # noqa: PT017
        else:
            assert isinstance(model, kind)

    holds()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (0, False),
        (1, True),
        ("0", False),
        ("1", True),
        (False, False),
        (True, True),
        (None, None),
    ],
    ids=repr,
)
def test_a_flag_is_a_boolean(told: object, expected: bool | None) -> None:
    """Whether the database or PHP wrote it."""
    review = read(Review, {"id": 1, "is_hidden": told})
    assert review.is_hidden is expected
    assert review.extra == {}


@pytest.mark.parametrize("odd", [2, -1, "true", "yes", "", 1.0, []], ids=repr)
def test_what_is_no_flag_is_kept_aside(odd: object) -> None:
    """Nothing is guessed."""
    review = read(Review, {"id": 1, "is_hidden": odd})
    assert review.is_hidden is None
    assert review.extra == {"is_hidden": odd}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1_777_624_200, datetime(2026, 5, 1, 8, 30, tzinfo=UTC)),
        (1_777_624_200.5, datetime(2026, 5, 1, 8, 30, 0, 500_000, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2026-05-01T08:30:00Z", datetime(2026, 5, 1, 8, 30, tzinfo=UTC)),
        ("2026-05-01T08:30:00.000000Z", datetime(2026, 5, 1, 8, 30, tzinfo=UTC)),
        ("2026-05-01T10:30:00+02:00", datetime(2026, 5, 1, 8, 30, tzinfo=UTC)),
        ("2026-05-01 08:30:00", datetime(2026, 5, 1, 8, 30, tzinfo=UTC)),
        ("2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
    ],
    ids=str,
)
def test_a_time_is_aware_and_in_utc(told: object, expected: datetime) -> None:
    """From unix seconds, as the API answers, or from ISO 8601, as is reported of some answers."""
    customer = read(Customer, {"id": 1, "created_at": told})
    assert customer.created_at == expected
    assert customer.created_at.tzinfo is UTC
    assert customer.extra == {}


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone cannot be changed here")
def test_a_time_without_a_zone_is_in_utc_wherever_this_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The machine's own zone decides nothing."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        customer = read(Customer, {"id": 1, "created_at": "2026-05-01 08:30:00"})
    time.tzset()
    assert customer.created_at == datetime(2026, 5, 1, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "odd",
    [True, 1e18, -(10**18), 2**70, "1777624200", "soon", "", "0001-01-01T00:00:00+09:00", []],
    ids=repr,
)
def test_what_is_no_time_is_kept_aside(odd: object) -> None:
    """Also where Python's calendar ends."""
    customer = read(Customer, {"id": 1, "created_at": odd, "updated_at": 0})
    assert customer.created_at is None
    assert customer.extra == {"created_at": odd}
    assert customer.updated_at == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "count", "total"),
    [
        (3, 3, 3),
        (3.0, 3, 3.0),
        ("3", 3, 3.0),
        ("-3", -3, -3.0),
        (5.5, None, 5.5),
        ("5.50", None, 5.5),
        (True, None, None),
        ("three", None, None),
        ("٣", None, None),
        ("--3", None, None),
        ("1e3", None, None),
        (".", None, None),
        ("", None, None),
        ("9" * 20, None, None),
        ([], None, None),
    ],
    ids=repr,
)
def test_numbers_may_be_text(told: object, count: int | None, total: float | None) -> None:
    """MySQL's sums and averages come as text, whole floats as integers; nonsense does not count."""
    customer = read(Customer, {"id": 1, "charges_count": told, "charges_sum": told})
    assert (customer.charges_count, customer.charges_sum) == (count, total)
    kept = {"charges_count": count, "charges_sum": total}
    assert customer.extra == {name: told for name, value in kept.items() if value is None}


@pytest.mark.parametrize("empty", [None, [], {}], ids=repr)
def test_a_part_may_be_missing_in_every_way(empty: object) -> None:
    """Null, or PHP's empty map, which it writes as a list."""
    review = read(Review, {"id": 1, "reviewer": empty, "source": empty})
    if empty == {}:
        assert review.reviewer is not None
        assert review.reviewer.photo is None
    else:
        assert (review.reviewer, review.source) == (None, None)
    assert review.extra == ({"reviewer": [], "source": []} if empty == [] else {})
    assert read(Review, {"id": 1}).reviewer is None


def test_a_misfit_inside_a_part_spoils_that_field_alone() -> None:
    """It is in the part's own ``extra``."""
    review = read(
        Review,
        {
            "id": 1,
            "score": 5,
            "reviewer": {"name": ["Ada"], "last_name": "Lovelace", "photo": {"link": 7, "w": 80}},
        },
    )
    assert review.extra == {}
    assert review.score == 5
    assert (review.reviewer.last_name, review.reviewer.extra) == ("Lovelace", {"name": ["Ada"]})
    assert review.reviewer.photo.extra == {"link": 7, "w": 80}


def test_the_unknown_is_kept_under_its_name() -> None:
    """Also what is called ``extra`` itself."""
    charge = read(Charge, {"extra": 1, "tax": {"rate": 20}, "amount": "much", "currency": "USD"})
    assert charge == (
        Charge(currency="USD", extra={"extra": 1, "tax": {"rate": 20}, "amount": "much"})
    )


def test_reading_leaves_what_was_read_alone() -> None:
    """The answer's own JSON is not written to."""
    told: dict[str, Any] = {"id": 1, "email": 5, "unheard_of": []}
    codec.decode(Customer, told)
    assert told == {"id": 1, "email": 5, "unheard_of": []}


def test_nothing_but_speed_is_lost_without_orjson(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is not installed, the module comes up and reads the same."""
    monkeypatch.setitem(sys.modules, "orjson", None)
    spec = importlib.util.spec_from_file_location("codec_without_orjson", codec.__file__)
    assert spec is not None
    assert spec.loader is not None
    bare: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bare)
    assert bare.decode(Location, bare.loads(b'{"id": 1}')) == Location(id=1)
    assert bare.encode(LocationUpdate(name="Soho")) == b'{"name":"Soho"}'


@pytest.mark.parametrize("kind", SENT, ids=lambda kind: kind.__name__)
def test_a_sent_value_is_written_as_it_is(kind: type[SentValue]) -> None:
    """The fields that were given and no others; lists as lists, dates as `format_date` has them."""

    @examples
    @given(sent_fields[kind])
    def holds(fields: dict[str, Any]) -> None:
        written = json.loads(codec.encode(kind.of(fields)))
        assert written == {name: _as_written(name, value) for name, value in fields.items()}

    holds()


def _as_written(name: str, value: Any) -> Any:
    if name.endswith("_at") and value is not None:
        return format_date(value)
    return [*value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("kind", SENT, ids=lambda kind: kind.__name__)
def test_unset_is_not_sent_and_none_is_null(kind: type[SentValue]) -> None:
    """The difference between leaving alone and clearing."""
    optional = [
        a.name for a in attrs.fields(kind) if a.default is UNSET and type(None) in get_args(a.type)
    ]
    fields = {"first_name": "Ada", "amount": 1, "channels": ["email"], "name": "Soho"}
    needed = {a.name for a in attrs.fields(kind)} & fields.keys()
    one_address = {"email": "a@b"} if "email" in optional else {}
    for name in {*optional} - {"email"}:
        value = kind.of({**{n: fields[n] for n in needed}, **one_address, name: None})
        assert json.loads(codec.encode(value)).keys() == {*needed, *one_address, name}
        assert json.loads(codec.encode(value))[name] is None


def test_any_sequence_is_written_as_a_list() -> None:
    """A deque is one, and JSON knows lists only."""
    from collections import UserList, deque

    value = CustomerUpsert(first_name="Ada", tags=deque(["regular"]))
    assert json.loads(codec.encode(value)) == {"first_name": "Ada", "tags": ["regular"]}
    ask = AskCreate(email="a@b", channels=UserList(["sms"]))
    assert json.loads(codec.encode(ask))["channels"] == ["sms"]


@pytest.mark.parametrize("amount", [2**63 - 1, -(2**63)])
def test_an_amount_of_64_bits_is_written_exactly(amount: int) -> None:
    """To the last digit."""
    value = ChargeCreate(amount=amount, email="a@b")
    assert json.loads(codec.encode(value))["amount"] == amount


def test_text_is_written_in_utf_8() -> None:
    """Both libraries write the same bytes."""
    value = LocationUpdate(name='Zoë "Ω" \U0001f600\n')
    assert codec.encode(value) == '{"name":"Zoë \\"Ω\\" \U0001f600\\n"}'.encode()


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"id":', b"\xff\xfe", b"NaN", b'{"x":Infinity}', b"[-Infinity]", b"1e999"],
    ids=["empty", "html", "cut", "binary", "nan", "infinity", "minus infinity", "overflow"],
)
def test_what_is_no_json_is_a_value_error(body: bytes) -> None:
    """NaN and infinity are none, though Python reads and writes them."""
    with pytest.raises(ValueError):
        codec.loads(body)


def test_json_nested_beyond_reason_is_a_value_error() -> None:
    """And not the end of the stack."""
    with pytest.raises(ValueError):
        codec.loads(b"[" * 100_000 + b"]" * 100_000)


@examples
@given(json_values)
def test_json_is_read_as_it_was_written(value: Any) -> None:
    """By `dumps`, for requests of one's own; as exactly as the library reads numbers."""
    assert json.loads(codec.dumps(value)) == json.loads(json.dumps(value))
    assert codec.loads(json.dumps(value).encode()) == codec.loads(codec.dumps(value))


def endless() -> list[Any]:
    """A list in itself."""
    ring: list[Any] = []
    ring.append(ring)
    return ring


def deep() -> list[Any]:
    """A list in a list in a list."""
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (float("nan"), "ValueError"),
        ({"x": [float("inf")]}, "ValueError"),
        ({"name": "\ud83d"}, "UnicodeEncodeError"),
        ({"at": datetime(2026, 5, 1, tzinfo=UTC)}, "TypeError"),
        ({1, 2}, "TypeError"),
        ({("a", "b"): 1}, "TypeError"),
        (b"bytes", "TypeError"),
        (endless(), "ValueError"),
        (deep(), "RecursionError"),
    ],
    ids=["nan", "infinity", "surrogate", "datetime", "set", "key", "bytes", "ring", "deep"],
)
def test_what_json_cannot_say_is_refused_before_it_is_sent(value: object, why: str) -> None:
    """By the call that was to send it, with the reason and without the value."""
    with pytest.raises(InvalidRequest) as caught:
        codec.dumps(value, operation="POST charges")
    assert caught.value.fields == {"json": (f"cannot be written as JSON ({why})",)}
    assert caught.value.operation == "POST charges"


@examples
@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_break_the_reading(body: bytes) -> None:
    """They are JSON, or a `ValueError`."""
    try:
        said = codec.loads(body)
    except ValueError:
        return
    assert json.loads(body) == said


# Readers are written for the order in which fields come


@each_answer
def test_fields_come_in_any_order(kind: type[Any]) -> None:
    """In more orders than have a reader of their own, and with fields missing and unknown."""
    told = {**least(kind), "unheard_of": [1]}
    told |= dict.fromkeys(part_kinds(kind).keys() - told.keys())
    names = sorted(told)
    expected = kind(**least(kind), extra={"unheard_of": [1]})
    for turn in range(3 * MAX_READERS):
        by = turn % len(names)
        mixed = [*names[by:], *names[:by]]
        some = [name for name in mixed if name in expected.extra or name in least(kind)]
        for order in (mixed, mixed[::-1], some):
            assert read(kind, {name: told[name] for name in order}) == expected


def test_a_server_that_shuffles_fields_fills_no_memory() -> None:
    """So many orders have a reader; what comes in others is read field by field."""
    plan = _Plan(Location, codec._CONVERTER.get_structure_hook)
    readers = [plan.make_reader(("id", f"x{number}")) for number in range(MAX_READERS + 2)]
    assert len(plan.readers) == MAX_READERS
    for reader in readers[MAX_READERS:]:
        assert reader({"id": 1, "x": 2}) == Location(id=1, extra={"x": 2})


@pytest.mark.parametrize(
    "name",
    [
        "v0",
        "it",
        "order",
        "data",
        "told",
        "",
        "a b",
        "'",
        '"',
        "\\",
        "\n",
        "x]; raise SystemExit; [y",
    ],
    ids=ascii,
)
def test_no_name_in_an_answer_gets_into_a_readers_source(name: str) -> None:
    """It is data, and in ``extra``."""
    assert read(Location, {"id": 7, name: 1, "name": "Soho"}) == (
        Location(id=7, name="Soho", extra={name: 1})
    )


def test_times_that_look_alike_are_not_taken_for_each_other() -> None:
    """In Python 1 is True and 1.0; only whole seconds are the same moment."""
    customer = read(
        Customer,
        {"id": 1, "signed_up_at": 1, "created_at": True, "updated_at": 1, "first_asked_at": 1.5},
    )
    second = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert (
        customer.signed_up_at,
        customer.created_at,
        customer.updated_at,
    ) == (second, None, second)
    assert customer.first_asked_at == second + timedelta(seconds=0.5)
    assert customer.extra == {"created_at": True}


def test_a_list_is_read_as_its_objects_are() -> None:
    """One that is no object spoils the list, which would be short without it."""
    rows: list[object] = [{"id": 1, "email": 5}, {"email": "a@b", "id": "2"}]
    assert tuple(codec.decode(Customer, row) for row in rows) == codec.decode_all(Customer, rows)
    for unfit in (None, dict[str, Any](), "text"):
        with pytest.raises(codec.DecodeError):
            codec.decode_all(Customer, [*rows, unfit])
