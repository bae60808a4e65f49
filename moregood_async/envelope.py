"""The envelope of a response: its data, its pagination, or the error that it reports.

A response is a success only if it has a 2xx status, is a JSON object, and does not deny success.
The documented envelope is ``{"success": true, "code": 200, "data": …}``, with ``"pagination"`` for
lists [O]. Errors are accepted in every shape that Laravel and the proxies before it send [I].
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
    """Return the error that a response reports, or None if it reports none.

    A 200 with ``"success": false`` is an error too [O]. A redirect is never followed: it could
    lead to a login page that responds with 200.
    """
    if not 200 <= response.status <= 299:
        return _status_error(response)
    contents = _json_or_none(response.body)
    return _denial(response, contents) if codec.is_object(contents) else None


def model_of(kind: type[T], response: Response) -> T:
    """Return the one object in a response.

    Raises:
        APIError: The API refused the request.
        UnexpectedResponse: The response is a redirect or not JSON, or its data is no such object.
    """
    data = _contents(response).get("data")
    if data is None or data == []:
        return _decode(kind, {}, response)  # PHP writes an empty map as a list
    return _decode(kind, data, response)


def page_of(kind: type[T], response: Response, *, number: int) -> tuple[Page[T], Pagination]:
    """Return the page ``number`` of a list, and the response's pagination.

    Raises:
        APIError: The API refused the request.
        UnexpectedResponse: The response is a redirect or not JSON, its data is no list, or an item
            is no such object.
    """
    contents = _contents(response)
    data, pagination = contents.get("data"), Pagination.of(contents.get("pagination"))
    if not isinstance(data, list):
        raise _unexpected("a response whose data is no list", response)
    page = Page(
        items=_decode_all(kind, cast(list[object], data), response),
        page=number,
        last_page=pagination.last_page,
        total=pagination.total,
        per_page=pagination.per_page,
        has_next=pagination.has_page_after(number),
    )
    return page, pagination


_TRUE = (True, "true", "1")  # 1 == True
_NOT_DENIED = (None, *_TRUE)


def _contents(response: Response) -> dict[str, Any]:
    """Return the JSON object of a success; raise the error of anything else."""
    if not 200 <= response.status <= 299:
        raise _status_error(response)
    try:
        contents = codec.loads(response.body)
    except ValueError as error:
        raise _unexpected(f"a {response.status} that is not JSON", response) from error
    if not codec.is_object(contents):
        raise _unexpected(f"a {response.status} that is no JSON object", response)
    denial = _denial(response, contents)
    if denial is not None:
        raise denial
    if "data" not in contents and contents.get("success") not in _TRUE:
        raise _unexpected(f"a {response.status} with neither success nor data", response)
    return contents


def _decode(kind: type[T], data: object, response: Response) -> T:
    try:
        return codec.decode(kind, data)
    except codec.DecodeError as error:
        raise _unexpected(f"the response holds {error}", response) from error


def _decode_all(kind: type[T], rows: list[object], response: Response) -> tuple[T, ...]:
    try:
        return codec.decode_all(kind, rows)
    except codec.DecodeError as error:
        raise _unexpected(f"the response holds {error}", response) from error


def _unexpected(problem: str, response: Response) -> UnexpectedResponse:
    return UnexpectedResponse(problem, status=response.status, body=response.body)


def _status_error(response: Response) -> MoreGoodError:
    """Return the error of a status outside 200 to 299."""
    if response.status < 400:
        return _unexpected(f"a redirect ({response.status}), which is never followed", response)
    contents = _json_or_none(response.body)
    return _api_error(response, response.status, contents if codec.is_object(contents) else {})


def _denial(response: Response, contents: dict[str, Any]) -> MoreGoodError | None:
    """Return the error of a 2xx with ``"success": false``; None if success is not denied."""
    if contents.get("success") in _NOT_DENIED:
        return None
    code = _code(contents)
    if code is not None and 400 <= code <= 599:  # the status that the response should have had
        return _api_error(response, code, contents)
    if contents.get("message") or contents.get("errors"):
        return _api_error(response, response.status, contents)
    return _unexpected(f"a {response.status} that says success: false and nothing else", response)


def _api_error(response: Response, status: int, contents: dict[str, Any]) -> APIError:
    message = contents.get("message")
    return error_class(status)(
        message if isinstance(message, str) else "",
        status=response.status,
        code=_code(contents),
        fields=_fields(contents.get("errors")),
        retry_after=retry_after(response),
        body=response.body,
    )


def _code(contents: dict[str, Any]) -> int | None:
    code = contents.get("code")
    if isinstance(code, str) and len(code) == 3 and code.isascii() and code.isdigit():
        return int(code)
    return code if type(code) is int else None  # True is an int too, and no code


def _fields(errors: object) -> Fields:
    """Return Laravel's ``errors``; nested fields have flat dotted names, such as ``tags.1``."""
    if not codec.is_object(errors):
        return {}
    return {name: _sentences(problems) for name, problems in errors.items()}


def _sentences(problems: object) -> tuple[str, ...]:
    if isinstance(problems, list):
        return tuple(_sentence(each) for each in cast(list[object], problems))
    return (_sentence(problems),)


def _sentence(problem: object) -> str:
    try:
        return str(problem)
    except (RecursionError, ValueError):  # a list in a list in a list…, a number of 5,000 digits
        return "unreadable"


def _json_or_none(body: bytes) -> object:
    try:
        return codec.loads(body)
    except ValueError:
        return None
