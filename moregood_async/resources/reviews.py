"""``client.reviews``: what customers clicked and wrote."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from moregood_async.batch import Items
from moregood_async.models.reviews import Review
from moregood_async.operations import CUSTOMERS_REVIEWS, REVIEWS_LIST
from moregood_async.pagination import Paginator
from moregood_async.resources.lists import make_paginator, read_for_customers
from moregood_async.session import SessionManager


class Reviews:
    """The reviews of the project.

    >>> import asyncio
    >>> from moregood_async import MoreGoodClient
    >>> from moregood_async.sandbox import Sandbox
    >>> async def main() -> None:
    ...     sandbox = Sandbox()
    ...     async with MoreGoodClient("test-key", transport=sandbox) as client:
    ...         ada = await client.customers.upsert(first_name="Ada", email="ada@example.com")
    ...         sandbox.click(ada.id, score=5)
    ...         for review in await client.reviews.list().collect(limit=10):
    ...             print(review.score, review.review)
    >>> asyncio.run(main())
    5 None
    """

    def __init__(self, session: SessionManager) -> None:
        self._session = session

    def list(
        self, *, start_page: int = 1, per_page: int | None = None, prefetch: int = 0
    ) -> Paginator[Review]:
        """Return all reviews of the project, newest first by ``created_at`` [O].

        Hidden and duplicate reviews are in the list too [O].

        Nothing is sent before the `Paginator` is read; then each page is one request, which is
        retried.

        Args:
            start_page: The first page to read, counted from 1.
            per_page: Reviews on a page; the server's default is 50 [D], its maximum is unknown,
                and it may ignore the number [O].
            prefetch: Pages to request ahead of the one that is read.

        Raises:
            InvalidRequest: An argument is no whole number, or too small.
        """
        return make_paginator(
            self._session,
            REVIEWS_LIST,
            start_page=start_page,
            per_page=per_page,
            prefetch=prefetch,
        )

    def for_customers(self, customer_ids: Items[int]) -> AsyncGenerator[tuple[int, Review], None]:
        """Return ``(customer_id, review)`` for each review of these customers.

        ::

            async for customer_id, review in client.reviews.for_customers([1, 2, 3]): ...

        Each customer costs one request for each page of the list, and at least one. Up to
        ``max_concurrency`` customers are read at once, with the priority ``bulk``. The customers
        come in no particular order; the reviews of one customer come together. The source of ids
        is read only as fast as lists arrive.

        Raises:
            MoreGoodError: The first customer whose list cannot be read ends the iteration. A note
                on the error names the customer; `NotFound` means that there is no such customer.
        """
        return read_for_customers(self._session, CUSTOMERS_REVIEWS, customer_ids)
