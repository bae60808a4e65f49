"""How answers are written, with orjson and without."""

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
def compact(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """With the library that is quick, and with Python's own."""
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
def test_compact_json_is_what_php_writes(compact: Any, value: object, written: bytes) -> None:
    """ASCII only, without blanks, and with slashes escaped."""
    assert compact(value) == written


@given(VALUES)
def test_anything_is_written_so_that_it_can_be_read(value: object) -> None:
    """Nothing but ASCII, and no bare slash."""
    written = php_json.compact_json(value)
    assert json.loads(written) == value
    assert written.isascii()
    assert b"/" not in written.replace(b"\\\\", b"").replace(b"\\/", b"")
