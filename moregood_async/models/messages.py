"""Messages: the emails and texts that review requests send."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs


@attrs.define(kw_only=True)
class Recipient:
    """The customer that a message goes to, in short; its ``repr`` shows no name."""

    id: int | None = None
    uuid: str | None = None
    name: str | None = attrs.field(default=None, repr=False)
    color: str | None = None
    gravatar: str | None = attrs.field(default=None, repr=False)
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)


@attrs.define(kw_only=True)
class Template:
    """What a message was made from."""

    id: int | None = None
    uuid: str | None = None
    name: str | None = None
    slug: str | None = None
    channel: str | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)


@attrs.define(kw_only=True)
class Message:
    """A message of a review request. Each time is None until it happens, and aware, in UTC.

    Everything but ``id`` may be None. Messages of one ask share its ``ask_id``.
    """

    id: int
    uuid: str | None = None
    ask_id: int | None = None
    channel: str | None = None
    """``email`` or ``sms``; others may come."""
    customer: Recipient | None = None
    template: Template | None = None
    scheduled_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    processed_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    opened_at: datetime | None = None
    clicked_at: datetime | None = None
    failed_at: datetime | None = None
    failed_reason: str | None = attrs.field(default=None, repr=False)
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
