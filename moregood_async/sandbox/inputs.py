r"""Reading of bodies and queries, as Laravel does it before any rule applies.

- A body is read as JSON only if ``Content-Type`` names JSON. Without the header, or with
  ``text/plain``, the body counts as empty [L]. Forms are read too, with ``tags[]=a`` for arrays
  [L].
- A body that cannot be read counts as empty, so the response is a 422 about required fields and
  never a 400 [L]. Examples are broken JSON, a list or a string at the top level, ``NaN``, invalid
  UTF-8 and a lone surrogate such as ``"\ud83d"`` [L], and JSON with more than 512 levels, the
  default of PHP's ``json_decode`` [I].
- Strings are trimmed, and empty strings become null, before the rules apply [L].
- Fields that no rule names are ignored [L].
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NoReturn, cast
from urllib.parse import parse_qsl

from moregood_async.wire import Request

PHP_JSON_DEPTH = 512
"""The levels that PHP's ``json_decode`` reads; a deeper body counts as empty."""

_BLANKS = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000\ufeff\u200b"
)
"""The characters that Laravel trims. They include two that Python's ``str.strip`` keeps."""

_SURROGATE = re.compile(r"\\u[dD][89abAB]|\\u[dD][c-fC-F]")
_BRACKETS = re.compile(r"\[([^\]]*)\]")


def read_fields(request: Request) -> dict[str, Any]:
    """Return the fields in a request's body, trimmed and with null for empty strings."""
    content_type = request.headers.get("content-type", "")
    body = request.body or b""
    if "/json" in content_type or "+json" in content_type:
        return _clean_fields(_read_json(body))
    if content_type.startswith("application/x-www-form-urlencoded"):
        return _clean_fields(read_form(body.decode(errors="replace")))
    return {}


def read_query(url: str) -> dict[str, Any]:
    """Return the query of a URL as PHP reads it: the last value of a name counts."""
    query = url.partition("?")[2].partition("#")[0]
    return read_form(query) if query else {}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity, which Python would accept


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode()
        value = _decoder.decode(text)
        if not isinstance(value, dict) or _is_too_deep(text, cast("dict[str, Any]", value)):
            return {}
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()  # raises on a lone surrogate
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", value)


def _is_too_deep(text: str, value: dict[str, Any]) -> bool:
    """Whether the JSON has more levels than PHP reads."""
    # Most bodies have few brackets, so counting them avoids the walk.
    if text.count("[") + text.count("{") <= PHP_JSON_DEPTH:
        return False
    # The walk is level by level, because recursion would exhaust Python's stack.
    level: list[Any] = [value]
    for _ in range(PHP_JSON_DEPTH):
        level = [
            inner
            for outer in level
            for inner in _entries_of(outer)
            if isinstance(inner, dict | list)
        ]
    return bool(level)


def _entries_of(value: Any) -> Iterable[Any]:
    return cast("Iterable[Any]", value.values() if isinstance(value, dict) else value)


def read_form(text: str) -> dict[str, Any]:
    """Return the fields of a form as PHP reads them.

    >>> read_form("channels[]=email&channels[]=sms&email=a%40b")
    {'channels': ['email', 'sms'], 'email': 'a@b'}
    """
    fields: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, errors="replace"):
        # "channels[7]" has the bare name "channels" and the key "7"; "channels[]" has the key "".
        bare_name, bracket, rest = name.partition("[")
        keys = _BRACKETS.findall(bracket + rest)
        if not keys:
            fields[name] = value
            continue
        previous = fields.get(bare_name)
        entries: dict[str, str] = previous if isinstance(previous, _FormArray) else _FormArray()
        entries[keys[0] or str(len(entries))] = value
        fields[bare_name] = entries
    return {
        name: list(value.values()) if isinstance(value, _FormArray) else value
        for name, value in fields.items()
    }


class _FormArray(dict[str, str]):
    """An array of a form, by key, while the form is read."""


def _clean_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Trim strings and replace empty ones by None, in fields and their direct entries.

    No rule of the sandbox looks at deeper levels.
    """
    return {
        name: (value.strip(_BLANKS) or None) if type(value) is str else _clean_entries(value)
        for name, value in fields.items()
    }


def _clean_entries(value: Any) -> Any:
    if isinstance(value, list):
        return [_clean(entry) for entry in cast("list[object]", value)]
    if isinstance(value, dict):
        return {name: _clean(entry) for name, entry in cast("dict[str, object]", value).items()}
    return value


def _clean(value: object) -> object:
    return (value.strip(_BLANKS) or None) if isinstance(value, str) else value
