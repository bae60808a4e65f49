"""Projects and their keys. Only a hash of a key is stored."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256

from moregood_async.sandbox.store import Store

UNKNOWN = 0
"""Stands for the project of a request without a key that is known."""

_SCHEME = "Bearer "


class Projects:
    """Which key opens which project."""

    def __init__(self, store: Store, keys: Iterable[str]) -> None:
        self._store = store
        for key in keys:
            store.execute("INSERT OR IGNORE INTO projects (key_hash) VALUES (?)", (_hash(key),))
        self._read()

    def _read(self) -> None:
        rows = self._store.execute("SELECT key_hash, id, suspended FROM projects").fetchall()
        self._known: dict[str, int] = {key: ident for key, ident, _ in rows}
        self._suspended: set[int] = {ident for _, ident, suspended in rows if suspended}

    def of(self, key: str) -> int:
        """The project of a key.

        Raises:
            LookupError: No project has it.
        """
        project = self._known.get(_hash(key))
        if project is None:
            raise LookupError("no project of this sandbox has this key")
        return project

    def authorized(self, authorization: str) -> int:
        """The project that an Authorization header opens; the scheme is ``Bearer``, exactly."""
        if not authorization.startswith(_SCHEME):
            return UNKNOWN
        return self._known.get(_hash(authorization[len(_SCHEME) :]), UNKNOWN)

    def rotate(self, key: str, new_key: str) -> None:
        """The project has a new key; the old one is dead at once [D]."""
        if _hash(new_key) in self._known:
            raise ValueError("there is a project with the new key already")
        self._store.execute(
            "UPDATE projects SET key_hash = ? WHERE id = ?", (_hash(new_key), self.of(key))
        )
        self._read()

    def suspend(self, key: str, *, suspended: bool) -> None:
        """Suspends a project, or lets it work again."""
        self._store.execute(
            "UPDATE projects SET suspended = ? WHERE id = ?", (int(suspended), self.of(key))
        )
        self._read()

    def is_suspended(self, project: int) -> bool:
        """Whether a project is suspended."""
        return project in self._suspended


@lru_cache(maxsize=1024)
def _hash(key: str) -> str:
    return sha256(key.encode(errors="backslashreplace")).hexdigest()
