"""GET reviews and GET customers/:id/reviews.

- The list has the newest review first, by ``created_at``, and includes hidden and duplicate reviews
  [O].
- The items have the fields of `present_review` [O]. ``review`` is null if only a rating was clicked
  [O].
- The labels, colours and icons of the ratings are the sandbox's own [I].
"""

from __future__ import annotations

from html import escape

from moregood_async.sandbox.endpoints.calls import Call
from moregood_async.sandbox.endpoints.customers import color_of, full_name, gravatar_url
from moregood_async.sandbox.store import Row, Store
from moregood_async.wire import Response

_SELECT = """
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
    """Respond to ``GET reviews``."""
    return _list(call, "project_id", call.project)


def list_customer_reviews(call: Call) -> Response:
    """Respond to ``GET customers/:id/reviews``."""
    return _list(call, "customer_id", call.customer_in_path()["id"])


def _list(call: Call, column: str, owner_id: int) -> Response:
    store = call.store
    call.timeline.run_until(call.now)
    where = f"WHERE reviews.{column} = ?"
    order = "ORDER BY reviews.created_at DESC, reviews.id DESC LIMIT ? OFFSET ?"
    return call.list_page(
        store.fetch_count(f"SELECT count(*) FROM reviews {where}", (owner_id,)),  # noqa: S608
        lambda limit, offset: store.fetch_rows(
            f"{_SELECT} {where} {order}",
            (owner_id, limit, offset),
        ),
        lambda row: present_review(store, row),
    )


def present_review(store: Store, row: Row) -> Row:
    """Return a review as the API shows it."""
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
            "photo": {"link": gravatar_url(row["email_key"])},
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
