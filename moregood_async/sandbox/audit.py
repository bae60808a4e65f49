"""The audit: the effects in the sandbox's database, counted by the server itself."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from moregood_async.sandbox.request_counter import RequestCounter
from moregood_async.sandbox.store import Store

_SAME_ASK = "customer_id, channels, sent_date"
_SAME_CHARGE = "customer_id, amount, currency, sent_date"


@attrs.frozen(kw_only=True)
class Duplicate:
    """An effect that took place more than once."""

    customer_id: int
    times: int


@attrs.frozen(kw_only=True)
class Audit:
    """The effects that took place in a sandbox.

    Two asks are duplicates if customer, channels and ``asked_at`` are equal. Two asks without
    ``asked_at`` are therefore duplicates, however far apart. Two charges are duplicates if
    customer, amount, currency and ``charged_at`` are equal. A caller who wants the same thing
    twice must send two different times.
    """

    customers: int
    charges: int
    asks: int
    messages: int
    """Messages that were ever scheduled, including the cancelled ones."""
    messages_sent: int
    reviews: int
    locations: int
    requests: Mapping[str, int]
    """Requests since the sandbox was created, by operation, including dropped and throttled ones.

    Requests that match no operation are counted as ``other``.
    """
    throttled: int
    """Requests whose response was a 429."""
    duplicate_asks: tuple[Duplicate, ...]
    duplicate_charges: tuple[Duplicate, ...]

    def as_json(self) -> dict[str, object]:
        """Return the audit as ``GET /__sandbox__/audit`` returns it."""
        return attrs.asdict(self)


@attrs.frozen
class _Effects:
    """Queries about the effects in one project, or in all projects if ``project`` is None."""

    store: Store
    project: int | None

    def count(self, table: str, condition: str = "TRUE") -> int:
        return self.store.fetch_count(
            f"SELECT count(*) FROM {table} {self._where} AND {condition}",  # noqa: S608  own names
            self._values,
        )

    def duplicates(self, table: str, same: str) -> tuple[Duplicate, ...]:
        """Return the customers with more than one row that agrees in the columns ``same``."""
        sql = (
            f"SELECT customer_id, count(*) FROM {table} {self._where}"  # noqa: S608  own names
            f" GROUP BY {same} HAVING count(*) > 1 ORDER BY min(id)"
        )
        return tuple(
            Duplicate(customer_id=customer_id, times=times)
            for customer_id, times in self.store.execute(sql, self._values)
        )

    @property
    def _where(self) -> str:
        return "WHERE TRUE" if self.project is None else "WHERE project_id = ?"

    @property
    def _values(self) -> tuple[int, ...]:
        return () if self.project is None else (self.project,)


def take_audit(store: Store, counter: RequestCounter, project: int | None) -> Audit:
    """Return the audit of one project, or of all projects if ``project`` is None."""
    effects = _Effects(store, project)
    counts = counter.counts(project)
    return Audit(
        customers=effects.count("customers"),
        charges=effects.count("charges"),
        asks=effects.count("asks"),
        messages=effects.count("messages"),
        messages_sent=effects.count("messages", "sent_at IS NOT NULL"),
        reviews=effects.count("reviews"),
        locations=effects.count("locations"),
        requests=counts.by_operation,
        throttled=counts.throttled,
        duplicate_asks=effects.duplicates("asks", _SAME_ASK),
        duplicate_charges=effects.duplicates("charges", _SAME_CHARGE),
    )
