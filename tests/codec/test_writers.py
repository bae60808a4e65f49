"""The generated writers: request models to JSON."""

import json
from typing import Any, get_args

import attrs
import pytest
from hypothesis import given

from moregood_async import AskCreate, ChargeCreate, CustomerUpsert, LocationUpdate, codec
from moregood_async.models.dates import format_date
from moregood_async.models.fields import UNSET, SentValue
from tests.strategies import REQUEST_MODELS, examples, request_fields


@pytest.mark.parametrize("kind", REQUEST_MODELS, ids=lambda kind: kind.__name__)
def test_the_fields_that_were_set_are_written_and_no_others(kind: type[SentValue]) -> None:
    @examples
    @given(request_fields[kind])
    def holds(fields: dict[str, Any]) -> None:
        written = json.loads(codec.encode(kind.of(fields)))
        assert written == {name: _as_written(name, value) for name, value in fields.items()}

    holds()


def _as_written(name: str, value: Any) -> Any:
    if name.endswith("_at") and value is not None:
        return format_date(value)
    return [*value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("kind", REQUEST_MODELS, ids=lambda kind: kind.__name__)
def test_unset_is_not_sent_and_none_is_null(kind: type[SentValue]) -> None:
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
    from collections import UserList, deque

    value = CustomerUpsert(first_name="Ada", tags=deque(["regular"]))
    assert json.loads(codec.encode(value)) == {"first_name": "Ada", "tags": ["regular"]}
    ask = AskCreate(email="a@b", channels=UserList(["sms"]))
    assert json.loads(codec.encode(ask))["channels"] == ["sms"]


@pytest.mark.parametrize("amount", [2**63 - 1, -(2**63)])
def test_an_amount_of_64_bits_is_written_exactly(amount: int) -> None:
    value = ChargeCreate(amount=amount, email="a@b")
    assert json.loads(codec.encode(value))["amount"] == amount


def test_text_is_written_in_utf_8_by_both_json_libraries() -> None:
    value = LocationUpdate(name='Zoë "Ω" \U0001f600\n')
    assert codec.encode(value) == '{"name":"Zoë \\"Ω\\" \U0001f600\\n"}'.encode()
