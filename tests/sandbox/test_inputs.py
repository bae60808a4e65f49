"""Reading of bodies: what counts as empty, and what is read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moregood_async.sandbox.inputs import read_form
from tests.depth import scaled
from tests.sandbox.api import ADA, Api

FIRST_NAME_REQUIRED = {"first_name": ["The first name field is required."]}


@pytest.mark.parametrize("content_type", ["", "text/plain"])
async def test_json_without_its_content_type_counts_as_empty(api: Api, content_type: str) -> None:
    response = await api.send("POST", "/customers", ADA, {"Content-Type": content_type})
    assert response.json()["errors"] == FIRST_NAME_REQUIRED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'["first_name"]',
        b'"first_name"',
        b"null",
        b'{"first_name": "Ada", "x": NaN}',
        b'{"first_name": "Ada", "x": "\xff"}',
        b'{"first_name": "Ada", "x": "\\ud83d"}',
        b'\xef\xbb\xbf{"first_name": "Ada"}',
        b'{"first_name": "Ada", "x": ' + b"[" * 512 + b"]" * 512 + b"}",
        b'{"first_name": "Ada", "x": ' + b"[" * 99_999,
    ],
    ids=[
        *("none", "broken", "list", "full list", "string", "null", "nan", "utf-8", "surrogate"),
        *("bom", "too deep", "far too deep"),
    ],
)
async def test_a_body_that_cannot_be_read_counts_as_empty(api: Api, body: bytes) -> None:
    """The response is a 422 about required fields and never a 400."""
    response = await api.send("POST", "/customers", body)
    assert response.status == 422
    assert response.json()["errors"] == FIRST_NAME_REQUIRED


@pytest.mark.parametrize(
    "extra",
    [b"[" * 511 + b"]" * 511, b'"\\ud83d\\ude00"', b"[[]," * 300 + b"1" + b"]" * 300, b"1e999"],
    ids=["deep", "pair", "many", "huge"],
)
async def test_an_extreme_but_valid_body_is_read(api: Api, extra: bytes) -> None:
    """Examples are 512 levels, a surrogate pair and many short arrays."""
    body = b'{"first_name":"Ada","x":' + extra + b"}"
    assert (await api.send("POST", "/customers", body)).status == 200


async def test_a_form_is_read_with_arrays_in_brackets(api: Api) -> None:
    """The keys can be numbers or missing; the last value of a name counts."""
    await api.upsert_ada()
    form = b"email=x&email=ada%40example.com&channels[]=email&channels[7]=sms&reminders_count=1"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await api.send("POST", "/asks", form, headers)
    assert response.status == 200
    assert len(await api.list("/messages")) == 4


@settings(max_examples=scaled(100))
@given(st.text(alphabet="ab[]=&%1é+", max_size=30))
def test_any_form_is_read_into_strings_and_lists_of_strings(text: str) -> None:
    for value in read_form(text).values():
        assert all(isinstance(each, str) for each in ([value] if isinstance(value, str) else value))
