"""Responses that report an error, by their status or by their envelope."""

from typing import Any

import pytest

from moregood_async import (
    APIError,
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    RateLimited,
    ServerError,
    Unauthorized,
    UnexpectedResponse,
    ValidationFailed,
)
from tests.envelope.reading import NGINX, api_error_of, error_of
from tests.strategies import make_response


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (400, BadRequest, "Bad Request"),
        (401, Unauthorized, "Unauthenticated."),
        (403, Forbidden, "This action is unauthorized."),
        (404, NotFound, "No query results for model [App\\Models\\Customer] 99999"),
        (404, NotFound, "The route beacon/nothing could not be found."),
        (404, NotFound, ""),
        (405, APIError, "The DELETE method is not supported for route beacon/customers."),
        (409, Conflict, "Conflict"),
        (429, RateLimited, "Too Many Attempts."),
        (500, ServerError, "Server Error"),
        (503, ServerError, "Service Unavailable"),
    ],
)
def test_a_status_with_a_message_is_the_error_of_the_status(
    status: int, kind: type[APIError], message: str
) -> None:
    """As Laravel writes it, compact or pretty."""
    error = api_error_of(make_response({"message": message}, status))
    assert type(error) is kind
    assert error.status == error.code == status
    assert error.message == message
    assert error.fields == {}
    assert message in str(error)


LARAVEL_8 = {"message": "The given data was invalid.", "errors": {"email": ["No.", "Never."]}}
LARAVEL_10 = {
    "message": "The email field is wrong. (and 1 more error)",
    "errors": {"tags.1": ["No slug."], "channels.0": ["No channel."]},
}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (LARAVEL_8, {"email": ("No.", "Never.")}),
        (LARAVEL_10, {"tags.1": ("No slug.",), "channels.0": ("No channel.",)}),
        ({"success": False, "code": 422, **LARAVEL_8}, {"email": ("No.", "Never.")}),
        ({"errors": {"email": "No."}}, {"email": ("No.",)}),
        ({"errors": {"email": [1, None]}}, {"email": ("1", "None")}),
        ({"errors": {"email": []}}, {"email": ()}),
        ({"errors": []}, {}),
        ({"errors": "No."}, {}),
        ({"errors": None}, {}),
        ({}, {}),
    ],
    ids=[
        "laravel 8",
        "laravel 10",
        "in an envelope",
        "one sentence",
        "sentences of other types",
        "no sentence",
        "php's empty map",
        "text",
        "null",
        "nothing",
    ],
)
def test_validation_errors_are_kept_by_field(body: object, fields: dict[str, Any]) -> None:
    """Nested fields have flat dotted names."""
    error = api_error_of(make_response(body, 422))
    assert type(error) is ValidationFailed
    assert error.fields == fields
    assert [name for name, problems in fields.items() if problems and name not in str(error)] == []


def test_validation_errors_that_are_nested_too_deeply_are_still_an_error() -> None:
    deep = b'{"errors":{"email":[' + b"[" * 1_000 + b"]" * 1_000 + b"]}}"
    error = api_error_of(make_response(deep, 422))
    assert type(error) is ValidationFailed
    assert error.fields.keys() <= {"email"}


@pytest.mark.parametrize("message", [None, 5, ["a"], {"a": "b"}, True], ids=repr)
def test_a_message_that_is_no_text_is_empty(message: object) -> None:
    """It is still in the body."""
    error = api_error_of(make_response({"message": message}, 500))
    assert error.message == ""
    assert str(error) == "500"


@pytest.mark.parametrize(
    "body",
    [b"", NGINX, b'{"message": "Server', b"[]", b'"no"', b"null", b"5", b"\xff\xfe"],
    ids=["empty", "html", "cut", "list", "text", "null", "number", "binary"],
)
@pytest.mark.parametrize("status", [404, 413, 502, 504])
def test_an_error_status_needs_no_json(status: int, body: bytes) -> None:
    """A proxy's page is as good; the body is kept as it is."""
    error = api_error_of(make_response(body, status))
    assert error.status == status
    assert error.message == ""
    assert error.body == body
    assert isinstance(error, ServerError) is (status >= 500)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry_After": "7"}, 7.0),
        ({"retry_after": "0"}, 0.0),
        ({"Retry-After": "?"}, None),
    ],
    ids=["none", "seconds", "zero", "nonsense"],
)
def test_an_error_has_the_retry_delay_of_the_header(
    headers: dict[str, str], seconds: float | None
) -> None:
    error = api_error_of(make_response({"message": "Too Many Attempts."}, 429, **headers))
    assert error.retry_after == seconds


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_unexpected(status: int) -> None:
    """Laravel redirects a request without a valid key or content type; it is never followed."""
    error = error_of(make_response(b"", status, location="https://example.com/login"))
    assert type(error) is UnexpectedResponse
    assert f"a redirect ({status}), which is never followed" in str(error)


ADA = {"id": 1, "first_name": "Ada"}


@pytest.mark.parametrize("denial", [False, 0, "false", "0", "no", "", [], {}, 2, "error"], ids=repr)
def test_a_200_that_denies_success_is_unexpected_even_with_data(denial: object) -> None:
    error = error_of(make_response({"success": denial, "data": ADA}))
    assert type(error) is UnexpectedResponse
    assert "a 200 that says success: false and nothing else" in str(error)


@pytest.mark.parametrize(
    ("contents", "kind", "code"),
    [
        ({"code": 422, "message": "No.", "errors": {"email": ["x"]}}, ValidationFailed, 422),
        ({"code": 404}, NotFound, 404),
        ({"code": "404"}, NotFound, 404),
        ({"code": 429}, RateLimited, 429),
        ({"code": 503}, ServerError, 503),
        ({"message": "No."}, APIError, 200),
        ({"errors": {"email": ["x"]}}, APIError, 200),
        ({"code": 200, "message": "No."}, APIError, 200),
        ({"code": 1001, "message": "No."}, APIError, 1001),
        ({"code": True, "message": "No."}, APIError, 200),
        ({"code": "E42", "message": "No."}, APIError, 200),
        ({"code": 4.22, "message": "No."}, APIError, 200),
    ],
    ids=repr,
)
def test_a_200_that_denies_success_with_a_reason_is_an_api_error(
    contents: dict[str, Any], kind: type[APIError], code: int
) -> None:
    """Its code stands for the status that it should have had."""
    error = api_error_of(make_response({"success": False, **contents}))
    assert type(error) is kind
    assert error.status == 200
    assert error.code == code


@pytest.mark.parametrize(
    "contents",
    [{}, {"code": 200}, {"message": ""}, {"errors": []}, {"code": 700}, {"data": None}],
    ids=repr,
)
def test_a_200_that_denies_success_without_a_reason_is_unexpected(contents: dict[str, Any]) -> None:
    assert type(error_of(make_response({"success": False, **contents}))) is UnexpectedResponse


def test_an_error_has_the_status_and_the_code_of_the_envelope() -> None:
    """A proxy or the application may have changed one of them."""
    error = api_error_of(make_response({"success": False, "code": 1001, "message": "No."}, 400))
    assert type(error) is BadRequest
    assert error.status == 400
    assert error.code == 1001
