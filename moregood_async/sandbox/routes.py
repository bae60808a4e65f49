"""Which operation a path and a method stand for."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import unquote

import attrs

from moregood_async.operations import OPERATIONS

BASE = "/beacon"
"""Everything up to the last such segment is somebody's base URL, and ignored."""

CONTROL = "/__sandbox__/"
"""Below this the sandbox itself is spoken to; see `control`."""

OTHER = "other"
"""How requests that are no operation are counted."""


@attrs.frozen
class Route:
    """A path: the operations that it has by method, and the id in it."""

    path: str
    """As Laravel says it in its errors: without slashes around it."""
    operations: dict[str, str]
    """Name of the operation by method; empty where there is no such route."""
    ident: str = ""

    def operation(self, method: str) -> str:
        """The operation that a method stands for here, or ``other``.

        >>> find("http://localhost/beacon/customers/7/reviews?page=2").operation("HEAD")
        'customers.reviews'
        """
        return self.operations.get("GET" if method == "HEAD" else method, OTHER)

    @property
    def allowed(self) -> list[str]:
        """The methods that are answered here, in Laravel's order."""
        known = {*self.operations, *(["HEAD"] if "GET" in self.operations else [])}
        return sorted(known)


def _table() -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = {}
    for operation in OPERATIONS:
        segments = ["{}" if "{" in part else part for part in operation.path.split("/")]
        table.setdefault("/".join(segments), {})[operation.method] = operation.name
    return table


_ROUTES = _table()


def path_of(url: str) -> str:
    """The path of an absolute URL, as it was sent, without its query."""
    head = url.partition("?")[0]
    start = head.find("/", head.find("://") + 3)
    return head[start:] if start >= 0 else "/"


def find(url: str) -> Route:
    """The route of a URL; one without operations, where Laravel would say 404.

    A slash at the end is fine; a double slash or an upper-case letter is another route.
    """
    return _find(path_of(url).rstrip("/"))


@lru_cache(maxsize=1024)
def _find(path: str) -> Route:
    start = path.rfind(BASE)
    below = path[start + len(BASE) :]
    if start < 0 or (below and below[0] != "/"):
        return Route(path.lstrip("/") or "/", {})
    full, below = path[start + 1 :], below[1:]
    found = _ROUTES.get(below)
    if found is not None:
        return Route(full, found)
    segments = below.split("/")
    if len(segments) < 2 or not segments[1] or segments[1] == "{}":
        return Route(full, {})
    pattern = "/".join([segments[0], "{}", *segments[2:]])
    return Route(full, _ROUTES.get(pattern, {}), unquote(segments[1]))
