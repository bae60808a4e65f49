"""What an answer is given, and what several nouns ask of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from moregood_async.sandbox import laravel
from moregood_async.sandbox.contacts import email_key, phone_key
from moregood_async.sandbox.laravel import NoSuchModel
from moregood_async.sandbox.paginator import Asked
from moregood_async.sandbox.store import Row, Store
from moregood_async.sandbox.timeline import Timeline
from moregood_async.wire import Response

_MATCHING = "SELECT * FROM customers WHERE project_id = ? AND {} = ? ORDER BY id LIMIT 1"
_BY_EMAIL, _BY_PHONE = _MATCHING.format("email_key"), _MATCHING.format("phone_key")


@attrs.define
class Call:
    """A request that was let in: its key is right and its route exists."""

    store: Store
    timeline: Timeline
    project: int
    now: int
    url: str
    """Without its query."""
    ident: str
    """The id in the path, as it was written."""
    fields: Mapping[str, Any]
    query: Mapping[str, Any]

    def customer_named(self, ident: str) -> Row:
        """The customer with the id in the path, or Laravel's 404."""
        return self._owned("customers", "Customer", ident)

    def location_named(self, ident: str) -> Row:
        """The location with the id in the path, or Laravel's 404."""
        return self._owned("locations", "Location", ident)

    def _owned(self, table: str, model: str, ident: str) -> Row:
        if ident.isascii() and ident.isdigit() and len(ident) < 19:
            sql = f"SELECT * FROM {table} WHERE id = ? AND project_id = ?"  # noqa: S608
            found = self.store.row(sql, (int(ident), self.project))
            if found:
                return found
        raise NoSuchModel(model, ident)

    def matching_customer(self, email: str | None, phone: str | None) -> Row | None:
        """The customer of the project with this email, else with this phone [P]; both as keys."""
        found = email and self.store.row(_BY_EMAIL, (self.project, email))
        return found or (phone and self.store.row(_BY_PHONE, (self.project, phone))) or None

    def known_customer(self) -> Row:
        """The customer that a charge or an ask names; an unknown one is a 404 [I]."""
        email, phone = self.fields.get("email"), self.fields.get("phone")
        found = self.matching_customer(email and email_key(email), phone and phone_key(phone))
        if found is None:
            raise NoSuchModel("Customer")
        return found

    def location_slug(self) -> int | None:
        """The id of the location that ``location_slug`` names; an unknown one is a 404 [P]."""
        slug = self.fields.get("location_slug")
        if slug is None:
            return None
        found = self.store.execute(
            "SELECT id FROM locations WHERE project_id = ? AND slug = ?", (self.project, slug)
        ).fetchone()
        if found is None:
            raise NoSuchModel("Location")
        return int(found[0])

    def listed(
        self, total: int, rows: Callable[[int, int], list[Row]], shown: Callable[[Row], Row]
    ) -> Response:
        """The page that the query asks for; ``rows`` is given a limit and an offset."""
        asked = Asked.of(self.query)
        offset = asked.offset
        items = [shown(row) for row in rows(asked.size, offset)] if offset < total else []
        return laravel.success(items, asked.pagination(self.url, total, len(items)))
