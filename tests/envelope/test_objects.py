"""Responses that hold one object, and successes that are none."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async import (
    APIError,
    Ask,
    Charge,
    Customer,
    Location,
    MoreGoodError,
    Page,
    Response,
    UnexpectedResponse,
    codec,
)
from moregood_async.envelope import model_of, refusal
from tests.envelope.reading import NGINX, first_page
from tests.strategies import (
    RESPONSE_MODELS,
    envelopes,
    examples,
    make_response,
    responses,
    statuses,
)

ADA = {"id": 1, "first_name": "Ada"}


@pytest.mark.parametrize("status", [200, 201, 202, 299])
@pytest.mark.parametrize(
    "contents",
    [
        {"success": True, "code": 200, "data": ADA},
        {"success": 1, "data": ADA},
        {"success": "true", "data": ADA},
        {"success": "1", "data": ADA},
        {"success": None, "data": ADA},
        {"data": ADA},
    ],
    ids=["documented", "1", "true", "text of 1", "null", "left out"],
)
def test_a_success_holds_its_object(status: int, contents: object) -> None:
    """Success may be stated in several ways, or not at all."""
    response = make_response(contents, status)
    assert refusal(response) is None
    assert model_of(Customer, response) == Customer(id=1, first_name="Ada")


def test_laravels_escapes_are_read() -> None:
    """It escapes every slash, and writes umlauts by number."""
    body = b'{"success":true,"data":{"id":1,"city":"K\\u00f6ln","review_link":"https:\\/\\/a\\/b"}}'
    customer = model_of(Customer, make_response(body))
    assert customer.city == "Köln"
    assert customer.review_link == "https://a/b"


@pytest.mark.parametrize("data", [{}, {"data": None}, {"data": []}, {"data": {}}], ids=repr)
def test_a_response_without_data_is_an_empty_object(data: dict[str, Any]) -> None:
    """A charge and an ask may be empty; a model with an id may not."""
    response = make_response({"success": True, **data})
    assert model_of(Charge, response) == Charge()
    assert model_of(Ask, response) == Ask()
    with pytest.raises(UnexpectedResponse, match="holds a Location without its id"):
        model_of(Location, response)


@pytest.mark.parametrize("data", [[ADA], "Ada", 1, True], ids=repr)
@pytest.mark.parametrize("kind", RESPONSE_MODELS, ids=lambda kind: kind.__name__)
def test_data_that_is_no_object_is_unexpected(kind: type[Any], data: object) -> None:
    with pytest.raises(UnexpectedResponse, match=f"no object where a {kind.__name__} belongs"):
        model_of(kind, make_response({"success": True, "data": data}))


NOT_JSON = [b"", NGINX, b'{"success":true,"da', b"\xff\xfe", b"NaN", b"[" * 100_000]


@pytest.mark.parametrize("body", NOT_JSON, ids=["empty", "html", "cut", "binary", "nan", "deep"])
@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_success_that_is_not_json_is_unexpected(status: int, body: bytes) -> None:
    """A followed redirect ends in an HTML page with status 200."""
    for read in (model_of, first_page):
        with pytest.raises(UnexpectedResponse) as caught:
            read(Ask, make_response(body, status))
        assert caught.value.status == status
        assert caught.value.body == body
        assert f"a {status} that is not JSON" in str(caught.value)
    assert refusal(make_response(body, status)) is None


@pytest.mark.parametrize("body", [[], ["x"], "x", 5, None, True], ids=repr)
def test_json_that_is_no_object_is_unexpected(body: object) -> None:
    for read in (model_of, first_page):
        with pytest.raises(UnexpectedResponse, match="a 200 that is no JSON object"):
            read(Ask, make_response(body))
    assert refusal(make_response(body)) is None


@pytest.mark.parametrize("body", [{}, {"success": None}, {"ok": True}, {"message": "hi"}], ids=repr)
def test_an_object_with_neither_success_nor_data_is_unexpected(body: object) -> None:
    """Some other server sent it."""
    with pytest.raises(UnexpectedResponse, match="with neither success nor data"):
        model_of(Ask, make_response(body))


def test_an_unexpected_response_keeps_its_body_and_does_not_show_it() -> None:
    body = b'{"success": true, "data": "canary@example.com"}'
    with pytest.raises(UnexpectedResponse) as caught:
        model_of(Customer, make_response(body))
    assert caught.value.body == body
    assert "canary" not in f"{caught.value}{caught.value!r}{caught.value.explain()}"


@examples
@given(responses, st.sampled_from(RESPONSE_MODELS))
def test_any_response_is_a_model_or_a_page_or_an_error_of_the_package(
    response: Response, kind: type[Any]
) -> None:
    """Any bytes, with any status and any headers."""
    readings: list[object] = []
    for read in (model_of, first_page):
        try:
            readings.append(read(kind, response))
        except MoreGoodError as error:
            assert str(error)  # noqa: PT017
            readings.append(error)
    kinds = [type(reading) for reading in readings]
    assert issubclass(kinds[0], (kind, MoreGoodError))
    assert issubclass(kinds[1], (Page, MoreGoodError))
    reported = refusal(response)
    if reported is not None:
        assert kinds == [type(reported)] * 2
    if not 200 <= response.status <= 299:
        assert reported is not None


@examples
@given(envelopes, statuses)
def test_any_envelope_is_a_model_or_an_error_of_the_package(contents: Any, status: int) -> None:
    """A retry delay is never negative or endless."""
    response = make_response(contents, status)
    try:
        model_of(Charge, response)
    except APIError as error:
        assert error.status == status  # noqa: PT017
        assert 0 <= (error.retry_after or 0) < math.inf  # noqa: PT017
        assert isinstance(error.code, int)  # noqa: PT017
    except UnexpectedResponse as error:
        assert error.status == status  # noqa: PT017
    else:
        assert 200 <= status <= 299
        assert not (codec.is_object(contents) and contents.get("success") is False)
