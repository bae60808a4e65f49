"""Projects and their keys.

- ``Authorization: Bearer <key>``; each project has one secret key [D].
- The scheme is ``Bearer`` with this spelling and one space; ``bearer`` is a 401 [L].
- A missing or unknown key is a 401, for unknown ids and invalid bodies too [L]. The body is
  ``{"message":"Unauthenticated."}``, and there is no ``WWW-Authenticate`` header [L].
- A new key replaces the old one at once [D].
- The API refuses requests of a suspended project [D]; the sandbox responds with 403 and a message
  of its own [I].
- Projects share nothing: an id of another project is a 404 [I].

The store keeps only a hash of each key.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256

from moregood_async.sandbox.store import Store

UNKNOWN_PROJECT = 0
"""The project of a request without a known key; no row has this id."""

_SCHEME = "Bearer "


class Projects:
    """The projects of a sandbox, by key."""

    def __init__(self, store: Store, keys: Iterable[str]) -> None:
        self._store = store
        for key in keys:
            store.execute("INSERT OR IGNORE INTO projects (key_hash) VALUES (?)", (_hash(key),))
        self._load()

    def _load(self) -> None:
        rows = self._store.execute("SELECT key_hash, id, suspended FROM projects").fetchall()
        self._by_key_hash: dict[str, int] = {key_hash: project for key_hash, project, _ in rows}
        self._suspended: set[int] = {project for _, project, suspended in rows if suspended}

    def find(self, key: str) -> int:
        """Return the project of a key.

        Raises:
            LookupError: No project has this key.
        """
        project = self._by_key_hash.get(_hash(key))
        if project is None:
            raise LookupError("no project of this sandbox has this key")
        return project

    def authenticate(self, authorization: str) -> int:
        """Return the project for an ``Authorization`` header, or `UNKNOWN_PROJECT`."""
        if not authorization.startswith(_SCHEME):
            return UNKNOWN_PROJECT
        return self._by_key_hash.get(_hash(authorization[len(_SCHEME) :]), UNKNOWN_PROJECT)

    def rotate_key(self, key: str, new_key: str) -> None:
        """Replace a project's key; the old key stops working at once [D]."""
        if _hash(new_key) in self._by_key_hash:
            raise ValueError("a project with the new key exists already")
        self._store.execute(
            "UPDATE projects SET key_hash = ? WHERE id = ?", (_hash(new_key), self.find(key))
        )
        self._load()

    def suspend(self, key: str, *, suspended: bool) -> None:
        """Suspend a project, or end its suspension."""
        self._store.execute(
            "UPDATE projects SET suspended = ? WHERE id = ?", (int(suspended), self.find(key))
        )
        self._load()

    def is_suspended(self, project: int) -> bool:
        """Whether a project is suspended."""
        return project in self._suspended


@lru_cache(maxsize=1024)
def _hash(key: str) -> str:
    return sha256(key.encode(errors="backslashreplace")).hexdigest()
