"""Every request has a response: properties over arbitrary bodies and queries."""

import asyncio
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moregood_async.operations import OPERATIONS
from moregood_async.sandbox import Sandbox
from tests.depth import scaled
from tests.sandbox.api import Api

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
REASONABLE_BODIES = st.fixed_dictionaries(
    {"first_name": st.just("Ada"), "name": st.just("Bay"), "email": st.just("ada@example.com")},
    optional={name: VALUES for name in FIELDS if name not in ("first_name", "name", "email")},
)


def check_response(path: str, body: bytes, content_type: str = "application/json") -> None:
    """Send a body to a sandbox with one customer and one location, and list what is stored."""

    async def check() -> None:
        with Sandbox() as sandbox:
            api = Api(sandbox)
            await api.upsert_ada()
            await api.post("/locations", name="Bay")
            method = "PUT" if "{" in path else "POST"
            full_path = path.replace("{location_id}", "1")
            response = await api.send(method, full_path, body, {"Content-Type": content_type})
            assert response.status in (200, 404, 422), response
            for list_path in ("/customers", "/messages", "/reviews"):
                assert len(json.dumps(await api.list(list_path))) > 0
            sandbox.advance(days=30)
            sandbox.audit()

    asyncio.run(check())


@settings(max_examples=scaled(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(PATHS), body=BODIES | REASONABLE_BODIES)
def test_any_json_is_a_200_a_404_or_a_422_and_never_a_500(path: str, body: Any) -> None:
    check_response(path, json.dumps(body).encode())


@settings(max_examples=scaled(25), deadline=None)
@given(path=st.sampled_from(PATHS), body=st.binary() | st.text().map(str.encode))
def test_any_bytes_are_a_200_a_404_or_a_422_and_never_a_500(path: str, body: bytes) -> None:
    check_response(path, body)
    check_response(path, body, "application/x-www-form-urlencoded")


@settings(max_examples=scaled(60), deadline=None)
@given(
    path=st.sampled_from(["/customers", "/reviews", "/messages", "/customers/1/reviews"]),
    query=st.text(max_size=12) | st.integers().map(lambda number: f"page={number}&per_page=7"),
)
def test_any_query_of_a_list_is_a_page(path: str, query: str) -> None:
    async def check() -> None:
        with Sandbox() as sandbox:
            api = Api(sandbox)
            await api.upsert_ada()
            page = await api.get(f"{path}?{query.replace('#', '')}")
            assert page["pagination"]["current_page"] >= 1

    asyncio.run(check())
