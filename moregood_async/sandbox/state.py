"""The state of a sandbox, and the methods that change it from outside the API."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from moregood_async.sandbox.audit import Audit, take_audit
from moregood_async.sandbox.clock import Clock
from moregood_async.sandbox.fault_chain import Chainable, Faults
from moregood_async.sandbox.people import People
from moregood_async.sandbox.projects import Projects
from moregood_async.sandbox.request_counter import RequestCounter
from moregood_async.sandbox.store import Store
from moregood_async.sandbox.throttle import Throttle
from moregood_async.sandbox.timeline import Timeline
from moregood_async.wire import Middleware


class SandboxState:
    """Projects with their customers, a clock, a timeline of events, and the installed faults."""

    def __init__(
        self, keys: Iterable[str], db: str | Path | None, seed: int, now: datetime | None
    ) -> None:
        self._store = Store(db, seed)
        with self._store.transaction():
            self._clock = Clock(self._store, now)
            self._timeline = Timeline(self._store)
            self._projects = Projects(self._store, keys)
        self._request_counter = RequestCounter()
        self.faults = ()

    @property
    def faults(self) -> Faults:
        """The faults, the first one outermost. Setting them starts their counts at zero.

        A `Throttle` among the faults is checked after the key, wherever it stands in the chain.
        """
        return self._faults

    @faults.setter
    def faults(self, faults: Chainable | Iterable[Middleware]) -> None:
        self._faults = Faults((faults,) if isinstance(faults, Chainable) else faults)
        installed = self._faults.fresh_copy()
        self._fault_throttles = tuple(each for each in installed if isinstance(each, Throttle))
        self._fault_chain = Faults(each for each in installed if not isinstance(each, Throttle))

    @property
    def now(self) -> datetime:
        """The sandbox's time."""
        return datetime.fromtimestamp(self._clock.now(), UTC)

    def audit(self, key: str | None = None) -> Audit:
        """Return the effects so far, in the project of a key or in all projects.

        Raises:
            LookupError: No project has this key.
        """
        with self._store.transaction():
            self._timeline.run_until(self._clock.now())
            project = None if key is None else self._projects.find(key)
            return take_audit(self._store, self._request_counter, project)

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> datetime:
        """Move the clock forward, apply the events that become due, and return the new time.

        Raises:
            ValueError: The time is negative or not a number, or the clock would pass year 9999.
        """
        total_seconds = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        if not 0 <= total_seconds < float("inf"):
            raise ValueError("the clock moves forward only, by a finite time")
        with self._store.transaction():
            self._clock.advance(total_seconds)
            self._timeline.run_until(self._clock.now())
        return self.now

    def people(
        self,
        seed: int = 0,
        *,
        open: float = 0.6,  # noqa: A002
        click: float = 0.3,
        write: float = 0.5,
    ) -> None:
        """Simulate the customers: as time advances, some open emails, click ratings and write.

        Who does what depends on the seed and on the person's email or phone, and not on the order
        of the requests. Messages that were sent before count too.

        Args:
            seed: Another seed means other people.
            open: The share of emails that are opened.
            click: The share of asks that end in a click.
            write: The share of clicks that a text follows.
        """
        people = People(seed=seed, open=open, click=click, write=write)
        with self._store.transaction():
            self._timeline.run_until(self._clock.now())
            self._timeline.replace_people(people, self._clock.now())

    def click(self, customer_id: int, score: int = 5) -> int:
        """Click a rating as a customer, in the last message or by the customer's review link.

        Returns:
            The id of the review. The review has no text until `write` is called.

        Raises:
            LookupError: No customer has this id.
        """
        if score not in range(1, 6):
            raise ValueError("a score is a whole number from 1 to 5")
        with self._store.transaction():
            self._require_row("customers", customer_id)
            now = self._clock.now()
            self._timeline.run_until(now)
            message = self._timeline.last_sent_message(customer_id)
            return self._timeline.click(customer_id, score, now, message)

    def write(self, review_id: int, text: str) -> None:
        """Write the text of a review.

        Raises:
            LookupError: No review has this id.
        """
        if not isinstance(text, str):
            raise TypeError("the text of a review is a string")
        self._update_row("reviews", review_id, review=text)

    def mark(
        self,
        review_id: int,
        *,
        hidden: bool = False,
        duplicate: bool = False,
        reply: bool = False,
    ) -> None:
        """Set the flags of a review, as the business does in the vendor's console.

        Raises:
            LookupError: No review has this id.
        """
        self._update_row(
            "reviews",
            review_id,
            is_hidden=int(hidden),
            is_duplicate=int(duplicate),
            has_reply=int(reply),
        )

    def unsubscribe(self, customer_id: int) -> None:
        """Unsubscribe a customer; messages that are due later fail.

        Raises:
            LookupError: No customer has this id.
        """
        with self._store.transaction():
            self._require_row("customers", customer_id)
            now = self._clock.now()
            self._timeline.run_until(now)  # messages that are due already are still sent
            self._store.update("customers", customer_id, unsubscribed_at=int(now))

    def rotate_key(self, key: str, new_key: str) -> None:
        """Replace the key of a project; requests with the old key are a 401 from now on.

        Raises:
            LookupError: No project has this key.
            ValueError: Another project has the new key.
        """
        with self._store.transaction():
            self._projects.rotate_key(key, new_key)

    def suspend(self, key: str, *, suspended: bool = True) -> None:
        """Suspend the project of a key, or end its suspension. A suspended project gets 403 [I].

        Raises:
            LookupError: No project has this key.
        """
        with self._store.transaction():
            self._projects.suspend(key, suspended=suspended)

    def close(self) -> None:
        """Close the database; a database in memory is lost. Calling it twice is fine."""
        with self._store.lock:
            self._store.close()

    def _update_row(self, table: str, row_id: int, **values: object) -> None:
        with self._store.transaction():
            self._require_row(table, row_id)
            self._store.update(table, row_id, **values)

    def _require_row(self, table: str, row_id: object) -> None:
        sql = f"SELECT count(*) FROM {table} WHERE id = ?"  # noqa: S608  own names
        if not isinstance(row_id, int) or not self._store.fetch_count(sql, (row_id,)):
            raise LookupError(f"the sandbox's {table} have no id {row_id}")
