"""Asks: review requests, each of which reaches a real person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Required, TypedDict

import attrs

from moregood_async.models.fields import (
    UNSET,
    Channel,
    DateLike,
    SentValue,
    Unset,
    channel_list,
    gathered,
    moment,
    reachable,
    text,
    up_to_three,
)


class AskFields(TypedDict, total=False):
    """The fields of an `AskCreate`, as keywords or as a row."""

    channels: Required[Sequence[Channel]]
    email: str | None
    phone: str | None
    reminders_count: int | None
    asked_at: DateLike | None


@attrs.frozen(kw_only=True, repr=False, field_transformer=gathered)
class AskCreate(SentValue):
    """A review request to a customer who exists already, named by email or phone."""

    channels: Sequence[Channel] = attrs.field(validator=channel_list)
    """``email``, ``sms`` or both, each once."""
    email: str | Unset | None = attrs.field(default=UNSET, validator=text())
    phone: str | Unset | None = attrs.field(default=UNSET, validator=text())
    reminders_count: int | Unset | None = attrs.field(default=UNSET, validator=up_to_three)
    """0 to 3; they stop once the customer clicks a rating."""
    asked_at: DateLike | Unset | None = attrs.field(default=UNSET, validator=moment)
    """When it goes out; at once, where it is None or left out."""

    def problems(self) -> list[tuple[str, str]]:
        """It names its customer."""
        return reachable(self.email, self.phone)


@attrs.define(kw_only=True)
class Ask:
    """A scheduled review request, as far as the API answers with it; everything may be None."""

    id: int | None = None
    email: str | None = attrs.field(default=None, repr=False)
    phone: str | None = attrs.field(default=None, repr=False)
    scheduled_at: datetime | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
