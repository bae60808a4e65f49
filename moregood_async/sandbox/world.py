"""The sandbox's state, and what can be done to it beside the API: time, people, an audit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from moregood_async.sandbox import audit
from moregood_async.sandbox.audit import Audit, Tally
from moregood_async.sandbox.chains import Faults, Link
from moregood_async.sandbox.clock import Clock
from moregood_async.sandbox.people import People
from moregood_async.sandbox.projects import Projects
from moregood_async.sandbox.store import Store
from moregood_async.sandbox.throttle import Throttle
from moregood_async.sandbox.timeline import Timeline
from moregood_async.wire import Middleware


class World:
    """Projects with their customers, a clock, and what happens as it runs."""

    def __init__(
        self, keys: Iterable[str], db: str | Path | None, seed: int, now: datetime | None
    ) -> None:
        self._store = Store(db, seed)
        with self._store.transaction():
            self._clock = Clock(self._store, now)
            self._timeline = Timeline(self._store)
            self._projects = Projects(self._store, keys)
        self._tally = Tally()
        self.faults = ()

    @property
    def faults(self) -> Faults:
        """What goes wrong, the first one outermost. Setting them begins their counts anew.

        A `Throttle` among them stands behind the key, wherever in the row it is.
        """
        return self._faults

    @faults.setter
    def faults(self, faults: Link | Iterable[Middleware]) -> None:
        self._faults = Faults((faults,) if isinstance(faults, Link) else faults)
        fresh = self._faults.fresh()
        self._throttles = tuple(each for each in fresh if isinstance(each, Throttle))
        self._around = Faults(each for each in fresh if not isinstance(each, Throttle))

    @property
    def now(self) -> datetime:
        """The sandbox's time."""
        return datetime.fromtimestamp(self._clock.now(), UTC)

    def audit(self, key: str | None = None) -> Audit:
        """What took effect so far, in the project of a key or in all of them.

        Raises:
            LookupError: No project has this key.
        """
        with self._store.transaction():
            self._timeline.run(self._clock.now())
            project = None if key is None else self._projects.of(key)
            return audit.taken(self._store, self._tally, project)

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> datetime:
        """Lets time pass at once; what falls due in it happens, in order. Gives the new time."""
        passed = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        if not 0 <= passed < float("inf"):
            raise ValueError("time goes forward only")
        with self._store.transaction():
            self._clock.advance(passed)
            self._timeline.run(self._clock.now())
        return self.now

    def people(
        self,
        seed: int = 0,
        *,
        open: float = 0.6,  # noqa: A002
        click: float = 0.3,
        write: float = 0.5,
    ) -> None:
        """Brings the customers to life: as time advances, some open, click a rating and write.

        Who does what follows from the seed and the person's email or phone, so the same customers
        give the same reviews whatever the order of the requests. What they got before counts too.

        Args:
            seed: Another seed, other people.
            open: The share of emails that are opened.
            click: The share of asks that end in a click.
            write: The share of those who clicked who write a text later.
        """
        crowd = People(seed=seed, open=open, click=click, write=write)
        with self._store.transaction():
            self._timeline.run(self._clock.now())
            self._timeline.settle(crowd, self._clock.now())

    def click(self, customer_id: int, score: int = 5) -> int:
        """A customer clicks a rating, in the last message they got or by their own review link.

        Gives the id of the review, which has no text yet; see `write`. Reminders stop.

        Raises:
            LookupError: There is no such customer.
        """
        if score not in range(1, 6):
            raise ValueError("a score is a whole number from 1 to 5")
        with self._store.transaction():
            self._known("customers", customer_id)
            now = self._clock.now()
            self._timeline.run(now)
            message = self._timeline.last_sent(customer_id)
            return self._timeline.click(customer_id, score, now, message)

    def write(self, review_id: int, text: str) -> None:
        """The text of a review is sent, as an update of it.

        Raises:
            LookupError: There is no such review.
        """
        if not isinstance(text, str):
            raise TypeError("the text of a review is a string")
        self._set("reviews", review_id, review=text)

    def mark(
        self,
        review_id: int,
        *,
        hidden: bool = False,
        duplicate: bool = False,
        reply: bool = False,
    ) -> None:
        """What the business does with a review in its console: hide it, reply to it.

        Raises:
            LookupError: There is no such review.
        """
        self._set(
            "reviews",
            review_id,
            is_hidden=int(hidden),
            is_duplicate=int(duplicate),
            has_reply=int(reply),
        )

    def unsubscribe(self, customer_id: int) -> None:
        """A customer unsubscribes: from now on nothing reaches them.

        Raises:
            LookupError: There is no such customer.
        """
        with self._store.transaction():
            self._known("customers", customer_id)
            now = self._clock.now()
            self._timeline.run(now)  # what was due came before this
            self._store.update("customers", customer_id, unsubscribed_at=int(now))

    def rotate_key(self, key: str, new_key: str) -> None:
        """The project of ``key`` has ``new_key`` from now on, and the old one is a 401.

        Raises:
            LookupError: No project has this key.
            ValueError: Another project has the new one.
        """
        with self._store.transaction():
            self._projects.rotate(key, new_key)

    def suspend(self, key: str, *, suspended: bool = True) -> None:
        """Suspends the project of a key, which makes every answer a 403 [I].

        Raises:
            LookupError: No project has this key.
        """
        with self._store.transaction():
            self._projects.suspend(key, suspended=suspended)

    def close(self) -> None:
        """Closes the store. A state in memory is gone with it; twice is fine."""
        with self._store.lock:
            self._store.close()

    def _set(self, table: str, ident: int, **values: object) -> None:
        with self._store.transaction():
            self._known(table, ident)
            self._store.update(table, ident, **values)

    def _known(self, table: str, ident: object) -> None:
        sql = f"SELECT count(*) FROM {table} WHERE id = ?"  # noqa: S608
        if not isinstance(ident, int) or not self._store.count(sql, (ident,)):
            raise LookupError(f"the sandbox's {table} have no id {ident}")
