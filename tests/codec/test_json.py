"""JSON in bytes: what is read, and what is refused before it is sent."""

import importlib.util
import json
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async import InvalidRequest, Location, LocationUpdate, codec
from tests.strategies import examples, json_values


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"id":', b"\xff\xfe", b"NaN", b'{"x":Infinity}', b"[-Infinity]", b"1e999"],
    ids=["empty", "html", "cut", "binary", "nan", "infinity", "minus infinity", "overflow"],
)
def test_a_body_that_is_not_json_is_a_value_error(body: bytes) -> None:
    """Nor are NaN and infinity, though Python reads and writes them."""
    with pytest.raises(ValueError):
        codec.loads(body)


def test_json_that_is_nested_too_deeply_is_a_value_error() -> None:
    with pytest.raises(ValueError):
        codec.loads(b"[" * 100_000 + b"]" * 100_000)


@examples
@given(json_values)
def test_json_is_read_as_it_was_written(value: Any) -> None:
    """Numbers are as exact as the library reads them."""
    assert json.loads(codec.dumps(value)) == json.loads(json.dumps(value))
    assert codec.loads(json.dumps(value).encode()) == codec.loads(codec.dumps(value))


def endless_list() -> list[Any]:
    """Return a list that contains itself."""
    ring: list[Any] = []
    ring.append(ring)
    return ring


def deep_list() -> list[Any]:
    """Return a list in a list in a list, 100,000 times."""
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (float("nan"), "ValueError"),
        ({"x": [float("inf")]}, "ValueError"),
        ({"name": "\ud83d"}, "UnicodeEncodeError"),
        ({"at": datetime(2026, 5, 1, tzinfo=UTC)}, "TypeError"),
        ({1, 2}, "TypeError"),
        ({("a", "b"): 1}, "TypeError"),
        (b"bytes", "TypeError"),
        (endless_list(), "ValueError"),
        (deep_list(), "RecursionError"),
    ],
    ids=["nan", "infinity", "surrogate", "datetime", "set", "key", "bytes", "ring", "deep"],
)
def test_a_value_that_json_cannot_hold_is_refused_before_sending(
    value: object, reason: str
) -> None:
    """The error names the reason and not the value."""
    with pytest.raises(InvalidRequest) as caught:
        codec.dumps(value, operation="POST charges")
    assert caught.value.fields == {"json": (f"cannot be written as JSON ({reason})",)}
    assert caught.value.operation == "POST charges"


@examples
@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_json_or_a_value_error(body: bytes) -> None:
    try:
        value = codec.loads(body)
    except ValueError:
        return
    assert json.loads(body) == value


def test_the_codec_works_without_orjson(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "orjson", None)
    spec = importlib.util.spec_from_file_location("codec_without_orjson", codec.__file__)
    assert spec is not None
    assert spec.loader is not None
    bare: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bare)
    assert bare.decode(Location, bare.loads(b'{"id": 1}')) == Location(id=1)
    assert bare.encode(LocationUpdate(name="Soho")) == b'{"name":"Soho"}'
