"""Simulated customers: who opens an email, clicks a rating or writes a review, and when.

All rates, delays, scores and texts are invented [I]. Each decision depends on the seed, the
person's email or phone, and the number of the person's earlier asks. It does not depend on ids or
on the order of the requests, so two runs with the same customers have the same reviews.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import attrs

_HOUR = 3600.0
_SCORES = (5, 4, 3, 2, 1)
_WEIGHTS = (62, 22, 8, 3, 5)
_TEXTS = {
    5: (
        "Wonderful, from the first call to the last bill.",
        "Très bien, merci beaucoup!",
        "Fast, friendly and fair. I will be back.",
        "Best in town, and I have tried them all.",
    ),
    4: ("Good work, a little late.", "Very good; parking could be easier.", "Schön war's."),
    3: ("It was fine.", "Okay for the price, nothing more."),
    2: ("I expected more.", "Two visits for what should have been one."),
    1: ("Nobody called me back.", "Not again, sorry."),
}


def _validate_share(_: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{attribute.name} is a share from 0 to 1")


@attrs.frozen(kw_only=True)
class People:
    """How often the simulated customers react, as shares from 0 to 1."""

    seed: int = 0
    open: float = attrs.field(default=0.6, validator=_validate_share)
    """The share of emails that are opened."""
    click: float = attrs.field(default=0.3, validator=_validate_share)
    """The share of asks that end in a click on a rating."""
    write: float = attrs.field(default=0.5, validator=_validate_share)
    """The share of clicks that a text follows."""

    def reaction(
        self, person: str, earlier_asks: int, channels: Sequence[str], reminders_count: int
    ) -> Reaction | None:
        """Return the person's reaction to an ask, or None if the person clicks nothing."""
        random = self._random(person, earlier_asks)
        if random.random() >= self.click:
            return None
        score = random.choices(_SCORES, _WEIGHTS)[0]
        return Reaction(
            channel=random.choice(sorted(channels)),
            position=min(reminders_count, int(random.expovariate(1.0))),
            click_delay_seconds=random.uniform(0.2, 20) * _HOUR,
            score=score,
            text=random.choice(_TEXTS[score]) if random.random() < self.write else None,
            text_delay_seconds=random.uniform(0.02, 2) * _HOUR,
        )

    def open_delay_seconds(self, person: str, earlier_asks: int, position: int) -> float | None:
        """Return the time from an email to its opening, or None if it stays closed."""
        random = self._random(person, earlier_asks, position)
        return random.uniform(0.1, 12) * _HOUR if random.random() < self.open else None

    def _random(self, *parts: object) -> Random:
        return Random("/".join(map(str, (self.seed, *parts))))


@attrs.frozen(kw_only=True)
class Reaction:
    """A future click on a rating, and the text that follows it."""

    channel: str
    position: int
    """The message that is clicked: 0 is the request, 1 to 3 are the reminders."""
    click_delay_seconds: float
    """From the message to the click."""
    score: int
    text: str | None = attrs.field(repr=False)
    text_delay_seconds: float
    """From the click to the text."""
