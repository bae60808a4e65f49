"""Messages: the emails and texts that review requests send."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs


@attrs.define(kw_only=True)
class Recipient:
    """A short form of the customer to whom a message is sent [O]; its ``repr`` shows no name."""

    id: int | None = None
    uuid: str | None = None
    name: str | None = attrs.field(default=None, repr=False)
    color: str | None = None
    gravatar: str | None = attrs.field(default=None, repr=False)
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)


@attrs.define(kw_only=True)
class Template:
    """The template of a message [O]."""

    id: int | None = None
    uuid: str | None = None
    name: str | None = None
    slug: str | None = None
    channel: str | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)


@attrs.define(kw_only=True)
class Message:
    """An email or text of a review request [O].

    Every field but ``id`` may be None [I]. Times are aware, in UTC; ``processed_at``, ``sent_at``,
    ``delivered_at``, ``opened_at``, ``clicked_at`` and ``failed_at`` are None until they
    happen [O]. All messages of one ask have its id as their ``ask_id`` [O].
    """

    id: int
    uuid: str | None = None
    ask_id: int | None = None
    channel: str | None = None
    """``email`` or ``sms``; the API may add others."""
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
    """Unknown fields, and values of an unexpected type, by name."""
