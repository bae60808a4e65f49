"""How a Laravel 10 behind PHP 8.2 writes its answers; ``laravel.md`` items 1, 11, 14 to 16."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from http import HTTPStatus
from typing import Any

from moregood_async.privacy import Headers
from moregood_async.wire import Request, Response

try:
    import orjson as _orjson
except ImportError:  # the extra `speed` is not there
    _quick_json: Any = None
else:
    _quick_json = _orjson

_CACHE = {"Cache-Control": "no-cache, private"}
_JSON = {**_CACHE, "Content-Type": "application/json"}
_HTML = {**_CACHE, "Content-Type": "text/html; charset=UTF-8"}
_JSON_HEADERS = Headers(_JSON)
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

_MESSAGES = {
    401: "Unauthenticated.",
    403: "This action is unauthorized.",
    429: "Too Many Attempts.",
    500: "Server Error",
}


class Refused(Exception):  # it never leaves the sandbox
    """An answer that is an error; it ends the request's work."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message

    def headers(self) -> Mapping[str, str]:
        """What the answer carries beside the usual."""
        return {}

    def body(self) -> bytes:
        """As Laravel's exception handler prints it: pretty, and slashes as they are."""
        return pretty({"message": self.message})


class NoSuchModel(Refused):
    """404: nothing with that id, or nothing that matches."""

    def __init__(self, model: str, ident: str | None = None) -> None:
        end = "." if ident is None else f" {ident}"
        super().__init__(404, f"No query results for model [App\\Models\\{model}]{end}")


class Invalid(Refused):
    """422: the sentences by field."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        sentences = [sentence for said in errors.values() for sentence in said]
        more = len(sentences) - 1
        rest = f" (and {more} more error{'s' if more > 1 else ''})" if more else ""
        super().__init__(422, sentences[0] + rest)
        self.errors = errors

    def body(self) -> bytes:
        """On one line."""
        return compact({"message": self.message, "errors": self.errors})


class Unauthenticated(Refused):
    """401: no key, a wrong one, or another scheme than ``Bearer``."""

    def __init__(self) -> None:
        super().__init__(401, _MESSAGES[401])

    def body(self) -> bytes:
        """On one line."""
        return compact({"message": self.message})


class WrongMethod(Refused):
    """405, with the methods that the route has."""

    def __init__(self, method: str, path: str, allowed: list[str]) -> None:
        listed = ", ".join(allowed)
        super().__init__(
            405,
            f"The {method} method is not supported for route {path}. Supported methods: {listed}.",
        )
        self.allowed = listed

    def headers(self) -> Mapping[str, str]:
        """The methods that are answered."""
        return {"Allow": self.allowed}


def compact(value: object) -> bytes:
    r"""JSON as PHP's ``json_encode`` writes it.

    >>> print(compact({"link": "https://a/b", "name": "Zoë"}).decode())
    {"link":"https:\/\/a\/b","name":"Zo\u00eb"}
    """
    body = _quickly(value) if _quick_json else None
    return (body or _encode(value).encode()).replace(b"/", b"\\/")


def _quickly(value: object) -> bytes | None:
    """The same bytes, where nothing has to be escaped that orjson leaves as it is."""
    try:
        body: bytes = _quick_json.dumps(value)
    except TypeError:  # a number of more than 64 bits
        return None
    return body if body.isascii() else None


def pretty(value: object) -> bytes:
    """JSON as Laravel writes an exception: four blanks, slashes as they are."""
    return json.dumps(value, indent=4).encode()


def success(data: object, pagination: Mapping[str, object] | None = None) -> Response:
    """The envelope of an answer that worked."""
    envelope: dict[str, object] = {"success": True, "code": 200, "data": data}
    if pagination is not None:
        envelope["pagination"] = pagination
    return Response(status=200, headers=_JSON_HEADERS, body=compact(envelope))


def plain_json(value: object, status: int = 200) -> Response:
    """An answer of the sandbox's own, without an envelope."""
    return Response(status=status, headers=_JSON_HEADERS, body=compact(value))


def message_of(status: int) -> str:
    """What Laravel says to a status where nobody said anything else.

    >>> message_of(503)
    'Service Unavailable'
    """
    try:
        return _MESSAGES.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return ""


def refusal(request: Request, refused: Refused) -> Response:
    """The error as this request gets it: JSON where it asked for that, else HTML or a redirect."""
    if expects_json(request.headers):
        headers = Headers({**_JSON, **refused.headers()})
        return Response(status=refused.status, headers=headers, body=refused.body())
    if refused.status == 401:
        return redirect(f"{_origin(request)}/login")
    if refused.status == 422:
        return redirect(request.headers.get("referer", _origin(request)))
    return html(refused.status, message_of(refused.status), refused.headers())


def html(status: int, title: str, headers: Mapping[str, str] | None = None) -> Response:
    """A page for people, which is what a client gets that did not ask for JSON."""
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n    <head>\n        <meta charset="utf-8">\n'
        f"        <title>{escape(title)}</title>\n    </head>\n    <body>\n"
        f"        <div>{status}</div>\n        <div>{escape(title)}</div>\n    </body>\n</html>\n"
    )
    return Response(
        status=status, headers=Headers({**_HTML, **(headers or {})}), body=page.encode()
    )


def redirect(location: str, status: int = 302) -> Response:
    """A redirect, with the page that Symfony puts under it."""
    link = f'<a href="{escape(location)}"></a>'
    page = f"<!DOCTYPE html>\n<html><body>Redirecting to {link}</body></html>\n"
    return Response(
        status=status, headers=Headers({**_HTML, "Location": location}), body=page.encode()
    )


def options(allowed: list[str]) -> Response:
    """The answer to OPTIONS: no key, no body, no blanks between the methods."""
    headers = Headers({**_HTML, "Allow": ",".join(allowed)})
    return Response(status=200, headers=headers, body=b"")


def _origin(request: Request) -> str:
    scheme, _, rest = request.url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def expects_json(headers: Mapping[str, str]) -> bool:
    """Laravel's ``expectsJson``: the first type decides; ``*/*`` will do for an XMLHttpRequest."""
    ajax = headers.get("x-requested-with") == "XMLHttpRequest" and "x-pjax" not in headers
    return _expects_json(headers.get("accept", ""), ajax)


@lru_cache(maxsize=256)
def _expects_json(accept: str, ajax: bool) -> bool:
    types = _by_quality(accept)
    if not types:
        return ajax
    first = types[0]
    return "/json" in first or "+json" in first or (ajax and first in {"*/*", "*"})


def _by_quality(accept: str) -> list[str]:
    ranked: list[tuple[float, str]] = []
    for part in filter(None, (part.strip() for part in accept.split(","))):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        ranked.append((-_quality(parameters), kind.lower()))
    return [kind for _, kind in sorted(ranked, key=lambda pair: pair[0])]


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def with_headers(response: Response, more: Mapping[str, Any]) -> Response:
    """The same answer with more headers."""
    headers = {**plain(response.headers), **{name: str(value) for name, value in more.items()}}
    return Response(status=response.status, headers=Headers(headers), body=response.body)


def plain(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Headers with their names written as they are sent."""
    return headers.plain if isinstance(headers, Headers) else headers
