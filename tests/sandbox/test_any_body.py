"""Whatever is sent, the sandbox has an answer."""

import asyncio
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moregood_async.operations import OPERATIONS
from moregood_async.sandbox import Sandbox
from moregood_async.sandbox.inputs import read_form
from tests.sandbox.api import ADA, Api

FIELDS = (
    *("first_name", "last_name", "company", "notes", "address1", "city", "postal_code", "email"),
    *("phone", "signed_up_at", "has_subscription", "location_slug", "tags", "amount", "currency"),
    *("charged_at", "channels", "reminders_count", "asked_at", "name", "display_name", "slug"),
)
PATHS = sorted({f"/{each.path}" for each in OPERATIONS if each.request_model})
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["a@b.c", "email", "sms", "2024-05-01", "20240501", "bay", "3", "EUR", "é"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
BODIES = st.dictionaries(st.sampled_from(FIELDS), VALUES) | VALUES
REASONABLE = st.fixed_dictionaries(
    {"first_name": st.just("Ada"), "name": st.just("Bay"), "email": st.just("ada@example.com")},
    optional={name: VALUES for name in FIELDS if name not in ("first_name", "name", "email")},
)


def answered(path: str, body: bytes, kind: str = "application/json") -> None:
    async def ask() -> None:
        with Sandbox() as sandbox:
            api = Api(sandbox)
            await api.customer()
            await api.post("/locations", name="Bay")
            method = "PUT" if "{" in path else "POST"
            response = await api.send(
                method, path.replace("{location_id}", "1"), body, {"Content-Type": kind}
            )
            assert response.status in (200, 404, 422), response
            for listed in ("/customers", "/messages", "/reviews"):
                assert len(json.dumps(await api.listed(listed))) > 0
            sandbox.advance(days=30)
            sandbox.audit()

    asyncio.run(ask())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(PATHS), body=BODIES | REASONABLE)
def test_any_json_is_answered(path: str, body: Any) -> None:
    """Taken, not found or refused, and what was stored can be listed: never a 500."""
    answered(path, json.dumps(body).encode())


@settings(max_examples=25, deadline=None)
@given(path=st.sampled_from(PATHS), body=st.binary() | st.text().map(str.encode))
def test_any_bytes_are_answered(path: str, body: bytes) -> None:
    """As JSON and as a form."""
    answered(path, body)
    answered(path, body, "application/x-www-form-urlencoded")


@settings(max_examples=100)
@given(st.text(alphabet="ab[]=&%1é+", max_size=30))
def test_any_form_is_read(text: str) -> None:
    """Into strings and lists of strings."""
    for value in read_form(text).values():
        assert all(isinstance(each, str) for each in ([value] if isinstance(value, str) else value))


@settings(max_examples=60, deadline=None)
@given(
    path=st.sampled_from(["/customers", "/reviews", "/messages", "/customers/1/reviews"]),
    query=st.text(max_size=12) | st.integers().map(lambda number: f"page={number}&per_page=7"),
)
def test_any_query_is_answered(path: str, query: str) -> None:
    """With a page."""

    async def ask() -> None:
        with Sandbox() as sandbox:
            api = Api(sandbox)
            await api.customer(**ADA)
            page = await api.get(f"{path}?{query.replace('#', '')}")
            assert page["pagination"]["current_page"] >= 1

    asyncio.run(ask())
