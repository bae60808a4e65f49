"""Responses and errors in the form of a Laravel 10 application.

Successes:

- The envelope is ``{"success": true, "code": 200, "data": …}``; a list adds ``pagination`` [O].
- ``Content-Type`` is ``application/json`` without a charset, and ``Cache-Control`` is
  ``no-cache, private`` [L]. There is no ETag and no request id [L].

Errors, for a request that expects JSON (see `negotiation`):

- 401, 404, 405, 429, 500 and 503 have ``{"message": …}`` [L]; so has the 403 [I].
- The message of an unknown path names the path; the message of an unknown id names the model's
  PHP class and the id [L]. A record that a body names has no id in its message [L].
- A 405 lists the methods in its message and in ``Allow`` [L].
- A 422 has the first sentence as its message, followed by the number of further errors, and
  ``errors`` with all sentences by field [L].

Errors, for any other request:

- A 401 is a redirect to ``/login`` [L].
- A 422 is a redirect to the ``Referer``, or else to the front page [L].
- All other errors are HTML pages with the right status [L].
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from typing import Any

from moregood_async.privacy import Headers
from moregood_async.sandbox.negotiation import expects_json
from moregood_async.sandbox.php_json import compact_json, pretty_json
from moregood_async.wire import Request, Response

_CACHE = {"Cache-Control": "no-cache, private"}
_JSON = {**_CACHE, "Content-Type": "application/json"}
_HTML = {**_CACHE, "Content-Type": "text/html; charset=UTF-8"}
_JSON_HEADERS = Headers(_JSON)

_MESSAGES = {
    401: "Unauthenticated.",
    403: "This action is unauthorized.",
    429: "Too Many Attempts.",
    500: "Server Error",
}


class HttpError(Exception):  # it never leaves the sandbox
    """An error that ends the work on a request and becomes its response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message

    def headers(self) -> Mapping[str, str]:
        """Return the headers that only this error has."""
        return {}

    def body(self) -> bytes:
        """Return the JSON body, as Laravel's exception handler writes it."""
        return pretty_json({"message": self.message})


class ModelNotFound(HttpError):
    """404: no record has the id in the path, or matches the fields in the body."""

    def __init__(self, model: str, path_id: str | None = None) -> None:
        end = "." if path_id is None else f" {path_id}"
        super().__init__(404, f"No query results for model [App\\Models\\{model}]{end}")


class ValidationFailed(HttpError):
    """422, with the sentences by field."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        sentences = [sentence for of_field in errors.values() for sentence in of_field]
        more = len(sentences) - 1
        rest = f" (and {more} more error{'s' if more > 1 else ''})" if more else ""
        super().__init__(422, sentences[0] + rest)
        self.errors = errors

    def body(self) -> bytes:
        """Return compact JSON, unlike the other errors."""
        return compact_json({"message": self.message, "errors": self.errors})


class Unauthenticated(HttpError):
    """401: the key is missing or unknown, or the scheme is not ``Bearer``."""

    def __init__(self) -> None:
        super().__init__(401, _MESSAGES[401])

    def body(self) -> bytes:
        """Return compact JSON, unlike the other errors."""
        return compact_json({"message": self.message})


class MethodNotAllowed(HttpError):
    """405, with the methods that the route accepts."""

    def __init__(self, method: str, path: str, allowed_methods: list[str]) -> None:
        self.allow: str = ", ".join(allowed_methods)
        super().__init__(
            405,
            f"The {method} method is not supported for route {path}."
            f" Supported methods: {self.allow}.",
        )

    def headers(self) -> Mapping[str, str]:
        """Return ``Allow``."""
        return {"Allow": self.allow}


def success_response(data: object, pagination: Mapping[str, object] | None = None) -> Response:
    """Return a 200 with the data in the API's envelope."""
    envelope: dict[str, object] = {"success": True, "code": 200, "data": data}
    if pagination is not None:
        envelope["pagination"] = pagination
    return Response(status=200, headers=_JSON_HEADERS, body=compact_json(envelope))


def json_response(value: object, status: int = 200) -> Response:
    """Return JSON without the API's envelope, for the sandbox's own paths."""
    return Response(status=status, headers=_JSON_HEADERS, body=compact_json(value))


def default_message(status: int) -> str:
    """Return Laravel's message for a status; the empty string for an unknown one.

    >>> default_message(503)
    'Service Unavailable'
    """
    try:
        return _MESSAGES.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return ""


def error_response(request: Request, error: HttpError) -> Response:
    """Return an error in the form that the request accepts: JSON, a redirect or HTML."""
    if expects_json(request.headers):
        headers = Headers({**_JSON, **error.headers()})
        return Response(status=error.status, headers=headers, body=error.body())
    if error.status == 401:
        return redirect_response(f"{_origin(request)}/login")
    if error.status == 422:
        return redirect_response(request.headers.get("referer", _origin(request)))
    return html_response(error.status, default_message(error.status), error.headers())


def html_response(status: int, title: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a short error page."""
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n    <head>\n        <meta charset="utf-8">\n'
        f"        <title>{escape(title)}</title>\n    </head>\n    <body>\n"
        f"        <div>{status}</div>\n        <div>{escape(title)}</div>\n    </body>\n</html>\n"
    )
    return Response(
        status=status, headers=Headers({**_HTML, **(headers or {})}), body=page.encode()
    )


def redirect_response(location: str, status: int = 302) -> Response:
    """Return a redirect with a short page that links to the target."""
    link = f'<a href="{escape(location)}"></a>'
    page = f"<!DOCTYPE html>\n<html><body>Redirecting to {link}</body></html>\n"
    return Response(
        status=status, headers=Headers({**_HTML, "Location": location}), body=page.encode()
    )


def options_response(allowed_methods: list[str]) -> Response:
    """Return the empty 200 for OPTIONS."""
    headers = Headers({**_HTML, "Allow": ",".join(allowed_methods)})
    return Response(status=200, headers=headers, body=b"")


def _origin(request: Request) -> str:
    scheme, _, rest = request.url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def with_headers(response: Response, more: Mapping[str, Any]) -> Response:
    """Return a copy of the response with more headers."""
    headers = {
        **plain_headers(response.headers),
        **{name: str(value) for name, value in more.items()},
    }
    return Response(status=response.status, headers=Headers(headers), body=response.body)


def plain_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return headers with their names in the spelling in which they are sent."""
    return headers.plain if isinstance(headers, Headers) else headers
