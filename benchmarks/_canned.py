"""The responses of the benchmarks' servers: one customer, and pages of a hundred made from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

PAGE_ROWS = 100
_UUID = "e7aa83e4-dc32-4710-a855-6e9e69618bf7"
_URL = "https://api.moregoodreviews.com/beacon/customers"

CUSTOMER: dict[str, Any] = {
    "id": 1,
    "uuid": _UUID,
    "name": "Ada Larkmoor",
    "first_name": "Ada",
    "last_name": "Larkmoor",
    "email": "ada@example.com",
    "phone": "+14155550100",
    "phone_e164": "+14155550100",
    "phone_formatted": "(415) 555-0100",
    "company": "Larkmoor Books",
    "notes": None,
    "lang": "en",
    "address1": None,
    "address2": None,
    "city": "San Francisco",
    "state": None,
    "postal_code": None,
    "color": "#ba68c8",
    "gravatar": "https://www.gravatar.com/avatar/3e3417d7ef77d5932a6734b916515ed5?d=blank",
    "has_subscription": 0,
    "is_validated": False,
    "validation": None,
    "location_id": None,
    "charges_count": 0,
    "charges_sum": 0,
    "charges_avg": None,
    "first_charged_at": None,
    "last_charged_at": None,
    "first_asked_at": None,
    "last_asked_at": None,
    "signed_up_at": 1795392000,
    "created_at": 1795403402,
    "updated_at": 1795403402,
    "review_link": f"https://moregoodreviews.com/sandbox/r/{_UUID}",
    "unsubscribe_link": f"https://moregoodreviews.com/sandbox/u/{_UUID}",
}
"""A customer in the form in which the sandbox returns it."""


def laravel_json(value: object) -> bytes:
    """Encode as PHP does: compact, with escaped slashes."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


ONE_CUSTOMER = laravel_json({"success": True, "code": 200, "data": CUSTOMER | {"location": None}})
"""The response to an upsert."""

TOO_MANY = laravel_json({"message": "Too Many Attempts."})


class CannedPages:
    """Pages of 100 customers, made from one: only the ids and the page numbers differ."""

    def __init__(self, last: int) -> None:
        rows = [CUSTOMER | {"id": f"@PAGE@{row:02d}"} for row in range(PAGE_ROWS)]
        pagination = {
            "current_page": "@PAGE@",
            "first_page_url": f"{_URL}?page=1",
            "from": "@PAGE@00",
            "last_page": last,
            "last_page_url": f"{_URL}?page={last}",
            "next_page_url": "@NEXT@",
            "path": _URL,
            "per_page": PAGE_ROWS,
            "prev_page_url": None,
            "to": "@PAGE@99",
            "total": last * PAGE_ROWS,
        }
        content = {"success": True, "code": 200, "data": rows, "pagination": pagination}
        text = laravel_json(content).replace(b'"@PAGE@', b"@PAGE@").replace(b'"@NEXT@"', b"@NEXT@")
        for digits in (b"", *(b"%02d" % row for row in range(PAGE_ROWS))):
            text = text.replace(b"@PAGE@" + digits + b'"', b"@PAGE@" + digits)
        self._text, self._last = text, last

    def page(self, number: int) -> bytes:
        """Return the body of this page; no other page has the same ids."""
        following = laravel_json(f"{_URL}?page={number + 1}" if number < self._last else None)
        return self._text.replace(b"@PAGE@", b"%d" % number).replace(b"@NEXT@", following)


def head(status: bytes, size: int, more: Mapping[str, object] | None = None) -> bytes:
    """Return the head of a response, the empty line included."""
    lines = [
        b"HTTP/1.1 %s" % status,
        b"Date: %s" % formatdate(usegmt=True).encode(),
        b"Content-Type: application/json",
        b"Cache-Control: no-cache, private",
        b"Content-Length: %d" % size,
        *(f"{name}: {value}".encode() for name, value in (more or {}).items()),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"
