"""``client.messages``."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from moregood_async.batch import Items, each_of
from moregood_async.models.messages import Message
from moregood_async.operations import CUSTOMERS_MESSAGES, MESSAGES_LIST
from moregood_async.pagination import Paginator
from moregood_async.resources.lists import listed
from moregood_async.session import SessionManager


class Messages:
    """The emails and texts that review requests send."""

    def __init__(self, session: SessionManager) -> None:
        self._session = session

    def list(
        self, *, start_page: int = 1, per_page: int | None = None, prefetch: int = 0
    ) -> Paginator[Message]:
        """All messages of the project. Their order is not documented."""
        return listed(
            self._session,
            MESSAGES_LIST,
            start_page=start_page,
            per_page=per_page,
            prefetch=prefetch,
        )

    def for_customers(self, customer_ids: Items[int]) -> AsyncGenerator[tuple[int, Message], None]:
        """``(customer_id, message)`` for each message to these customers, many at once.

        In no particular order. The first customer that cannot be read ends it with its error.
        """
        return each_of(
            customer_ids,
            lambda each: listed(
                self._session, CUSTOMERS_MESSAGES, customer_id=each, priority="bulk"
            ).collect(),
            workers=self._session.settings.limits.max_concurrency,
        )
