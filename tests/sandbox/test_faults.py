"""Faults: which requests they hit, the responses, and the effects."""

import asyncio
from typing import Any

import pytest

from moregood_async import ConnectionLost
from moregood_async.sandbox import (
    CutBody,
    Delay,
    DropAfterEffect,
    DropBeforeEffect,
    Fault,
    Garbage,
    Html,
    Redirect,
    Refuse,
    Sandbox,
)
from tests.sandbox.api import ADA, Api


@pytest.mark.parametrize(
    ("fault", "status", "customers"),
    [
        (Delay(0), 200, 1),
        (Refuse(500), 500, 0),
        (Refuse(503, {"Retry-After": "7"}), 503, 0),
        (DropBeforeEffect(), None, 0),
        (DropAfterEffect(), None, 1),
        (CutBody(), None, 1),
        (Garbage(), 200, 1),
        (Html(), 200, 0),
        (Html(504, after_effect=True), 504, 1),
        (Redirect("https://elsewhere.example/"), 302, 0),
    ],
    ids=repr,
)
async def test_each_fault_has_its_status_and_its_effect(
    fault: Fault, status: int | None, customers: int
) -> None:
    """A status of None is a lost connection. Every request is counted."""
    with Sandbox(faults=fault) as sandbox:
        try:
            actual = await Api(sandbox).status("POST", "/customers", ADA)
        except ConnectionLost:
            actual = None
        audit = sandbox.audit()
    assert actual == status
    assert audit.customers == customers
    assert audit.requests == {"customers.upsert": 1}


@pytest.mark.parametrize(
    ("fault", "phase"), [(DropAfterEffect(), "waiting"), (CutBody(), "reading")], ids=repr
)
async def test_a_lost_connection_names_its_phase_as_a_transport_does(
    fault: Fault, phase: str
) -> None:
    with Sandbox(faults=fault) as sandbox, pytest.raises(ConnectionLost) as caught:
        await Api(sandbox).send("GET", "/customers")
    assert caught.value.phase == phase
    assert caught.value.sent is True


async def test_refuse_has_laravels_body_by_default() -> None:
    with Sandbox(faults=Refuse(503)) as sandbox:
        response = await Api(sandbox).send("GET", "/customers")
    assert response.json() == {"message": "Service Unavailable"}


async def test_refuse_takes_headers_in_any_case_and_a_body() -> None:
    fault = Refuse(529, {"content-type": "text/plain", "X-A": "b"}, b"no")
    with Sandbox(faults=fault) as sandbox:
        response = await Api(sandbox).send("GET", "/customers")
    assert response.status == 529
    assert response.body == b"no"
    assert response.headers["Content-Type"] == "text/plain"
    assert response.headers["x-a"] == "b"


async def test_an_unknown_status_has_an_empty_message() -> None:
    with Sandbox(faults=Refuse(599)) as sandbox:
        assert (await Api(sandbox).send("GET", "/customers")).json() == {"message": ""}


async def test_garbage_is_not_json() -> None:
    with Sandbox(faults=Garbage()) as sandbox:
        response = await Api(sandbox).send("GET", "/customers")
    with pytest.raises(ValueError):
        response.json()


async def test_html_is_a_page_with_the_title_of_its_status() -> None:
    with Sandbox(faults=Html(502)) as sandbox:
        response = await Api(sandbox).send("GET", "/customers")
    assert b"<title>Bad Gateway</title>" in response.body
    assert response.headers["content-type"].startswith("text/html")


async def test_a_redirect_has_its_status_and_location() -> None:
    with Sandbox(faults=Redirect("https://b.example/?a=1&b=2", 307)) as sandbox:
        response = await Api(sandbox).send("GET", "/customers")
    assert response.status == 307
    assert response.headers["location"] == "https://b.example/?a=1&b=2"


async def test_times_and_on_limit_which_requests_are_hit() -> None:
    """HEAD belongs to the operation of GET."""
    requests = [("POST", "/customers"), ("HEAD", "/customers"), ("GET", "/messages")]
    requests += [("GET", "/reviews"), ("GET", "/customers")]
    with Sandbox(faults=Refuse(500, times=2, on=("customers.list", "reviews.list"))) as sandbox:
        statuses = [await Api(sandbox).status(method, path, ADA) for method, path in requests]
    assert statuses == [200, 500, 200, 500, 200]


async def test_on_takes_one_name_without_a_tuple() -> None:
    """``other`` stands for requests that match no operation."""
    with Sandbox(faults=Refuse(500, on="other")) as sandbox:
        assert await Api(sandbox).statuses(1, "/customers") == [200]
        assert await Api(sandbox).statuses(1, "/x") == [500]


async def test_a_probability_hits_its_share_and_the_seed_selects_the_requests() -> None:
    statuses: list[list[int]] = []
    for seed in (1, 1, 2):
        with Sandbox(faults=Refuse(500, probability=0.3, seed=seed)) as sandbox:
            statuses.append(await Api(sandbox).statuses(200))
    assert statuses[0] == statuses[1] != statuses[2]
    assert 30 <= statuses[0].count(500) <= 90


async def test_a_probability_of_zero_and_times_zero_never_hit() -> None:
    with Sandbox(faults=Refuse(500, probability=0) | Refuse(500, times=0)) as sandbox:
        assert await Api(sandbox).statuses(1) == [200]


async def test_a_caller_that_gives_up_during_a_delay_leaves_no_effect() -> None:
    with Sandbox(faults=Delay(60)) as sandbox:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Api(sandbox).send("POST", "/customers", ADA), 0.01)
        assert sandbox.audit().customers == 0


def _invalid(kind: Any, *args: object, **fields: object) -> Any:
    return pytest.param(kind, args, fields, id=f"{kind.__name__}{args}{fields}")


@pytest.mark.parametrize(
    ("kind", "args", "fields"),
    [
        _invalid(Delay, "x"),
        _invalid(Delay, -1),
        _invalid(Delay, float("inf")),
        _invalid(Refuse, "503"),
        _invalid(Refuse, 99),
        _invalid(Refuse, 503.5),
        _invalid(Refuse, 503, {"a": 1}),
        _invalid(Refuse, 503, {}, "text"),
        _invalid(Garbage, body="text"),
        _invalid(Redirect, 5),
        _invalid(Redirect, "x", 200),
        _invalid(Html, 600),
        _invalid(CutBody, probability=1.1),
        _invalid(CutBody, probability=float("nan")),
        _invalid(CutBody, times=-1),
        _invalid(CutBody, times=1.5),
        _invalid(CutBody, on=5),
        _invalid(CutBody, on=("asks.create", 5)),
    ],
)
def test_an_invalid_fault_is_refused_where_it_is_created(kind: Any, args: Any, fields: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        kind(*args, **fields)


def test_the_base_class_of_faults_is_abstract() -> None:
    base: type[Any] = Fault
    with pytest.raises(TypeError, match="abstract"):
        base()
