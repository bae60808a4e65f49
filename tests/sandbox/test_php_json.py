"""JSON as PHP writes it, with orjson and without."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.sandbox import php_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(-1e15, 1e15),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.fixture(params=["orjson", "json"])
def compact_json(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The function, once with orjson and once with the standard library."""
    if request.param == "json":
        monkeypatch.setattr(php_json, "_fast_json", None)
    else:
        pytest.importorskip("orjson")
    return php_json.compact_json


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"a/b": "http://c/d"}, rb'{"a\/b":"http:\/\/c\/d"}'),
        (["Zo\u00eb", "\U0001f600", "\ud83d"], rb'["Zo\u00eb","\ud83d\ude00","\ud83d"]'),
        ({"a": [None, True, 0, -1.5]}, b'{"a":[null,true,0,-1.5]}'),
        (['\x00\x1f\n"'], rb'["\u0000\u001f\n\""]'),
        ([2**70], b"[1180591620717411303424]"),
    ],
    ids=["slashes", "ascii", "values", "escapes", "big"],
)
def test_compact_json_escapes_slashes_and_all_characters_outside_ascii(
    compact_json: Any, value: object, written: bytes
) -> None:
    assert compact_json(value) == written


@given(VALUES)
def test_compact_json_can_be_read_back(value: object) -> None:
    written = php_json.compact_json(value)
    assert json.loads(written) == value
    assert written.isascii()
    assert b"/" not in written.replace(b"\\\\", b"").replace(b"\\/", b"")
