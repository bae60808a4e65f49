"""``client.messages``: the emails and texts that review requests send."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from moregood_async.batch import Items
from moregood_async.models.messages import Message
from moregood_async.operations import CUSTOMERS_MESSAGES, MESSAGES_LIST
from moregood_async.pagination import Paginator
from moregood_async.resources.lists import make_paginator, read_for_customers
from moregood_async.session import SessionManager


class Messages:
    """The emails and texts that review requests send."""

    def __init__(self, session: SessionManager) -> None:
        self._session = session

    def list(
        self, *, start_page: int = 1, per_page: int | None = None, prefetch: int = 0
    ) -> Paginator[Message]:
        """Return all messages of the project, in an order that the API does not document.

        Nothing is sent before the `Paginator` is read; then each page is one request, which is
        retried.

        Args:
            start_page: The first page to read, counted from 1.
            per_page: Messages on a page; the server's default is 50 [D], its maximum is unknown,
                and it may ignore the number [O].
            prefetch: Pages to request ahead of the one that is read.

        Raises:
            InvalidRequest: An argument is no whole number, or too small.
        """
        return make_paginator(
            self._session,
            MESSAGES_LIST,
            start_page=start_page,
            per_page=per_page,
            prefetch=prefetch,
        )

    def for_customers(self, customer_ids: Items[int]) -> AsyncGenerator[tuple[int, Message], None]:
        """Return ``(customer_id, message)`` for each message of these customers.

        ::

            async for customer_id, message in client.messages.for_customers([1, 2, 3]): ...

        Each customer costs one request for each page of the list, and at least one. Up to
        ``max_concurrency`` customers are read at once, with the priority ``bulk``. The customers
        come in no particular order; the messages of one customer come together. The source of ids
        is read only as fast as lists arrive.

        Raises:
            MoreGoodError: The first customer whose list cannot be read ends the iteration. A note
                on the error names the customer; `NotFound` means that there is no such customer.
        """
        return read_for_customers(self._session, CUSTOMERS_MESSAGES, customer_ids)
