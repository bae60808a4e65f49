"""The cost of JSON: read a customer, read a page of a hundred, write an upsert.

All contestants read the same bytes into a model with aware datetimes, except plain json and
orjson, which stop at dicts. Ours reads leniently: an unexpected type affects only its own field,
and unknown fields are kept. The others' models reject such a response, or drop the unknown fields.
The rows of the page differ in their names, flags and times.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from _canned import CUSTOMER, ONE_CUSTOMER, laravel_json
from _harness import (
    Contest,
    Figures,
    Task,
    column,
    contestant,
    options,
    ratios,
    report,
    spread,
    table,
)

JOBS = {"a customer, read": 1_500, "a page of 100, read": 25, "an upsert, written": 4_000}
"""The number of repetitions of each job in a round: each takes a similar time."""

UPSERT: Any = {
    "first_name": "Ada",
    "last_name": "Larkmoor",
    "email": "ada@example.com",
    "phone": "+14155550100",
    "city": "San Francisco",
}
OPTIONAL = (
    *("last_name", "email", "phone", "company", "notes", "address1", "address2", "city", "state"),
    *("postal_code", "signed_up_at", "has_subscription", "location_slug", "tags"),
)


def _row(number: int) -> dict[str, Any]:
    created = 1_690_000_000 + number * 7_919
    charged = created + number * 3_571
    return CUSTOMER | {
        "id": number,
        "first_name": f"Ada {number}",
        "email": f"ada{number}@example.com",
        "has_subscription": number % 2,
        "charges_count": number % 4,
        "charges_sum": 4_900 * (number % 4),
        "charges_avg": 4_900 if number % 4 else None,
        "first_charged_at": charged if number % 4 else None,
        "last_charged_at": charged + 86_400 * (number % 4 - 1) if number % 4 else None,
        "first_asked_at": charged + 60,
        "last_asked_at": charged + 60,
        "signed_up_at": created - created % 86_400,
        "created_at": created,
        "updated_at": created if number % 2 else charged + 60,
    }


PAGE = laravel_json(
    {
        "success": True,
        "code": 200,
        "data": [_row(number) for number in range(1, 101)],
        "pagination": {"current_page": 1, "last_page": 9, "per_page": 100, "total": 900},
    }
)


def _time_jobs(jobs: dict[str, Callable[[], object]]) -> Figures:
    figures: Figures = {}
    for name, job in jobs.items():
        times = JOBS[name]
        for _ in range(times // 10):
            job()
        began = time.process_time()
        for _ in range(times):
            job()
        figures[name] = (time.process_time() - began) / times * 1e6
    return figures


@contestant("ours")
@contestant("ours, [speed]", speed=True)
def ours() -> Figures:
    from moregood_async import Customer, CustomerUpsert, Response, codec, envelope

    one = Response(status=200, headers={}, body=ONE_CUSTOMER)
    page = Response(status=200, headers={}, body=PAGE)
    upsert = CustomerUpsert(**UPSERT)
    assert envelope.page_of(Customer, page, number=1)[0].items[99].id == 100
    return _time_jobs(
        {
            "a customer, read": lambda: envelope.model_of(Customer, one),
            "a page of 100, read": lambda: envelope.page_of(Customer, page, number=1),
            "an upsert, written": lambda: codec.encode(upsert),
        }
    )


@contestant("msgspec", needs=("msgspec",))
def by_msgspec() -> Figures:
    import msgspec

    kinds = {name: kind | None for name, kind in _kinds().items() if name != "id"}
    customer = msgspec.defstruct(
        "Customer", [("id", int), *((name, kind, None) for name, kind in kinds.items())]
    )
    upsert = msgspec.defstruct(
        "Upsert",
        [
            ("first_name", str),
            *((name, Any | msgspec.UnsetType, msgspec.UNSET) for name in OPTIONAL),
        ],
    )
    one = msgspec.json.Decoder(msgspec.defstruct("One", [("data", customer)]), strict=False)
    page = msgspec.json.Decoder(msgspec.defstruct("Page", [("data", list[customer])]), strict=False)  # type: ignore[valid-type]
    encode, value = msgspec.json.Encoder().encode, upsert(**UPSERT)
    assert page.decode(PAGE).data[99].created_at.tzinfo
    return _time_jobs(
        {
            "a customer, read": lambda: one.decode(ONE_CUSTOMER),
            "a page of 100, read": lambda: page.decode(PAGE),
            "an upsert, written": lambda: encode(value),
        }
    )


@contestant("pydantic v2", needs=("pydantic",))
def by_pydantic() -> Figures:
    from pydantic import create_model

    kinds: dict[str, Any] = {name: (kind | None, None) for name, kind in _kinds().items()}
    customer = create_model("Customer", **(kinds | {"id": (int, ...)}))
    one = create_model("One", data=(customer, ...))
    page: Any = create_model("Page", data=(list[customer], ...))  # type: ignore[valid-type]
    optional: dict[str, Any] = dict.fromkeys(OPTIONAL, (Any, None))
    value = create_model("Upsert", first_name=(str, ...), **optional)(**UPSERT)
    assert page.model_validate_json(PAGE).data[99].created_at.tzinfo
    return _time_jobs(
        {
            "a customer, read": lambda: one.model_validate_json(ONE_CUSTOMER),
            "a page of 100, read": lambda: page.model_validate_json(PAGE),
            "an upsert, written": lambda: value.model_dump_json(exclude_unset=True).encode(),
        }
    )


def _kinds() -> dict[str, Any]:
    """Return the types of a customer's fields, without the None."""
    kinds: dict[str, Any] = dict.fromkeys(CUSTOMER, str)
    kinds |= dict.fromkeys(("id", "location_id", "charges_count"), int)
    kinds |= dict.fromkeys(("charges_sum", "charges_avg"), float)
    kinds |= dict.fromkeys(("has_subscription", "is_validated"), bool)
    kinds |= dict.fromkeys((name for name in CUSTOMER if name.endswith("_at")), datetime)
    kinds |= dict.fromkeys(("validation", "location"), dict[str, Any])
    return kinds


