"""What happens by itself as the sandbox's time passes, one event after the other.

Messages go out, reminders follow them three days apart [I] until the customer clicks a rating
[D], the unsubscribed get nothing [D], and people react to what they got.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import attrs

from moregood_async.sandbox.people import People, Reaction
from moregood_async.sandbox.store import Row, Store

DAYS_APART = 3
_DAY = 86_400
_UNSUBSCRIBED = "The customer has unsubscribed."
_REACTIONS = ("open", "click", "write")


class Timeline:
    """The events to come, in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        kept = json.loads(store.setting("people", "null"))
        self._people = People(**kept) if kept else None

    def schedule(
        self, ask: int, customer: Row, channels: Sequence[str], reminders: int, at: int, now: int
    ) -> None:
        """The messages of an ask; what is due goes out at once."""
        for channel in channels:
            for position in range(reminders + 1):
                scheduled_at = at + position * DAYS_APART * _DAY
                message = self._store.insert(
                    "messages",
                    project_id=customer["project_id"],
                    customer_id=customer["id"],
                    ask_id=ask,
                    channel=channel,
                    position=position,
                    scheduled_at=scheduled_at,
                    created_at=now,
                    updated_at=now,
                )
                self._expect(scheduled_at, "send", message)
        self.run(now)

    def run(self, until: float) -> None:
        """Everything that is due, in the order of its time."""
        sql = "SELECT id, at, kind, message_id FROM events WHERE at <= ? ORDER BY at, id LIMIT 1"
        while True:
            due = self._store.execute(sql, (until,)).fetchone()
            if due is None:
                return
            event, at, kind, message = due
            self._store.execute("DELETE FROM events WHERE id = ?", (event,))
            self._happen(at, kind, message)

    def _happen(self, at: float, kind: str, message_id: int) -> None:
        message = self._message(message_id)
        if kind == "send":
            self._send(message, at)
        elif kind == "open":
            self._open(message, at)
        elif kind == "click":
            self._click_message(message, at)
        else:
            self._write_after(message)

    def _message(self, ident: int) -> Row:
        found = self._store.row(
            "SELECT messages.*, customers.email_key, customers.phone_key,"
            " customers.unsubscribed_at, asks.channels, asks.reminders_count"
            " FROM messages JOIN customers ON customers.id = messages.customer_id"
            " JOIN asks ON asks.id = messages.ask_id WHERE messages.id = ?",
            (ident,),
        )
        assert found is not None  # noqa: S101  messages are never deleted
        return found

    def _send(self, message: Row, at: float) -> None:
        ident, moment = message["id"], int(at)
        if message["unsubscribed_at"] is not None:
            failure = {"failed_at": moment, "failed_reason": _UNSUBSCRIBED}
            self._touch(ident, at, processed_at=moment, **failure)
            return
        self._touch(ident, at, processed_at=moment, sent_at=moment, delivered_at=moment)
        self._let_react(message, at)

    def _open(self, message: Row, at: float) -> None:
        if message["opened_at"] is None:
            self._touch(message["id"], at, opened_at=int(at))

    def _touch(self, message: int, at: float, **values: object) -> None:
        self._store.update("messages", message, updated_at=int(at), **values)

    def _expect(self, at: float, kind: str, message: int) -> None:
        self._store.insert("events", at=at, kind=kind, message_id=message)

    # people

    def settle(self, people: People, now: float) -> None:
        """From now on the customers behave like this, also towards what they got already."""
        if people == self._people:
            return
        marks = ", ".join("?" * len(_REACTIONS))
        self._store.execute(f"DELETE FROM events WHERE kind IN ({marks})", _REACTIONS)  # noqa: S608
        self._people = people
        self._store.set("people", json.dumps(attrs.asdict(people)))
        waiting = self._store.execute(
            "SELECT id FROM messages WHERE sent_at IS NOT NULL AND clicked_at IS NULL"
            " AND ask_id NOT IN (SELECT ask_id FROM reviews WHERE ask_id IS NOT NULL) ORDER BY id"
        ).fetchall()
        for (ident,) in waiting:
            self._let_react(self._message(ident), now)

    def _let_react(self, message: Row, at: float) -> None:
        if self._people is None:
            return
        person, ask = self._person(message)
        clicks = self._reaction(message)
        this = message["channel"], message["position"]
        if clicks and this == (clicks.channel, clicks.position):
            self._expect(at + clicks.after_seconds, "click", message["id"])
        if message["channel"] == "email" and message["opened_at"] is None:
            after_seconds = self._people.opens(person, ask, message["position"])
            if after_seconds is not None:
                self._expect(at + after_seconds, "open", message["id"])

    def _person(self, message: Row) -> tuple[str, int]:
        """Who got it, and which of their asks it belongs to."""
        person = message["email_key"] or message["phone_key"] or str(message["customer_id"])
        earlier = self._store.count(
            "SELECT count(*) FROM asks WHERE customer_id = ? AND id < ?",
            (message["customer_id"], message["ask_id"]),
        )
        return person, earlier

    def _reaction(self, message: Row) -> Reaction | None:
        if self._people is None:
            return None
        person, ask = self._person(message)
        channels = message["channels"].split(",")
        return self._people.reaction(person, ask, channels, message["reminders_count"])

    def _click_message(self, message: Row, at: float) -> None:
        reaction = self._reaction(message)
        if reaction is None or self._review_of(message["ask_id"]) is not None:
            return
        self.click(message["customer_id"], reaction.score, at, message)
        if reaction.text is not None:
            self._expect(at + reaction.text_after_seconds, "write", message["id"])

    def _write_after(self, message: Row) -> None:
        reaction, review = self._reaction(message), self._review_of(message["ask_id"])
        if reaction is not None and reaction.text is not None and review is not None:
            self._store.update("reviews", review, review=reaction.text)

    def _review_of(self, ask: int) -> int | None:
        found = self._store.execute("SELECT id FROM reviews WHERE ask_id = ?", (ask,)).fetchone()
        return None if found is None else int(found[0])

    # what a customer does

    def click(self, customer: int, score: int, at: float, message: Row | None) -> int:
        """A rating is clicked, in a message or by the customer's own link; gives the review.

        A second click in the same ask changes the score of its review [I]. Reminders of asks
        that are out already stop [D].
        """
        moment = int(at)
        ask = message["ask_id"] if message else None
        review = self._review_of(ask) if ask else None
        if review is not None:
            self._store.update("reviews", review, score=score)
        else:
            review = self._store.insert(
                "reviews",
                project_id=self._store.count(
                    "SELECT project_id FROM customers WHERE id = ?", (customer,)
                ),
                customer_id=customer,
                ask_id=ask,
                score=score,
                created_at=moment,
            )
        if message:
            opened = message["opened_at"]
            if opened is None and message["channel"] == "email":
                opened = moment
            self._touch(message["id"], at, opened_at=opened, clicked_at=moment)
        self._stop_reminders(customer, moment)
        return review

    def last_sent(self, customer: int) -> Row | None:
        """The message that a customer got last."""
        found = self._store.execute(
            "SELECT id FROM messages WHERE customer_id = ? AND sent_at IS NOT NULL"
            " ORDER BY sent_at DESC, position, id LIMIT 1",
            (customer,),
        ).fetchone()
        return None if found is None else self._message(found[0])

    def _stop_reminders(self, customer: int, moment: int) -> None:
        """They are cancelled, and from then on not listed [I]."""
        pending = (
            "SELECT messages.id FROM messages JOIN asks ON asks.id = messages.ask_id"
            " WHERE messages.customer_id = ? AND position > 0 AND processed_at IS NULL"
            " AND cancelled_at IS NULL AND asks.scheduled_at <= ?"
        )
        for (ident,) in self._store.execute(pending, (customer, moment)).fetchall():
            self._store.execute("DELETE FROM events WHERE message_id = ?", (ident,))
            self._touch(ident, moment, cancelled_at=moment)
