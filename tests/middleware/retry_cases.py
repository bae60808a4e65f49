"""Requests of the retry tests: a read, an idempotent write, and a write that is sent once."""

from __future__ import annotations

from tests.middleware.doubles import request

READ = request("GET", idempotent=True, operation="reviews.list")


UPSERT = request("POST", idempotent=True, operation="customers.upsert")


ONCE = request("POST", idempotent=False)