@contestant("json, to dicts")
def by_json() -> Figures:
    return _time_jobs(
        {
            "a customer, read": lambda: json.loads(ONE_CUSTOMER),
            "a page of 100, read": lambda: json.loads(PAGE),
            "an upsert, written": lambda: json.dumps(UPSERT).encode(),
        }
    )


@contestant("orjson, to dicts", speed=True)
def by_orjson() -> Figures:
    import orjson

    return _time_jobs(
        {
            "a customer, read": lambda: orjson.loads(ONE_CUSTOMER),
            "a page of 100, read": lambda: orjson.loads(PAGE),
            "an upsert, written": lambda: orjson.dumps(UPSERT),
        }
    )


NAMES = ("msgspec", "pydantic v2", "ours, [speed]", "ours", "orjson, to dicts", "json, to dicts")


def rows(job: str, seen: dict[str, list[Figures]]) -> Iterator[list[str]]:
    """Yield a row for each contestant at this job."""
    for name in NAMES:
        if name in seen:
            yield [
                job,
                name,
                spread(column(seen[name], job), ",.1f"),
                *(
                    spread(ratios(seen[name], seen[base], job)) if base in seen else ""
                    for base in ("msgspec", "pydantic v2")
                ),
            ]


def main() -> None:
    arguments = options(__doc__, rounds=25).parse_args()
    with Contest(__file__) as contest:
        contest.start(NAMES)
        seen = contest.rounds({name: Task(name) for name in NAMES}, arguments.rounds)
    titles = ["", "", "CPU, µs", "times msgspec", "times pydantic v2"]
    tables = table(titles, [row for job in JOBS for row in rows(job, seen)])
    report(arguments, "codec", tables, seen, ["orjson", "msgspec", "pydantic"])


if __name__ == "__main__":
    main()
