"""What a job is told to do with each row."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, Literal, get_args

import attrs

from moregood_async.bulk.asking import AskTemplate
from moregood_async.bulk.charging import ChargeTemplate
from moregood_async.errors import ConfigurationError

OnUnknown = Literal["settle", "hold", "resend"]
"""``settle``: look up what became of it. ``hold``: leave it. ``resend``: send it again, at the
risk that a person is asked twice, or charged twice."""

SETTLE_AFTER_SECONDS: Final = 120.0
"""How long a request that got no answer can take to show: the network may deliver it late, and
the server may have put it into a queue."""


@attrs.frozen(kw_only=True)
class Orders:
    """What is done for each row, and within which bounds.

    Raises:
        ConfigurationError: Something cannot be as given.
    """

    ask: AskTemplate | None = None
    charge: ChargeTemplate | None = None
    not_asked_within: timedelta | None = None
    """Nobody is asked whom the API says to have been asked within this time."""
    max_asks: int | None = None
    """No more people than this are asked by the job, all its runs together."""
    on_unknown: OnUnknown = "settle"
    settle_after: float = SETTLE_AFTER_SECONDS
    """Seconds after which an ask or charge without an answer, and without a trace at the API,
    has not happened."""

    def __attrs_post_init__(self) -> None:
        if self.on_unknown not in get_args(OnUnknown):
            raise ConfigurationError(f"on_unknown is one of {', '.join(get_args(OnUnknown))}")
        if not 0 <= self.settle_after < 86_400:
            raise ConfigurationError("settle_after is seconds, less than a day")
        if self.max_asks is not None and self.max_asks < 0:
            raise ConfigurationError("max_asks is a number of people, 0 or more")
        if self.not_asked_within is not None and self.not_asked_within <= timedelta(0):
            raise ConfigurationError("not_asked_within is a time: timedelta(days=30)")

    @property
    def dates_charges(self) -> bool:
        """Whether charges carry a day of their own."""
        return self.charge is not None and self.charge.charged_at is not None

    def same(self) -> dict[str, Any]:
        """What must not change between the runs of one job, as JSON takes it."""
        within = self.not_asked_within
        return {
            "ask": attrs.asdict(self.ask) | {"channels": list(self.ask.channels)}
            if self.ask
            else None,
            "charge": attrs.asdict(self.charge) if self.charge else None,
            "not_asked_within": within.total_seconds() if within else None,
        }

    def kept(self) -> dict[str, Any]:
        """All of it, as JSON takes it; see `of`."""
        return self.same() | {
            "max_asks": self.max_asks,
            "on_unknown": self.on_unknown,
            "settle_after": self.settle_after,
        }

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Orders:
        """From what `kept` gave."""
        within = kept["not_asked_within"]
        return cls(
            ask=AskTemplate(**kept["ask"]) if kept["ask"] else None,
            charge=ChargeTemplate(**kept["charge"]) if kept["charge"] else None,
            not_asked_within=timedelta(seconds=within) if within else None,
            max_asks=kept["max_asks"],
            on_unknown=kept["on_unknown"],
            settle_after=kept["settle_after"],
        )
