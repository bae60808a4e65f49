"""Asks: review requests, each of which reaches a real person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Required, TypedDict

import attrs

from moregood_async.models.checks import (
    check_channels,
    check_date,
    check_reminders_count,
    check_text,
    contact_problems,
)
from moregood_async.models.dates import DateLike
from moregood_async.models.fields import UNSET, Channel, SentValue, Unset, defer_checks


class AskFields(TypedDict, total=False):
    """The fields of an `AskCreate`, as keywords or as a row."""

    channels: Required[Sequence[Channel]]
    email: str | None
    phone: str | None
    reminders_count: int | None
    asked_at: DateLike | None


@attrs.frozen(kw_only=True, repr=False, field_transformer=defer_checks)
class AskCreate(SentValue):
    """A review request to an existing customer, who is named by email or phone [D].

    The customer needs an email for an email ask and a phone for an SMS ask [D]. The ask makes one
    request message for each channel, and ``reminders_count`` reminders [D].
    """

    channels: Sequence[Channel] = attrs.field(validator=check_channels)
    """``email``, ``sms`` or both, each once [D]; required [P]."""
    email: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    phone: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    reminders_count: int | Unset | None = attrs.field(
        default=UNSET, validator=check_reminders_count
    )
    """0 to 3. Reminders stop once the customer clicks a rating [D]."""
    asked_at: DateLike | Unset | None = attrs.field(default=UNSET, validator=check_date)
    """When the request is sent to the customer; None or `UNSET` sends it at once [D]."""

    def problems(self) -> list[tuple[str, str]]:
        """Return a problem if neither email nor phone names the customer."""
        return contact_problems(self.email, self.phone)


@attrs.define(kw_only=True)
class Ask:
    """A scheduled review request.

    The response to an ask is undocumented, so every field may be None. An ask has an integer id,
    which its messages carry as ``ask_id`` [O].
    """

    id: int | None = None
    email: str | None = attrs.field(default=None, repr=False)
    phone: str | None = attrs.field(default=None, repr=False)
    scheduled_at: datetime | None = None
    """Aware, in UTC [O]."""
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """Unknown fields, and values of an unexpected type, by name."""
