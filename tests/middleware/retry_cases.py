"""Retry cases: what the tests of this folder share."""

from __future__ import annotations

from tests.middleware.doubles import (
    request,
)

READ = request("GET", idempotent=True, operation="reviews.list")


UPSERT = request("POST", idempotent=True, operation="customers.upsert")


ONCE = request("POST", idempotent=False)
