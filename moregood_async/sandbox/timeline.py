"""The events of the sandbox's time: messages, reminders, and what customers do with them.

- One ask schedules, for each channel, one request and ``reminders_count`` reminders, all with the
  ask's id [D]. The reminders follow three days apart [I].
- Messages that are due at once are sent in the same request; a sent message counts as delivered
  at the same second [I].
- A click on a rating creates a review with a score and without a text [D]. The text is an update
  of that review [D].
- Reminders stop when the customer clicks a rating [D], for every ask that has started [I].
  Stopped reminders are cancelled and no longer listed [I].
- A second click for the same ask changes the score of its review [I].
- A click in an email also opens the email; nobody knows when an SMS is read [I].
- Unsubscribed customers receive nothing [D]. Their messages fail with a reason of the sandbox's
  own [I].

Theory of operation: each future event is a row of the table ``events`` with its time. `run_until`
applies the events one by one in the order of their times, so a jump of the clock has the same
result as many small steps.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import attrs

from moregood_async.sandbox.people import People, Reaction
from moregood_async.sandbox.store import Row, Store

DAYS_BETWEEN_REMINDERS = 3
_DAY = 86_400
_UNSUBSCRIBED = "The customer has unsubscribed."
_REACTION_EVENTS = ("open", "click", "write")


class Timeline:
    """The scheduled events, in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        saved = json.loads(store.load_setting("people", "null"))
        self._people = People(**saved) if saved else None

    def schedule_ask(
        self,
        ask_id: int,
        customer: Row,
        channels: Sequence[str],
        reminders_count: int,
        scheduled_at: int,
        now: int,
    ) -> None:
        """Schedule the messages of an ask, and send those that are due."""
        for channel in channels:
            for position in range(reminders_count + 1):
                send_at = scheduled_at + position * DAYS_BETWEEN_REMINDERS * _DAY
                message_id = self._store.insert(
                    "messages",
                    project_id=customer["project_id"],
                    customer_id=customer["id"],
                    ask_id=ask_id,
                    channel=channel,
                    position=position,
                    scheduled_at=send_at,
                    created_at=now,
                    updated_at=now,
                )
                self._schedule_event(send_at, "send", message_id)
        self.run_until(now)

    def run_until(self, now: float) -> None:
        """Apply all events that are due, in the order of their times."""
        # One event a query, because an event can schedule others that are due before the next one.
        sql = "SELECT id, at, kind, message_id FROM events WHERE at <= ? ORDER BY at, id LIMIT 1"
        while True:
            due = self._store.execute(sql, (now,)).fetchone()
            if due is None:
                return
            event_id, at, kind, message_id = due
            self._store.execute("DELETE FROM events WHERE id = ?", (event_id,))
            self._apply_event(kind, self._fetch_message(message_id), at)

    def _apply_event(self, kind: str, message: Row, at: float) -> None:
        if kind == "send":
            self._send(message, at)
        elif kind == "open":
            self._open(message, at)
        elif kind == "click":
            self._click_as_person(message, at)
        else:
            self._write_as_person(message)

    def _fetch_message(self, message_id: int) -> Row:
        message = self._store.fetch_row(
            "SELECT messages.*, customers.email_key, customers.phone_key,"
            " customers.unsubscribed_at, asks.channels, asks.reminders_count"
            " FROM messages JOIN customers ON customers.id = messages.customer_id"
            " JOIN asks ON asks.id = messages.ask_id WHERE messages.id = ?",
            (message_id,),
        )
        assert message is not None  # noqa: S101  messages are never deleted
        return message

    def _send(self, message: Row, at: float) -> None:
        message_id, second = message["id"], int(at)
        if message["unsubscribed_at"] is not None:
            failure = {"failed_at": second, "failed_reason": _UNSUBSCRIBED}
            self._update_message(message_id, at, processed_at=second, **failure)
            return
        self._update_message(
            message_id, at, processed_at=second, sent_at=second, delivered_at=second
        )
        self._schedule_reactions(message, at)

    def _open(self, message: Row, at: float) -> None:
        if message["opened_at"] is None:
            self._update_message(message["id"], at, opened_at=int(at))

    def _update_message(self, message_id: int, at: float, **values: object) -> None:
        self._store.update("messages", message_id, updated_at=int(at), **values)

    def _schedule_event(self, at: float, kind: str, message_id: int) -> None:
        self._store.insert("events", at=at, kind=kind, message_id=message_id)

    # ---- simulated people ----

    def replace_people(self, people: People, now: float) -> None:
        """Simulate these people from now on, also for the messages that were sent before."""
        if people == self._people:
            return
        placeholders = ", ".join("?" * len(_REACTION_EVENTS))
        self._store.execute(
            f"DELETE FROM events WHERE kind IN ({placeholders})",  # noqa: S608
            _REACTION_EVENTS,
        )
        self._people = people
        self._store.save_setting("people", json.dumps(attrs.asdict(people)))
        unclicked = self._store.execute(
            "SELECT id FROM messages WHERE sent_at IS NOT NULL AND clicked_at IS NULL"
            " AND ask_id NOT IN (SELECT ask_id FROM reviews WHERE ask_id IS NOT NULL) ORDER BY id"
        ).fetchall()
        for (message_id,) in unclicked:
            self._schedule_reactions(self._fetch_message(message_id), now)

    def _schedule_reactions(self, message: Row, at: float) -> None:
        if self._people is None:
            return
        person, earlier_asks = self._identify_person(message)
        reaction = self._reaction_to(message)
        clicked = (reaction.channel, reaction.position) if reaction else None
        if reaction and clicked == (message["channel"], message["position"]):
            self._schedule_event(at + reaction.click_delay_seconds, "click", message["id"])
        if message["channel"] == "email" and message["opened_at"] is None:
            delay_seconds = self._people.open_delay_seconds(
                person, earlier_asks, message["position"]
            )
            if delay_seconds is not None:
                self._schedule_event(at + delay_seconds, "open", message["id"])

    def _identify_person(self, message: Row) -> tuple[str, int]:
        """Return a name for the recipient, and the number of the recipient's earlier asks."""
        person = message["email_key"] or message["phone_key"] or str(message["customer_id"])
        earlier_asks = self._store.fetch_count(
            "SELECT count(*) FROM asks WHERE customer_id = ? AND id < ?",
            (message["customer_id"], message["ask_id"]),
        )
        return person, earlier_asks

    def _reaction_to(self, message: Row) -> Reaction | None:
        """Return the recipient's reaction to the message's ask; the same for each of its messages.

        The reaction is computed again for each event, because it follows from the seed.
        """
        if self._people is None:
            return None
        person, earlier_asks = self._identify_person(message)
        channels = message["channels"].split(",")
        return self._people.reaction(person, earlier_asks, channels, message["reminders_count"])

    def _click_as_person(self, message: Row, at: float) -> None:
        reaction = self._reaction_to(message)
        if reaction is None or self._review_of_ask(message["ask_id"]) is not None:
            return
        self.click(message["customer_id"], reaction.score, at, message)
        if reaction.text is not None:
            self._schedule_event(at + reaction.text_delay_seconds, "write", message["id"])

    def _write_as_person(self, message: Row) -> None:
        reaction, review_id = self._reaction_to(message), self._review_of_ask(message["ask_id"])
        if reaction is not None and reaction.text is not None and review_id is not None:
            self._store.update("reviews", review_id, review=reaction.text)

    def _review_of_ask(self, ask_id: int) -> int | None:
        row = self._store.execute("SELECT id FROM reviews WHERE ask_id = ?", (ask_id,)).fetchone()
        return None if row is None else int(row[0])

    # ---- clicks ----

    def click(self, customer_id: int, score: int, at: float, message: Row | None) -> int:
        """Click a rating in a message, or by the customer's own link if ``message`` is None.

        Returns:
            The id of the review.
        """
        second = int(at)
        review_id = self._rate(customer_id, score, second, message["ask_id"] if message else None)
        if message:
            opened_at = message["opened_at"]
            if opened_at is None and message["channel"] == "email":
                opened_at = second
            self._update_message(message["id"], at, opened_at=opened_at, clicked_at=second)
        self._cancel_reminders(customer_id, second)
        return review_id

    def _rate(self, customer_id: int, score: int, second: int, ask_id: int | None) -> int:
        """Change the score of the ask's review, or create a review."""
        review_id = None if ask_id is None else self._review_of_ask(ask_id)
        if review_id is not None:
            self._store.update("reviews", review_id, score=score)
            return review_id
        return self._store.insert(
            "reviews",
            project_id=self._store.fetch_count(
                "SELECT project_id FROM customers WHERE id = ?", (customer_id,)
            ),
            customer_id=customer_id,
            ask_id=ask_id,
            score=score,
            created_at=second,
        )

    def last_sent_message(self, customer_id: int) -> Row | None:
        """Return the message that was sent to a customer last."""
        row = self._store.execute(
            "SELECT id FROM messages WHERE customer_id = ? AND sent_at IS NOT NULL"
            " ORDER BY sent_at DESC, position, id LIMIT 1",
            (customer_id,),
        ).fetchone()
        return None if row is None else self._fetch_message(row[0])

    def _cancel_reminders(self, customer_id: int, second: int) -> None:
        # Asks that are scheduled for later have not started, so their reminders stay.
        pending = (
            "SELECT messages.id FROM messages JOIN asks ON asks.id = messages.ask_id"
            " WHERE messages.customer_id = ? AND position > 0 AND processed_at IS NULL"
            " AND cancelled_at IS NULL AND asks.scheduled_at <= ?"
        )
        for (message_id,) in self._store.execute(pending, (customer_id, second)).fetchall():
            self._store.execute("DELETE FROM events WHERE message_id = ?", (message_id,))
            self._update_message(message_id, second, cancelled_at=second)
