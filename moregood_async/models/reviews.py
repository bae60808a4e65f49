"""Reviews: the ratings that customers clicked, and the texts that they wrote."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs


@attrs.define(kw_only=True)
class Rating:
    """The rating that belongs to a score, as the project displays it [O]."""

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
    """A reviewer's picture [O]."""

    link: str | None = attrs.field(default=None, repr=False)
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)


@attrs.define(kw_only=True)
class Reviewer:
    """The author of a review [O]; its ``repr`` shows no name."""

    name: str | None = attrs.field(default=None, repr=False)
    first_name: str | None = attrs.field(default=None, repr=False)
    last_name: str | None = attrs.field(default=None, repr=False)
    color: str | None = None
    photo: Photo | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)


@attrs.define(kw_only=True)
class Source:
    """The site on which a review was left [O]."""

    name: str | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)


@attrs.define(kw_only=True)
class Review:
    """A review [O].

    A review exists from the moment a customer clicks a rating, with a score and no text; the text,
    if the customer sends one, is an update of the same review [D]. Every field but ``id`` may be
    None [I]. The ``repr`` shows neither the text nor its author.
    """

    id: int
    uuid: str | None = None
    score: int | None = None
    """1 to 5 [O]."""
    rating: Rating | None = attrs.field(default=None, repr=False)
    review: str | None = attrs.field(default=None, repr=False)
    """The text; None or empty if only a rating was left [O]."""
    review_html: str | None = attrs.field(default=None, repr=False)
    reviewer: Reviewer | None = attrs.field(default=None, repr=False)
    source: Source | None = None
    has_reply: bool | None = None
    is_hidden: bool | None = None
    """Hidden reviews are in the lists too [O]."""
    is_duplicate: bool | None = None
    """Duplicate reviews are in the lists too [O]."""
    created_at: datetime | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """Unknown fields, and values of an unexpected type, by name."""
