"""What an answer says, in every shape that was seen, and in those that nobody saw yet."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async import (
    APIError,
    Ask,
    BadRequest,
    Charge,
    Conflict,
    Customer,
    Forbidden,
    Location,
    Message,
    MoreGoodError,
    NotFound,
    Page,
    RateLimited,
    Response,
    Review,
    ServerError,
    Unauthorized,
    UnexpectedResponse,
    ValidationFailed,
    codec,
)
from moregood_async.envelope import model_of, page_of, refusal
from moregood_async.models.pages import Pagination
from tests.strategies import ANSWERED, answer, envelopes, examples, responses, statuses

ADA = {"id": 1, "first_name": "Ada"}
NGINX = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n</html>\r\n"


@pytest.fixture(params=["orjson", "stdlib"], autouse=True)
def json_library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything holds with orjson and without it."""
    library = pytest.importorskip("orjson") if request.param == "orjson" else None
    monkeypatch.setattr(codec, "_fast_json", library)


def told(response: Response) -> MoreGoodError:
    """The error that an answer becomes, which is the same by every way of reading it."""
    error = refusal(response)
    assert error is not None
    for read in (
        lambda: model_of(Customer, response),
        lambda: page_of(Customer, response, number=1),
    ):
        with pytest.raises(MoreGoodError) as caught:
            read()
        assert (type(caught.value), vars(caught.value)) == (type(error), vars(error))
    return error


def first_page(kind: type[Any], response: Response) -> Page[Any]:
    """What `page_of` reads, in the form of `model_of`."""
    return page_of(kind, response, number=1)[0]


def api_error(response: Response) -> APIError:
    """The same, where the API itself said no."""
    error = told(response)
    assert isinstance(error, APIError)
    return error


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
def test_a_message_is_the_error_of_its_status(
    status: int, kind: type[APIError], message: str
) -> None:
    """As Laravel writes it, compact or pretty."""
    error = api_error(answer({"message": message}, status))
    assert type(error) is kind
    assert (error.status, error.code, error.message) == (status, status, message)
    assert error.fields == {}
    assert message in str(error)


L8 = {"message": "The given data was invalid.", "errors": {"email": ["No.", "Never."]}}
L10 = {
    "message": "The email field is wrong. (and 1 more error)",
    "errors": {"tags.1": ["No slug."], "channels.0": ["No channel."]},
}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (L8, {"email": ("No.", "Never.")}),
        (L10, {"tags.1": ("No slug.",), "channels.0": ("No channel.",)}),
        ({"success": False, "code": 422, **L8}, {"email": ("No.", "Never.")}),
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
        "odd sentences",
        "no sentence",
        "php's empty map",
        "text",
        "null",
        "nothing",
    ],
)
def test_complaints_are_told_by_field(body: object, fields: dict[str, Any]) -> None:
    """Nested ones under their dotted names, as they come."""
    error = api_error(answer(body, 422))
    assert type(error) is ValidationFailed
    assert error.fields == fields
    assert [name for name, said in fields.items() if said and name not in str(error)] == []


def test_complaints_nested_beyond_reason_are_still_an_error() -> None:
    """And not the end of the stack."""
    deep = b'{"errors":{"email":[' + b"[" * 1_000 + b"]" * 1_000 + b"]}}"
    error = api_error(answer(deep, 422))
    assert type(error) is ValidationFailed
    assert error.fields.keys() <= {"email"}


@pytest.mark.parametrize("message", [None, 5, ["a"], {"a": "b"}, True], ids=repr)
def test_a_message_that_is_no_text_is_none(message: object) -> None:
    """It is in the body, for whoever wants it."""
    error = api_error(answer({"message": message}, 500))
    assert error.message == ""
    assert str(error) == "500"


@pytest.mark.parametrize(
    "body",
    [b"", NGINX, b'{"message": "Server', b"[]", b'"no"', b"null", b"5", b"\xff\xfe"],
    ids=["empty", "html", "cut", "list", "text", "null", "number", "binary"],
)
@pytest.mark.parametrize("status", [404, 413, 502, 504])
def test_a_refusal_needs_no_json(status: int, body: bytes) -> None:
    """A proxy's page is as good; the body is kept as it came."""
    error = api_error(answer(body, status))
    assert (error.status, error.message, error.body) == (status, "", body)
    assert isinstance(error, ServerError) is (status >= 500)


@pytest.mark.parametrize(
    ("named", "seconds"),
    [
        ({}, None),
        ({"Retry_After": "7"}, 7.0),
        ({"retry_after": "0"}, 0.0),
        ({"Retry-After": "?"}, None),
    ],
    ids=["none", "seconds", "zero", "nonsense"],
)
def test_a_refusal_tells_the_wait(named: dict[str, str], seconds: float | None) -> None:
    """As far as the server named one; headers in any case."""
    assert api_error(answer({"message": "Too Many Attempts."}, 429, **named)).retry_after == seconds


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_unexpected(status: int) -> None:
    """It is where a request without a key or with a wrong type ends; it is never followed."""
    error = told(answer(b"", status, location="https://example.com/login"))
    assert type(error) is UnexpectedResponse
    assert f"a redirect ({status}), which is never followed" in str(error)


