"""Request models with as few fields as they need."""

from collections.abc import Mapping
from typing import Any, get_type_hints

import attrs
import pytest

from moregood_async import (
    AskCreate,
    ChargeCreate,
    CustomerUpsert,
    InvalidRequest,
    LocationCreate,
    LocationUpdate,
    Unset,
)
from moregood_async.models.fields import SentValue
from tests.strategies import REQUEST_MODELS

FEWEST_FIELDS: dict[type[SentValue], dict[str, Any]] = {
    CustomerUpsert: {"first_name": "Ada"},
    ChargeCreate: {"amount": 4900, "email": "ada@example.com"},
    AskCreate: {"channels": ["email"], "email": "ada@example.com"},
    LocationCreate: {"name": "Soho"},
    LocationUpdate: {"slug": "soho"},
}
"""The fields without which a value cannot be made."""

each_kind = pytest.mark.parametrize("kind", REQUEST_MODELS, ids=lambda kind: kind.__name__)

TEXT_FIELDS = [
    (kind, a.name)
    for kind in REQUEST_MODELS
    for a in attrs.fields(kind)
    if get_type_hints(kind)[a.name] in (str | Unset | None, str | Unset, str)
    and a.name != "currency"
]

each_text = pytest.mark.parametrize(
    ("kind", "name"), TEXT_FIELDS, ids=[f"{kind.__name__}.{name}" for kind, name in TEXT_FIELDS]
)


def make(kind: type[SentValue], **fields: Any) -> SentValue:
    """Return a value with the fewest fields, and these fields."""
    return kind.of({**FEWEST_FIELDS[kind], **fields})


def problems_of(kind: type[SentValue], **fields: Any) -> Mapping[str, tuple[str, ...]]:
    """Return the problems of a value with the fewest fields, and these fields."""
    with pytest.raises(InvalidRequest) as caught:
        make(kind, **fields)
    return caught.value.fields
