"""How a resource lists: a row of the operations table becomes a paginator."""

from __future__ import annotations

from typing import TypeVar

from moregood_async.errors import InvalidRequest
from moregood_async.models.pages import Page, Pagination
from moregood_async.operations import Operation
from moregood_async.pagination import Paginator, refuse_less
from moregood_async.session import SessionManager
from moregood_async.wire import Priority

T = TypeVar("T")


def listed(
    session: SessionManager,
    operation: Operation[T],
    *,
    start_page: int = 1,
    per_page: int | None = None,
    prefetch: int = 0,
    priority: Priority | None = None,
    **ids: int,
) -> Paginator[T]:
    """A paginator over an operation's pages; ``ids`` are those in its path.

    Raises:
        InvalidRequest: A number is none, or too small.
    """

    async def fetch(number: int) -> tuple[Page[T], Pagination]:
        return await session.page(
            operation, number=number, per_page=per_page, path=ids, priority=priority
        )

    try:
        if per_page is not None:
            refuse_less(1, per_page=per_page)
        return Paginator(fetch, start_page=start_page, prefetch=prefetch, operation=operation.name)
    except InvalidRequest as error:
        error._with_operation(operation.name)
        raise