@pytest.mark.parametrize("no", [False, 0, "false", "0", "no", "", [], {}, 2, "error"], ids=repr)
def test_a_success_that_is_none_is_no_success(no: object) -> None:
    """Whatever the status, and whatever the data."""
    error = told(answer({"success": no, "data": ADA}))
    assert type(error) is UnexpectedResponse
    assert "a 200 that says success: false and nothing else" in str(error)


@pytest.mark.parametrize(
    ("said", "kind", "code"),
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
def test_a_refusal_with_status_200_is_a_refusal(
    said: dict[str, Any], kind: type[APIError], code: int
) -> None:
    """Its code stands for the status that it should have had."""
    error = api_error(answer({"success": False, **said}))
    assert (type(error), error.status, error.code) == (kind, 200, code)


@pytest.mark.parametrize(
    "said",
    [{}, {"code": 200}, {"message": ""}, {"errors": []}, {"code": 700}, {"data": None}],
    ids=repr,
)
def test_a_refusal_in_no_known_shape_is_unexpected(said: dict[str, Any]) -> None:
    """Nobody can say what it means."""
    assert type(told(answer({"success": False, **said}))) is UnexpectedResponse


def test_a_refusal_says_its_own_status_and_its_envelopes_code() -> None:
    """Where a proxy or the application changed one of them."""
    error = api_error(answer({"success": False, "code": 1001, "message": "No."}, 400))
    assert (type(error), error.status, error.code) == (BadRequest, 400, 1001)


@pytest.mark.parametrize("status", [200, 201, 202, 299])
@pytest.mark.parametrize(
    "said",
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
def test_a_success_gives_its_object(status: int, said: object) -> None:
    """Where it says so, or says nothing against it."""
    response = answer(said, status)
    assert refusal(response) is None
    assert model_of(Customer, response) == Customer(id=1, first_name="Ada")


def test_laravels_escapes_are_read() -> None:
    """It escapes every slash, and writes every umlaut by its number."""
    body = b'{"success":true,"data":{"id":1,"city":"K\\u00f6ln","review_link":"https:\\/\\/a\\/b"}}'
    customer = model_of(Customer, answer(body))
    assert (customer.city, customer.review_link) == ("Köln", "https://a/b")


@pytest.mark.parametrize("data", [{}, {"data": None}, {"data": []}, {"data": {}}], ids=repr)
def test_an_answer_without_data_is_an_empty_object(data: dict[str, Any]) -> None:
    """Which a charge and an ask may be, and what has an id may not."""
    response = answer({"success": True, **data})
    assert model_of(Charge, response) == Charge()
    assert model_of(Ask, response) == Ask()
    with pytest.raises(UnexpectedResponse, match="holds a Location without its id"):
        model_of(Location, response)


@pytest.mark.parametrize("data", [[ADA], "Ada", 1, True], ids=repr)
@pytest.mark.parametrize("kind", ANSWERED, ids=lambda kind: kind.__name__)
def test_data_that_is_no_object_is_unexpected(kind: type[Any], data: object) -> None:
    """Whatever was asked for."""
    with pytest.raises(UnexpectedResponse, match=f"no object where a {kind.__name__} belongs"):
        model_of(kind, answer({"success": True, "data": data}))


NOT_JSON = [b"", NGINX, b'{"success":true,"da', b"\xff\xfe", b"NaN", b"[" * 100_000]


@pytest.mark.parametrize("body", NOT_JSON, ids=["empty", "html", "cut", "binary", "nan", "deep"])
@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_success_that_is_not_json_is_unexpected(status: int, body: bytes) -> None:
    """An HTML page with status 200 is what a followed redirect ends in."""
    for read in (model_of, first_page):
        with pytest.raises(UnexpectedResponse) as caught:
            read(Ask, answer(body, status))
        assert (caught.value.status, caught.value.body) == (status, body)
        assert f"a {status} that is not JSON" in str(caught.value)
    assert refusal(answer(body, status)) is None


@pytest.mark.parametrize("body", [[], ["x"], "x", 5, None, True], ids=repr)
def test_json_that_is_no_object_is_unexpected(body: object) -> None:
    """A list at the top is no envelope."""
    for read in (model_of, first_page):
        with pytest.raises(UnexpectedResponse, match="a 200 that is no JSON object"):
            read(Ask, answer(body))
    assert refusal(answer(body)) is None


@pytest.mark.parametrize("body", [{}, {"success": None}, {"ok": True}, {"message": "hi"}], ids=repr)
def test_an_object_that_says_nothing_is_unexpected(body: object) -> None:
    """With neither success nor data it is some other server's."""
    with pytest.raises(UnexpectedResponse, match="with neither success nor data"):
        model_of(Ask, answer(body))


DOCUMENTED = {
    "current_page": 2,
    "path": "https://api.moregoodreviews.com/beacon/customers",
    "first_page_url": "https://api.moregoodreviews.com/beacon/customers?page=1",
    "last_page_url": "https://api.moregoodreviews.com/beacon/customers?page=3",
    "prev_page_url": "https://api.moregoodreviews.com/beacon/customers?page=1",
    "next_page_url": "https://api.moregoodreviews.com/beacon/customers?page=3",
    "from": 51,
    "to": 100,
    "total": 110,
    "per_page": 50,
    "last_page": 3,
}


def test_a_page_holds_its_items_and_the_servers_word() -> None:
    """As documented."""
    response = answer({"success": True, "code": 200, "data": [ADA], "pagination": DOCUMENTED})
    page, said = page_of(Customer, response, number=2)
    expected = Page(
        items=(Customer(id=1, first_name="Ada"),),
        page=2,
        last_page=3,
        total=110,
        per_page=50,
        has_next=True,
    )
    assert page == expected
    assert said == Pagination(
        current_page=2, last_page=3, total=110, per_page=50, has_next_link=True
    )


@pytest.mark.parametrize(
    ("pagination", "expected"),
    [
        ({}, Pagination()),
        ({"pagination": None}, Pagination()),
        ({"pagination": []}, Pagination()),
        ({"pagination": "2"}, Pagination()),
        (
            {
                "pagination": {
                    **DOCUMENTED,
                    "current_page": 9,
                    "from": None,
                    "to": None,
                    "next_page_url": None,
                }
            },
            Pagination(current_page=9, last_page=3, total=110, per_page=50, has_next_link=False),
        ),
        (
            {"pagination": {"current_page": "2", "last_page": -1, "total": 2.5, "per_page": {}}},
            Pagination(current_page=2),
        ),
        (
            {"pagination": {"current_page": 2**63 - 1, "from": 4.611686018427388e20}},
            Pagination(current_page=2**63 - 1),
        ),
    ],
    ids=["missing", "null", "php's empty map", "text", "beyond the end", "odd", "huge"],
)
def test_a_page_stands_any_pagination(pagination: dict[str, Any], expected: Pagination) -> None:
    """What makes no sense is not said."""
    response = answer({"success": True, "data": [], **pagination})
    page, said = page_of(Message, response, number=1)
    assert said == expected
    assert (
        Page(
            items=(),
            page=1,
            last_page=said.last_page,
            total=said.total,
            per_page=said.per_page,
            has_next=said.has_page_after(1),
        )
        == page
    )


@pytest.mark.parametrize("data", [None, {}, ADA, "x", 5], ids=repr)
def test_a_page_needs_a_list(data: object) -> None:
    """Anything else would pass for an empty one."""
    with pytest.raises(UnexpectedResponse, match="a response whose data is no list"):
        page_of(Review, answer({"success": True, "data": data}), number=1)


def test_a_page_without_its_list_is_unexpected() -> None:
    """Success alone is no list."""
    with pytest.raises(UnexpectedResponse, match="a response whose data is no list"):
        page_of(Review, answer({"success": True}), number=1)


@pytest.mark.parametrize("row", [None, [], "x", {}, {"id": None}], ids=repr)
def test_a_row_that_is_no_item_is_unexpected(row: object) -> None:
    """A page is read whole or not at all."""
    with pytest.raises(UnexpectedResponse, match="the response holds"):
        page_of(Review, answer({"success": True, "data": [{"id": 1}, row]}), number=1)


def test_an_unexpected_answer_keeps_its_body_and_shows_none_of_it() -> None:
    """It may hold anybody."""
    body = b'{"success": true, "data": "canary@example.com"}'
    with pytest.raises(UnexpectedResponse) as caught:
        model_of(Customer, answer(body))
    assert caught.value.body == body
    assert "canary" not in f"{caught.value}{caught.value!r}{caught.value.explain()}"


@examples
@given(responses, st.sampled_from(ANSWERED))
def test_no_answer_raises_anything_of_another_kind(response: Response, kind: type[Any]) -> None:
    """Any bytes with any status and any headers are a model, a page, or a `MoreGoodError`."""
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
    denied = refusal(response)
    if denied is not None:
        assert kinds == [type(denied)] * 2
    if not 200 <= response.status <= 299:
        assert denied is not None


@examples
@given(envelopes, statuses)
def test_every_answer_of_a_known_shape_is_read(said: Any, status: int) -> None:
    """The same property, nearer to what the API says; a wait is never negative or endless."""
    response = answer(said, status)
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
        assert not (codec.is_object(said) and said.get("success") is False)
