"""The lists of a resource: paginators over the pages of an operation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, TypeVar

from moregood_async.batch import Items, WorkerPool, as_row_error
from moregood_async.errors import InvalidRequest
from moregood_async.models.pages import Page, Pagination
from moregood_async.operations import Operation
from moregood_async.pagination import Paginator, require_at_least
from moregood_async.session import SessionManager
from moregood_async.wire import Priority

T = TypeVar("T")


def make_paginator(
    session: SessionManager,
    operation: Operation[T],
    *,
    start_page: int = 1,
    per_page: int | None = None,
    prefetch: int = 0,
    priority: Priority | None = None,
    **ids: int,
) -> Paginator[T]:
    """Return a paginator over an operation's pages; ``ids`` are the parameters of its path.

    Raises:
        InvalidRequest: An argument is no whole number, or too small.
    """

    async def fetch(number: int) -> tuple[Page[T], Pagination]:
        return await session.page(
            operation, number=number, per_page=per_page, path=ids, priority=priority
        )

    try:
        if per_page is not None:
            require_at_least(1, per_page=per_page)
        return Paginator(fetch, start_page=start_page, prefetch=prefetch, operation=operation.name)
    except InvalidRequest as error:
        error._with_operation(operation.name)
        raise


async def read_for_customers(
    session: SessionManager, operation: Operation[T], customer_ids: Items[int]
) -> AsyncGenerator[tuple[int, T], None]:
    """Read the list of each customer, many customers at once; return ``(customer_id, item)``."""

    async def read(_: int, customer_id: int) -> tuple[int, list[T] | Exception]:
        try:
            paginator = make_paginator(session, operation, customer_id=customer_id, priority="bulk")
            return customer_id, await paginator.collect()
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - raised below
            error.add_note(f"while reading for {customer_id}")
            return customer_id, as_row_error(error)

    workers = session.settings.limits.max_concurrency
    results: Any = WorkerPool(customer_ids, read, workers=workers, ordered=False).results()
    try:
        async for customer_id, items in results:
            # Raised here and not in `read`, where the pool's TaskGroup would wrap it.
            if isinstance(items, Exception):
                raise items
            for item in items:
                yield customer_id, item
    finally:
        await results.aclose()
