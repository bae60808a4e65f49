r"""JSON as PHP and Laravel write it.

- Successes, 401 and 422 are compact; slashes are escaped as ``\/`` and characters outside ASCII
  as ``\uXXXX`` [L].
- Other errors are pretty-printed with four spaces, and slashes are not escaped [L].
"""

from __future__ import annotations

import json
from typing import Any

try:
    import orjson as _orjson
except ImportError:  # the extra `speed` is not installed
    _fast_json: Any = None
else:
    _fast_json = _orjson

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def compact_json(value: object) -> bytes:
    r"""Return JSON as PHP's ``json_encode`` writes it.

    >>> print(compact_json({"link": "https://a/b", "name": "Zoë"}).decode())
    {"link":"https:\/\/a\/b","name":"Zo\u00eb"}
    """
    body = _encode_fast(value) if _fast_json else None
    return (body or _encode(value).encode()).replace(b"/", b"\\/")


def _encode_fast(value: object) -> bytes | None:
    """Return orjson's bytes, or None if PHP would write other bytes or orjson cannot."""
    try:
        body: bytes = _fast_json.dumps(value)
    except TypeError:  # an integer of more than 64 bits, or a lone surrogate
        return None
    return body if body.isascii() else None  # orjson does not escape other characters


def pretty_json(value: object) -> bytes:
    """Return JSON as Laravel writes the body of an exception."""
    return json.dumps(value, indent=4).encode()
