"""An admitted request, and how it names a customer, a location or a page.

- The id in a path must belong to the project; otherwise the response is Laravel's 404 for the
  model, before the body is checked [L].
- A body names a customer by email first, and by phone if no customer has the email [P].
- A charge or an ask for an unknown customer is an error [D]; the sandbox responds with 404 [I].
- ``location_slug`` names a location by its slug; an unknown slug is a 404 [P].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from moregood_async.sandbox import laravel
from moregood_async.sandbox.contacts import email_key, phone_key
from moregood_async.sandbox.laravel import ModelNotFound
from moregood_async.sandbox.paginator import PageQuery
from moregood_async.sandbox.store import Row, Store
from moregood_async.sandbox.timeline import Timeline
from moregood_async.wire import Response

_MATCHING = "SELECT * FROM customers WHERE project_id = ? AND {} = ? ORDER BY id LIMIT 1"
_BY_EMAIL, _BY_PHONE = _MATCHING.format("email_key"), _MATCHING.format("phone_key")
_LONGEST_ID = 18
"""The digits of an id that fits into 64 bits for certain."""


@attrs.define
class Call:
    """A request whose route exists, whose key is right, and that no throttle refused."""

    store: Store
    timeline: Timeline
    project: int
    now: int
    """The sandbox's time in unix seconds."""
    url: str
    """The URL without its query."""
    path_id: str
    """The id in the path, as text."""
    fields: Mapping[str, Any]
    """The fields of the body."""
    query: Mapping[str, Any]

    def customer_in_path(self) -> Row:
        """Return the customer with the id in the path."""
        return self._fetch_owned("customers", "Customer", self.path_id)

    def location_in_path(self) -> Row:
        """Return the location with the id in the path."""
        return self._fetch_owned("locations", "Location", self.path_id)

    def fetch_location(self, location_id: int) -> Row:
        """Return the location with this id."""
        return self._fetch_owned("locations", "Location", str(location_id))

    def _fetch_owned(self, table: str, model: str, text: str) -> Row:
        if text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID:
            sql = f"SELECT * FROM {table} WHERE id = ? AND project_id = ?"  # noqa: S608  own names
            row = self.store.fetch_row(sql, (int(text), self.project))
            if row:
                return row
        raise ModelNotFound(model, text)

    def find_customer(self, email: str | None, phone: str | None) -> Row | None:
        """Return the project's customer with this email key, or else with this phone key."""
        row = email and self.store.fetch_row(_BY_EMAIL, (self.project, email))
        return row or (phone and self.store.fetch_row(_BY_PHONE, (self.project, phone))) or None

    def customer_in_body(self) -> Row:
        """Return the customer that the body names by ``email`` or ``phone``."""
        email, phone = self.fields.get("email"), self.fields.get("phone")
        row = self.find_customer(email and email_key(email), phone and phone_key(phone))
        if row is None:
            raise ModelNotFound("Customer")
        return row

    def location_in_body(self) -> int | None:
        """Return the id of the location that the body names, or None if it names none."""
        slug = self.fields.get("location_slug")
        if slug is None:
            return None
        row = self.store.execute(
            "SELECT id FROM locations WHERE project_id = ? AND slug = ?", (self.project, slug)
        ).fetchone()
        if row is None:
            raise ModelNotFound("Location")
        return int(row[0])

    def list_page(
        self, total: int, fetch: Callable[[int, int], list[Row]], present: Callable[[Row], Row]
    ) -> Response:
        """Return the page that the query asks for.

        Args:
            total: The number of rows on all pages.
            fetch: Takes a limit and an offset, and returns rows.
            present: Takes a row, and returns an item as the API shows it.
        """
        page = PageQuery.from_query(self.query)
        offset = page.offset
        items = [present(row) for row in fetch(page.per_page, offset)] if offset < total else []
        return laravel.success_response(items, page.pagination(self.url, total, len(items)))
