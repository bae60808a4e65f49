"""Laravel's ``expectsJson``: whether a request gets its errors as JSON.

- The first type in ``Accept``, by quality, decides [L]: ``application/json, */*`` gets JSON, and
  ``text/html, application/json`` gets HTML.
- No ``Accept``, or ``*/*``, gets HTML, unless ``X-Requested-With`` is ``XMLHttpRequest`` [L].
- A success is JSON in every case [L].
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache


def expects_json(headers: Mapping[str, str]) -> bool:
    """Whether errors for a request with these headers are written as JSON."""
    is_ajax = headers.get("x-requested-with") == "XMLHttpRequest" and "x-pjax" not in headers
    return _accepts_json(headers.get("accept", ""), is_ajax)


@lru_cache(maxsize=256)
def _accepts_json(accept: str, is_ajax: bool) -> bool:
    types = _types_by_quality(accept)
    if not types:
        return is_ajax
    first = types[0]
    return "/json" in first or "+json" in first or (is_ajax and first in {"*/*", "*"})


def _types_by_quality(accept: str) -> list[str]:
    ranked: list[tuple[float, str]] = []
    for part in filter(None, (part.strip() for part in accept.split(","))):
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        ranked.append((-_quality(parameters), media_type.lower()))
    return [media_type for _, media_type in sorted(ranked, key=lambda pair: pair[0])]


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
