"""What an answer says: its data, its pages, or its refusal, in every shape that was seen.

An answer is taken for a success only where it is a 2xx, is JSON, and says so.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from moregood_async import codec
from moregood_async.errors import (
    APIError,
    Fields,
    MoreGoodError,
    UnexpectedResponse,
    error_class,
)
from moregood_async.models.pages import Page, Pagination
from moregood_async.wire import Response, retry_after

T = TypeVar("T")


def refusal(response: Response) -> MoreGoodError | None:
    """The error that an answer stands for, or None where it is no refusal.

    A 200 that says ``success: false`` is an error too; redirects are never followed.
    """
    if not 200 <= response.status <= 299:
        return _refused(response) if response.status >= 400 else _redirected(response)
    said = _json_or_none(response.body)
    return _denied(response, said) if codec.is_object(said) else None


def model_of(kind: type[T], response: Response) -> T:
    """The one object that an answer holds.

    Raises:
        APIError: It is a refusal.
        UnexpectedResponse: It is not JSON, has no data, or the data is no such object.
    """
    data = _contents(response).get("data")
    if data is None or data == []:
        return _decoded(kind, {}, response)  # PHP writes an empty map as a list
    return _decoded(kind, data, response)


def page_of(kind: type[T], response: Response, *, number: int) -> tuple[Page[T], Pagination]:
    """A page of a list, and what the server says of the others.

    Raises:
        APIError: It is a refusal.
        UnexpectedResponse: It is not JSON, has no list, or an item is no such object.
    """
    contents = _contents(response)
    data, said = contents.get("data"), Pagination.of(contents.get("pagination"))
    if not isinstance(data, list):
        raise _unexpected("an answer whose data is no list", response)
    page = Page(
        items=_all_decoded(kind, cast(list[object], data), response),
        page=number,
        last_page=said.last_page,
        total=said.total,
        per_page=said.per_page,
        has_next=said.has_next if said.last_page is None else said.last_page > number,
    )
    return page, said


def _contents(response: Response) -> dict[str, Any]:
    if not 200 <= response.status <= 299:
        raise _refused(response) if response.status >= 400 else _redirected(response)
    try:
        said = codec.loads(response.body)
    except ValueError as error:
        raise _unexpected(f"a {response.status} that is not JSON", response) from error
    if not codec.is_object(said):
        raise _unexpected(f"a {response.status} that is no JSON object", response)
    denied = _denied(response, said)
    if denied is not None:
        raise denied
    if "data" not in said and said.get("success") not in _TRUE:
        raise _unexpected(f"a {response.status} with neither success nor data", response)
    return said


_TRUE = (True, "true", "1")
_NOT_DENIED = (None, *_TRUE)


def _decoded(kind: type[T], data: object, response: Response) -> T:
    try:
        return codec.decode(kind, data)
    except codec.Unfit as error:
        raise _unexpected(f"the answer holds {error}", response) from error


def _all_decoded(kind: type[T], rows: list[object], response: Response) -> tuple[T, ...]:
    try:
        return codec.decode_all(kind, rows)
    except codec.Unfit as error:
        raise _unexpected(f"the answer holds {error}", response) from error


def _unexpected(problem: str, response: Response) -> UnexpectedResponse:
    return UnexpectedResponse(problem, status=response.status, body=response.body)


def _redirected(response: Response) -> UnexpectedResponse:
    return _unexpected(f"a redirect ({response.status}), which is never followed", response)


def _refused(response: Response) -> APIError:
    said = _json_or_none(response.body)
    return _api_error(response, response.status, said if codec.is_object(said) else {})


def _denied(response: Response, said: dict[str, Any]) -> MoreGoodError | None:
    """The refusal behind a 2xx that says ``success: false``."""
    if said.get("success") in _NOT_DENIED:
        return None
    code = _code(said)
    if code is not None and 400 <= code <= 599:
        return _api_error(response, code, said)
    if said.get("message") or said.get("errors"):
        return _api_error(response, response.status, said)
    return _unexpected(f"a {response.status} that says success: false and nothing else", response)


def _api_error(response: Response, status: int, said: dict[str, Any]) -> APIError:
    code, message = _code(said), said.get("message")
    return error_class(status)(
        message if isinstance(message, str) else "",
        status=response.status,
        code=code,
        fields=_fields(said.get("errors")),
        retry_after=retry_after(response),
        body=response.body,
    )


def _code(said: dict[str, Any]) -> int | None:
    code = said.get("code")
    if isinstance(code, str) and len(code) == 3 and code.isascii() and code.isdigit():
        return int(code)
    return code if type(code) is int else None


def _fields(errors: object) -> Fields:
    if not codec.is_object(errors):
        return {}
    return {name: _sentences(said) for name, said in errors.items()}


def _sentences(said: object) -> tuple[str, ...]:
    if isinstance(said, list):
        return tuple(_sentence(each) for each in cast(list[object], said))
    return (_sentence(said),)


def _sentence(said: object) -> str:
    try:
        return str(said)
    except (RecursionError, ValueError):  # a list in a list in a list…, a number of 5,000 digits
        return "unreadable"


def _json_or_none(body: bytes) -> object:
    try:
        return codec.loads(body)
    except ValueError:
        return None
