"""`JobOptions`: what a job does with each row, and within which bounds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Literal, get_args

import attrs

from moregood_async.bulk.templates import AskTemplate, ChargeTemplate
from moregood_async.errors import ConfigurationError

OnUnknown = Literal["reconcile", "hold", "resend"]
"""What to do with a charge or ask whose response was lost. ``reconcile``: find out whether it was
applied, and send it again only if not. ``hold``: leave it unknown. ``resend``: send it again, at
the risk of a second charge or ask."""

RECONCILE_AFTER_SECONDS: Final = 120.0
"""How long a request without a response can take to show at the API: the network may deliver it
late, and a server may queue it."""


@attrs.frozen(kw_only=True)
class JobOptions:
    """The options of a job; `Job` explains them.

    Raises:
        ConfigurationError: A value is out of its range.
    """

    ask: AskTemplate | None = None
    charge: ChargeTemplate | None = None
    not_asked_within: timedelta | None = None
    max_asks: int | None = None
    on_unknown: OnUnknown = "reconcile"
    reconcile_after: float = RECONCILE_AFTER_SECONDS

    def __attrs_post_init__(self) -> None:
        if self.on_unknown not in get_args(OnUnknown):
            raise ConfigurationError(f"on_unknown is one of {', '.join(get_args(OnUnknown))}")
        if not 0 <= self.reconcile_after < 86_400:
            raise ConfigurationError("reconcile_after is seconds, less than a day")
        if self.max_asks is not None and self.max_asks < 0:
            raise ConfigurationError("max_asks is a number of people, 0 or more")
        if self.not_asked_within is not None and self.not_asked_within <= timedelta(0):
            raise ConfigurationError("not_asked_within is a time: timedelta(days=30)")

    @property
    def has_charge_dates(self) -> bool:
        """Whether charges have a day of their own, which need not be the latest."""
        return self.charge is not None and self.charge.charged_at is not None

    def fixed(self) -> dict[str, Any]:
        """Return, as JSON, the options that must not change between the runs of a job."""
        within = self.not_asked_within
        return {
            "ask": attrs.asdict(self.ask) | {"channels": list(self.ask.channels)}
            if self.ask
            else None,
            "charge": attrs.asdict(self.charge) if self.charge else None,
            "not_asked_within": within.total_seconds() if within else None,
        }

    def as_json(self) -> dict[str, Any]:
        """Return all options as JSON; `from_json` reads them."""
        return self.fixed() | {
            "max_asks": self.max_asks,
            "on_unknown": self.on_unknown,
            "reconcile_after": self.reconcile_after,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> JobOptions:
        """Return the options that `as_json` wrote."""
        within = stored["not_asked_within"]
        return cls(
            ask=AskTemplate(**stored["ask"]) if stored["ask"] else None,
            charge=ChargeTemplate(**stored["charge"]) if stored["charge"] else None,
            not_asked_within=timedelta(seconds=within) if within else None,
            max_asks=stored["max_asks"],
            on_unknown=stored["on_unknown"],
            reconcile_after=stored["reconcile_after"],
        )
