"""Reviews: what customers clicked and wrote."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs


@attrs.define(kw_only=True)
class Rating:
    """The rating behind a score, as the project shows it."""

    id: int | None = None
    uuid: str | None = None
    score: int | None = None
    label: str | None = None
    color: str | None = None
    icon: str | None = None
    image_link: str | None = None
    default_image_link: str | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)


@attrs.define(kw_only=True)
class Photo:
    """A reviewer's picture."""

    link: str | None = attrs.field(default=None, repr=False)
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)


@attrs.define(kw_only=True)
class Reviewer:
    """Who wrote a review; its ``repr`` shows nobody."""

    name: str | None = attrs.field(default=None, repr=False)
    first_name: str | None = attrs.field(default=None, repr=False)
    last_name: str | None = attrs.field(default=None, repr=False)
    color: str | None = None
    photo: Photo | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)


@attrs.define(kw_only=True)
class Source:
    """Where a review was left."""

    name: str | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)


@attrs.define(kw_only=True)
class Review:
    """A review. It exists from the click on a rating; its text may follow, or never come.

    Everything but ``id`` may be None. Hidden and duplicate reviews are listed too. The ``repr``
    shows neither the text nor its writer.
    """

    id: int
    uuid: str | None = None
    score: int | None = None
    """1 to 5."""
    rating: Rating | None = attrs.field(default=None, repr=False)
    review: str | None = attrs.field(default=None, repr=False)
    """The text; None or empty where only a rating was left."""
    review_html: str | None = attrs.field(default=None, repr=False)
    reviewer: Reviewer | None = attrs.field(default=None, repr=False)
    source: Source | None = None
    has_reply: bool | None = None
    is_hidden: bool | None = None
    is_duplicate: bool | None = None
    created_at: datetime | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
