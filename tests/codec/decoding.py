"""Models and the JSON that they are read from."""

import json
from typing import Any

import attrs
import pytest

from moregood_async import codec
from tests.strategies import NESTED_MODELS, RESPONSE_MODELS, field_types

each_kind = pytest.mark.parametrize(
    "kind", [*RESPONSE_MODELS, *NESTED_MODELS], ids=lambda kind: kind.__name__
)
each_response_model = pytest.mark.parametrize(
    "kind", RESPONSE_MODELS, ids=lambda kind: kind.__name__
)
FIELDS = [(kind, name) for kind in (*RESPONSE_MODELS, *NESTED_MODELS) for name in field_types(kind)]
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
"""A value of every JSON type, and some of each that are wrong."""


def required_fields(kind: type[Any]) -> dict[str, Any]:
    """Return the fields that a model cannot be read without."""
    return {a.name: 1 for a in attrs.fields(kind) if a.default is attrs.NOTHING}


def read(kind: type[Any], data: object) -> Any:
    """Return the model of an object, by way of JSON bytes."""
    return codec.decode(kind, codec.loads(json.dumps(data).encode()))
