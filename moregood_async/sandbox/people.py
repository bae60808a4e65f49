"""How the sandbox's customers behave: who opens, who clicks a rating, who writes, and when.

Each decision follows from the seed, the person and which of their asks it is, and from nothing
else: not from ids, and not from the order in which requests arrived.
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


def _share(_: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{attribute.name} is a share from 0 to 1")


@attrs.frozen(kw_only=True)
class People:
    """The rates of a crowd, as shares from 0 to 1."""

    seed: int = 0
    open: float = attrs.field(default=0.6, validator=_share)
    """Of the emails, those that are opened."""
    click: float = attrs.field(default=0.3, validator=_share)
    """Of the asks, those that end in a click on a rating."""
    write: float = attrs.field(default=0.5, validator=_share)
    """Of those who clicked, those who also write."""

    def reaction(
        self, person: str, ask: int, channels: Sequence[str], reminders: int
    ) -> Reaction | None:
        """What a person makes of their so many-th ask; None where they click nothing."""
        chance = self._chance(person, ask)
        if chance.random() >= self.click:
            return None
        score = chance.choices(_SCORES, _WEIGHTS)[0]
        return Reaction(
            channel=chance.choice(sorted(channels)),
            position=min(reminders, int(chance.expovariate(1.0))),
            after_seconds=chance.uniform(0.2, 20) * _HOUR,
            score=score,
            text=chance.choice(_TEXTS[score]) if chance.random() < self.write else None,
            text_after_seconds=chance.uniform(0.02, 2) * _HOUR,
        )

    def opens(self, person: str, ask: int, position: int) -> float | None:
        """After how many seconds an email is opened; None where it is not."""
        chance = self._chance(person, ask, position)
        return chance.uniform(0.1, 12) * _HOUR if chance.random() < self.open else None

    def _chance(self, *about: object) -> Random:
        return Random("/".join(map(str, (self.seed, *about))))


@attrs.frozen(kw_only=True)
class Reaction:
    """A click that will come, and perhaps a text after it."""

    channel: str
    position: int
    """Which of the ask's messages is clicked: 0 the request itself, then the reminders."""
    after_seconds: float
    """From the message to the click."""
    score: int
    text: str | None = attrs.field(repr=False)
    text_after_seconds: float
    """From the click to the text."""
