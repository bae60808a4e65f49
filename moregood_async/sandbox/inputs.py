"""What Laravel makes of a request's body and query before any rule sees it.

A body that cannot be read counts as empty (``laravel.md`` items 1 to 3), strings are trimmed and
empty ones become null (item 5).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NoReturn, cast
from urllib.parse import parse_qsl

from moregood_async.wire import Request

_DEPTH = 512
_BLANKS = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000\ufeff\u200b"
)
_SURROGATE = re.compile(r"\\u[dD][89abAB]|\\u[dD][c-fC-F]")
_BRACKETS = re.compile(r"\[([^\]]*)\]")


def fields_of(request: Request) -> dict[str, Any]:
    """The fields that a request sends, cleaned."""
    kind = request.headers.get("content-type", "")
    body = request.body or b""
    if "/json" in kind or "+json" in kind:
        return _cleaned_fields(_json(body))
    if kind.startswith("application/x-www-form-urlencoded"):
        return _cleaned_fields(form(body.decode(errors="replace")))
    return {}


def query_of(url: str) -> dict[str, Any]:
    """The query of a URL, as PHP reads it: the last one wins, ``a[]=1`` is an array."""
    query = url.partition("?")[2].partition("#")[0]
    return form(query) if query else {}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


def _json(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode()
        read = _decoder.decode(text)
        if not isinstance(read, dict) or _too_deep(text, cast("dict[str, Any]", read)):
            return {}
        if _SURROGATE.search(text):
            json.dumps(read, ensure_ascii=False).encode()  # a lone surrogate does not survive this
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", read)


def _too_deep(text: str, read: dict[str, Any]) -> bool:
    """Whether it is nested more deeply than PHP reads; level by level, as Python's stack ends."""
    if text.count("[") + text.count("{") <= _DEPTH:
        return False
    level: list[Any] = [read]
    for _ in range(_DEPTH):
        level = [each for outer in level for each in _inner(outer) if isinstance(each, dict | list)]
    return bool(level)


def _inner(value: Any) -> Iterable[Any]:
    return cast("Iterable[Any]", value.values() if isinstance(value, dict) else value)


def form(text: str) -> dict[str, Any]:
    """Form fields as PHP reads them.

    >>> form("channels[]=email&channels[]=sms&email=a%40b")
    {'channels': ['email', 'sms'], 'email': 'a@b'}
    """
    fields: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, errors="replace"):
        bare, bracket, rest = name.partition("[")
        keys = _BRACKETS.findall(bracket + rest)
        if not keys:
            fields[name] = value
            continue
        held = fields.get(bare)
        entries: dict[str, str] = held if isinstance(held, _Entries) else _Entries()
        entries[keys[0] or str(len(entries))] = value
        fields[bare] = entries
    return {
        name: list(value.values()) if isinstance(value, _Entries) else value
        for name, value in fields.items()
    }


class _Entries(dict[str, str]):
    """An array of a form that is still being read."""


def _cleaned_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Strings trimmed, empty ones null; as deep as any rule looks, which is the entries."""
    return {
        name: (value.strip(_BLANKS) or None) if type(value) is str else _cleaned_entries(value)
        for name, value in fields.items()
    }


def _cleaned_entries(value: Any) -> Any:
    if isinstance(value, list):
        return [_cleaned(each) for each in cast("list[object]", value)]
    if isinstance(value, dict):
        return {name: _cleaned(each) for name, each in cast("dict[str, object]", value).items()}
    return value


def _cleaned(value: object) -> object:
    return (value.strip(_BLANKS) or None) if isinstance(value, str) else value
