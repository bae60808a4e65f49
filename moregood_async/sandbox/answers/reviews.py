"""Reviews: lists, newest first by ``created_at``, hidden and duplicate ones included [O]."""

from __future__ import annotations

from html import escape

from moregood_async.sandbox.answers.calls import Call
from moregood_async.sandbox.answers.customers import color_of, full_name, gravatar
from moregood_async.sandbox.store import Row, Store
from moregood_async.wire import Response

_COLUMNS = """
    SELECT reviews.*, customers.first_name, customers.last_name, customers.email_key
    FROM reviews JOIN customers ON customers.id = reviews.customer_id
"""
_RATINGS = {
    1: ("Terrible", "#e53935", "angry"),
    2: ("Bad", "#fb8c00", "sad"),
    3: ("Okay", "#fdd835", "neutral"),
    4: ("Good", "#7cb342", "happy"),
    5: ("Great", "#43a047", "love"),
}
_IMAGES = "https://moregoodreviews.com/sandbox/ratings"


def list_reviews(call: Call) -> Response:
    """GET reviews."""
    return _listed(call, "project_id", call.project)


def customer_reviews(call: Call) -> Response:
    """GET customers/:id/reviews."""
    return _listed(call, "customer_id", call.customer_named(call.ident)["id"])


def _listed(call: Call, column: str, owner: int) -> Response:
    store = call.store
    call.timeline.run(call.now)
    where = f"WHERE reviews.{column} = ?"
    order = "ORDER BY reviews.created_at DESC, reviews.id DESC LIMIT ? OFFSET ?"
    return call.listed(
        store.count(f"SELECT count(*) FROM reviews {where}", (owner,)),  # noqa: S608
        lambda limit, offset: store.rows(
            f"{_COLUMNS} {where} {order}",
            (owner, limit, offset),
        ),
        lambda row: shown_review(store, row),
    )


def shown_review(store: Store, row: Row) -> Row:
    """A review as the API shows it."""
    text = row["review"]
    return {
        "id": row["id"],
        "uuid": store.uuid("review", row["id"]),
        "score": row["score"],
        "rating": _rating(store, row["score"]),
        "review": text,
        "review_html": None if text is None else f"<p>{escape(text)}</p>",
        "reviewer": {
            "name": full_name(row),
            "first_name": row["first_name"],
            "last_name": row["last_name"],
            "color": color_of(row["customer_id"]),
            "photo": {"link": gravatar(row["email_key"])},
        },
        "source": {"name": "More Good Reviews"},
        "has_reply": bool(row["has_reply"]),
        "is_hidden": row["is_hidden"],
        "is_duplicate": row["is_duplicate"],
        "created_at": row["created_at"],
    }


def _rating(store: Store, score: int) -> Row:
    label, color, icon = _RATINGS[score]
    return {
        "id": score,
        "uuid": store.uuid("rating", score),
        "score": score,
        "label": label,
        "color": color,
        "icon": icon,
        "image_link": None,
        "default_image_link": f"{_IMAGES}/{score}.png",
    }
