"""Request models: all problems at once, `UNSET`, copies, and the keywords that make them."""

import copy
import pickle
from collections.abc import Callable
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
    InvalidRequest,
    LocationCreate,
    LocationFields,
    LocationUpdate,
    LocationUpdateFields,
    Unset,
)
from moregood_async.models.fields import SentValue
from tests.models.values import FEWEST_FIELDS, TEXT_FIELDS, each_kind, make, problems_of
from tests.strategies import REQUEST_MODELS, examples, request_fields


def pickle_and_back(value: SentValue) -> SentValue:
    """Return the value after pickling."""
    back: SentValue = pickle.loads(pickle.dumps(value))
    return back


@each_kind
def test_the_required_fields_are_enough(kind: type[SentValue]) -> None:
    assert kind.of(FEWEST_FIELDS[kind]) == kind(**FEWEST_FIELDS[kind])


@each_kind
def test_a_field_that_is_left_out_is_unset(kind: type[SentValue]) -> None:
    value = make(kind)
    left_out = {a.name for a in attrs.fields(kind)} - FEWEST_FIELDS[kind].keys()
    assert [getattr(value, name) for name in left_out] == [UNSET] * len(left_out)


@each_kind
def test_every_optional_field_may_be_none(kind: type[SentValue]) -> None:
    """It is sent as null, and clears."""
    for name, hint in get_type_hints(kind).items():
        if type(None) in get_args(hint) and name not in FEWEST_FIELDS[kind]:
            assert getattr(make(kind, **{name: None}), name) is None


@each_kind
def test_a_required_field_may_not_be_unset(kind: type[SentValue]) -> None:
    required = [a.name for a in attrs.fields(kind) if a.default is attrs.NOTHING]
    for name in required:
        assert list(problems_of(kind, **{name: UNSET})) == [name]


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
def test_an_upsert_is_idempotent_with_an_email_or_a_phone(
    fields: dict[str, Any], idempotent: bool
) -> None:
    """Without them the server creates a customer each time."""
    assert make(CustomerUpsert, **fields).idempotent is idempotent


def test_an_update_is_idempotent() -> None:
    assert make(LocationUpdate).idempotent is True


def test_an_update_has_at_least_one_field() -> None:
    """None is a change."""
    with pytest.raises(InvalidRequest) as caught:
        LocationUpdate.of({})
    assert caught.value.fields == {"name": ("an update needs at least one field",)}
    assert LocationUpdate(code=None).code is None


def test_all_problems_are_reported_at_once() -> None:
    """Unknown, missing and wrong fields, each by its name."""
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
    assert [len(problems) for problems in caught.value.fields.values()] == [1] * 7


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
    [found] = problems_of(CustomerUpsert, **{name: "x"})[name]
    assert found.startswith(problem)


@each_kind
def test_a_missing_required_field_is_a_problem_and_no_type_error(kind: type[SentValue]) -> None:
    required = {a.name for a in attrs.fields(kind) if a.default is attrs.NOTHING}
    with pytest.raises(InvalidRequest) as caught:
        kind.of({"email": "a@b"} if "email" in FEWEST_FIELDS[kind] else {})
    assert caught.value.fields.keys() == (required or {"name"})


def test_attrs_evolve_checks_the_new_value() -> None:
    value = CustomerUpsert(first_name="Ada")
    with pytest.raises(InvalidRequest):
        attrs.evolve(value, first_name=" ")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        value.first_name = " "  # type: ignore[misc]


@each_kind
def test_the_repr_of_a_value_shows_field_names_and_no_contents(kind: type[SentValue]) -> None:
    canaries = {name: "canary" for each, name in TEXT_FIELDS if each is kind}
    value = make(kind, **canaries)
    shown = repr(value)
    assert "canary" not in shown.replace("canary=", "")
    names = [a.name for a in attrs.fields(kind) if getattr(value, a.name) is not UNSET]
    assert shown == f"{kind.__name__}({', '.join(f'{name}=…' for name in names)})"


@each_kind
@pytest.mark.parametrize(
    "carried",
    [pickle_and_back, copy.copy, copy.deepcopy],
    ids=["pickle", "copy", "deepcopy"],
)
def test_a_value_survives_pickle_and_copy(
    kind: type[SentValue], carried: Callable[[SentValue], SentValue]
) -> None:
    """A field that was unset is unset in the copy."""
    value = make(kind)
    there = carried(value)
    assert there == value
    assert repr(there) == repr(value)


def test_the_repr_of_unset_is_its_name() -> None:
    assert repr(UNSET) == "UNSET"


ROWS: list[tuple[type[SentValue], Any]] = [
    (CustomerUpsert, CustomerFields),
    (ChargeCreate, ChargeFields),
    (AskCreate, AskFields),
    (LocationCreate, LocationFields),
    (LocationUpdate, LocationUpdateFields),
]


@pytest.mark.parametrize(("kind", "row"), ROWS, ids=[row.__name__ for _, row in ROWS])
def test_the_keywords_of_a_method_are_the_fields_of_the_value(
    kind: type[SentValue], row: Any
) -> None:
    """The same names and types, but for `UNSET`, and the same required ones."""
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


@pytest.mark.parametrize("kind", REQUEST_MODELS, ids=lambda kind: kind.__name__)
def test_any_fields_that_keep_the_rules_make_a_value(kind: type[SentValue]) -> None:

    @examples
    @given(request_fields[kind])
    def holds(fields: dict[str, Any]) -> None:
        value = kind.of(fields)
        assert {name: getattr(value, name) for name in fields} == fields

    holds()


@pytest.mark.parametrize("kind", REQUEST_MODELS, ids=lambda kind: kind.__name__)
def test_any_fields_that_break_the_rules_are_refused_by_name(kind: type[SentValue]) -> None:
    names = [a.name for a in attrs.fields(kind)]
    anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
    rows = st.dictionaries(st.sampled_from(names), anything | st.lists(anything, max_size=2))

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
