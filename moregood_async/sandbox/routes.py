"""Routes: the operation for a path and a method.

- The paths are those of `operations.OPERATIONS`, below a base URL that ends in ``/beacon`` [D].
  The host and everything before the last ``/beacon`` are ignored, because agencies put domains of
  their own in front of the API [D].
- A path works with and without a slash at its end, without a redirect [O] [L].
- A double slash or an upper-case letter makes another path, which is a 404 [L].
- An unknown path is a 404 and a wrong method is a 405, both before the key is checked [L].
- HEAD works on every GET route, with the same status and headers and without a body [L].
- OPTIONS is an empty 200 that needs no key; its ``Allow`` has commas without spaces [L]. The
  ``Allow`` of a 405 has commas with spaces [L].
- ``:id`` is the numeric id [O]. Anything else, and an unknown id, is a 404 of the model [L].
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import unquote

import attrs

from moregood_async.operations import OPERATIONS

BASE_PATH = "/beacon"
"""The end of the base URL. The last such segment of a path counts."""

CONTROL_PATH = "/__sandbox__/"
"""The paths below this one control the sandbox itself; see `control`."""

OTHER = "other"
"""The name under which requests that match no operation are counted."""


@attrs.frozen
class Route:
    """A path, its operations by method, and the id in the path."""

    path: str
    """The path without surrounding slashes, as Laravel's error messages show it."""
    operations: dict[str, str]
    """The operation's name by method; empty if the route does not exist."""
    path_id: str = ""

    def operation_for(self, method: str) -> str:
        """Return the name of the operation for a method, or ``other``.

        >>> route = find_route("http://localhost/beacon/customers/7/reviews?page=2")
        >>> route.operation_for("HEAD"), route.operation_for("POST")
        ('customers.reviews', 'other')
        """
        return self.operations.get("GET" if method == "HEAD" else method, OTHER)

    @property
    def allowed_methods(self) -> list[str]:
        """The methods that the route accepts, in Laravel's order."""
        return sorted({*self.operations, *(["HEAD"] if "GET" in self.operations else [])})


def _operations_by_path() -> dict[str, dict[str, str]]:
    """Return ``{"customers/{}/reviews": {"GET": "customers.reviews"}, …}``."""
    table: dict[str, dict[str, str]] = {}
    for operation in OPERATIONS:
        segments = ["{}" if "{" in part else part for part in operation.path.split("/")]
        table.setdefault("/".join(segments), {})[operation.method] = operation.name
    return table


_ROUTES = _operations_by_path()


def url_path(url: str) -> str:
    """Return the path of an absolute URL as it was sent, without the query."""
    head = url.partition("?")[0]
    start = head.find("/", head.find("://") + 3)
    return head[start:] if start >= 0 else "/"


def find_route(url: str) -> Route:
    """Return the route of a URL. An unknown route has no operations."""
    return _find_route(url_path(url).rstrip("/"))


@lru_cache(maxsize=1024)
def _find_route(path: str) -> Route:
    start = path.rfind(BASE_PATH)
    below_base = path[start + len(BASE_PATH) :]
    if start < 0 or (below_base and below_base[0] != "/"):  # the latter is "/beaconx"
        return Route(path.lstrip("/") or "/", {})
    full_path, below_base = path[start + 1 :], below_base[1:]
    operations = _ROUTES.get(below_base)
    if operations is not None:
        return Route(full_path, operations)
    # Every id is the second segment: "customers/7/reviews" is looked up as "customers/{}/reviews".
    # A client that sends a literal "{}" has no id.
    segments = below_base.split("/")
    if len(segments) < 2 or not segments[1] or segments[1] == "{}":
        return Route(full_path, {})
    pattern = "/".join([segments[0], "{}", *segments[2:]])
    return Route(full_path, _ROUTES.get(pattern, {}), unquote(segments[1]))
