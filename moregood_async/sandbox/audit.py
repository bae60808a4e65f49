"""What took effect, and how often: the server's own counts, which a test can believe."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

import attrs

from moregood_async.sandbox.store import Store


@attrs.frozen(kw_only=True)
class Repeated:
    """Something that took effect more than once."""

    customer_id: int
    times: int


@attrs.frozen(kw_only=True)
class Audit:
    """The effects that a sandbox has seen.

    Two asks are the same where customer, channels and ``asked_at`` are, as they were sent: two
    without ``asked_at`` are the same ask twice, however far apart. Two charges are the same where
    customer, amount, currency and ``charged_at`` are. Who means it twice says two times.
    """

    customers: int
    charges: int
    asks: int
    messages: int
    """All that were ever scheduled, the cancelled ones included."""
    messages_sent: int
    reviews: int
    locations: int
    requests: Mapping[str, int]
    """Requests that arrived since the sandbox was made, by operation; also those that faults
    dropped or the throttle refused. What is no operation is under ``other``."""
    throttled: int
    """Requests that were answered with 429."""
    duplicate_asks: tuple[Repeated, ...]
    duplicate_charges: tuple[Repeated, ...]

    def as_json(self) -> dict[str, object]:
        """As ``GET /__sandbox__/audit`` gives it."""
        return attrs.asdict(self)


@attrs.define
class Tally:
    """Counts requests as they arrive, by project; 0 stands for those without a known key."""

    _arrived: Counter[tuple[int, str]] = attrs.field(factory=Counter["tuple[int, str]"])
    _refused: Counter[int] = attrs.field(factory=Counter[int])
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def arrived(self, project: int, operation: str) -> None:
        """One more request."""
        with self._lock:
            self._arrived[project, operation] += 1

    def refused(self, project: int) -> None:
        """One more 429."""
        with self._lock:
            self._refused[project] += 1

    def of(self, project: int | None) -> tuple[Counter[str], int]:
        """Requests and refusals of one project, or of all."""
        with self._lock:
            arrived, refused = self._arrived.copy(), self._refused.copy()
        requests = Counter[str]()
        for (owner, operation), times in arrived.items():
            if project in (None, owner):
                requests[operation] += times
        return requests, refused.total() if project is None else refused[project]


_ASKS_TWICE = "customer_id, channels, sent_date"
_CHARGES_TWICE = "customer_id, amount, currency, sent_date"


def taken(store: Store, tally: Tally, project: int | None) -> Audit:
    """The audit of one project, or of all of them."""
    where, values = ("", ()) if project is None else ("WHERE project_id = ?", (project,))

    def count(table: str, condition: str = "") -> int:
        more = f"{'AND' if where else 'WHERE'} {condition}" if condition else ""
        return store.count(f"SELECT count(*) FROM {table} {where} {more}", values)  # noqa: S608

    def twice(table: str, same: str) -> tuple[Repeated, ...]:
        sql = (
            f"SELECT customer_id, count(*) FROM {table} {where} GROUP BY {same}"  # noqa: S608
            " HAVING count(*) > 1 ORDER BY min(id)"
        )
        return tuple(
            Repeated(customer_id=customer, times=times)
            for customer, times in store.execute(sql, values)
        )

    requests, refused = tally.of(project)
    return Audit(
        customers=count("customers"),
        charges=count("charges"),
        asks=count("asks"),
        messages=count("messages"),
        messages_sent=count("messages", "sent_at IS NOT NULL"),
        reviews=count("reviews"),
        locations=count("locations"),
        requests=requests,
        throttled=refused,
        duplicate_asks=twice("asks", _ASKS_TWICE),
        duplicate_charges=twice("charges", _CHARGES_TWICE),
    )
