"""Faults: whom they strike, how often, and what takes effect all the same."""

import asyncio
from typing import Any

import pytest

from moregood_async import ConnectionLost, Handler, MoreGoodClient, Request, Response
from moregood_async.sandbox import (
    CutBody,
    Delay,
    DropAfterEffect,
    DropBeforeEffect,
    Fault,
    Faults,
    Garbage,
    Html,
    Redirect,
    Refuse,
    Sandbox,
)
from tests.sandbox.api import ADA, Api


@pytest.mark.parametrize(
    ("fault", "status", "applied"),
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
async def test_what_a_fault_answers_and_what_took_effect(
    fault: Fault, status: int | None, applied: int
) -> None:
    """The audit is to be believed, not the answer."""
    with Sandbox(faults=fault) as sandbox:
        try:
            answer = (await Api(sandbox).send("POST", "/customers", ADA)).status
        except ConnectionLost:
            answer = None
        audit = sandbox.audit()
    assert (answer, audit.customers) == (status, applied)
    assert audit.requests == {"customers.upsert": 1}


@pytest.mark.parametrize(
    ("fault", "phase"), [(DropAfterEffect(), "waiting"), (CutBody(), "reading")], ids=repr
)
async def test_a_lost_answer_says_how_far_it_came(fault: Fault, phase: str) -> None:
    """As a transport would."""
    with Sandbox(faults=fault) as sandbox, pytest.raises(ConnectionLost) as caught:
        await Api(sandbox).send("GET", "/customers")
    assert (caught.value.phase, caught.value.sent) == (phase, True)


async def test_refuse_answers_as_laravel_unless_told_otherwise() -> None:
    """Status, headers by any case, and body can be given."""
    with Sandbox(faults=Refuse(503)) as sandbox:
        usual = await Api(sandbox).send("GET", "/customers")
        sandbox.faults = Refuse(529, {"content-type": "text/plain", "X-A": "b"}, b"no")
        told = await Api(sandbox).send("GET", "/customers")
    assert usual.json() == {"message": "Service Unavailable"}
    assert (529, b"no", "text/plain", "b") == (
        told.status,
        told.body,
        told.headers["Content-Type"],
        told.headers["x-a"],
    )


async def test_an_unknown_status_has_no_sentence() -> None:
    """Laravel's would be empty too."""
    with Sandbox(faults=Refuse(599)) as sandbox:
        assert (await Api(sandbox).send("GET", "/customers")).json() == {"message": ""}


async def test_garbage_is_no_json_and_html_is_a_page() -> None:
    """Both with the headers that go with it."""
    with Sandbox(faults=Garbage()) as sandbox:
        garbage = await Api(sandbox).send("GET", "/customers")
        sandbox.faults = Html(502)
        page = await Api(sandbox).send("GET", "/customers")
        sandbox.faults = Redirect("https://b.example/?a=1&b=2", 307)
        redirect = await Api(sandbox).send("GET", "/customers")
    with pytest.raises(ValueError):
        garbage.json()
    assert b"<title>Bad Gateway</title>" in page.body
    assert page.headers["content-type"].startswith("text/html")
    assert (307, "https://b.example/?a=1&b=2") == (redirect.status, redirect.headers["location"])


async def test_times_and_on_say_whom_it_strikes() -> None:
    """So often, and only these operations; a HEAD is the GET's."""
    with Sandbox(faults=Refuse(500, times=2, on=("customers.list", "reviews.list"))) as sandbox:
        api = Api(sandbox)
        asked = [("POST", "/customers"), ("HEAD", "/customers"), ("GET", "/messages")]
        asked += [("GET", "/reviews"), ("GET", "/customers")]
        seen = [(await api.send(method, path, ADA)).status for method, path in asked]
    assert seen == [200, 500, 200, 500, 200]


async def test_one_operation_can_be_named_by_itself() -> None:
    """Without a tuple; ``other`` is what is no operation."""
    with Sandbox(faults=Refuse(500, on="other")) as sandbox:
        seen = [(await Api(sandbox).send("GET", path)).status for path in ("/customers", "/x")]
    assert seen == [200, 500]


async def test_a_probability_strikes_that_share_and_the_seed_which() -> None:
    """The same seed strikes the same ones."""
    seen: list[list[int]] = []
    for seed in (1, 1, 2):
        with Sandbox(faults=Refuse(500, probability=0.3, seed=seed)) as sandbox:
            api = Api(sandbox)
            seen.append([(await api.send("GET", "/customers")).status for _ in range(200)])
    assert seen[0] == seen[1] != seen[2]
    assert 30 <= seen[0].count(500) <= 90


async def test_a_probability_of_nought_never_strikes() -> None:
    """Nor does ``times=0``."""
    with Sandbox(faults=Refuse(500, probability=0) | Refuse(500, times=0)) as sandbox:
        assert (await Api(sandbox).send("GET", "/customers")).status == 200


async def test_faults_chain_the_first_one_outermost() -> None:
    """With ``|``, or in a list; a middleware of one's own goes along."""
    told: list[str] = []

    async def own(request: Request, call_next: Handler) -> Response:
        told.append(request.operation)
        return await call_next(request)

    rows: list[Any] = [Refuse(500, times=1) | own, [Refuse(500, times=1), own]]
    rows += [own | Faults([Refuse(500, times=1)]), Delay(0) | (Refuse(500, times=1) | own)]
    for row in rows:
        with Sandbox(faults=row) as sandbox:
            seen = [(await Api(sandbox).send("GET", "/customers")).status for _ in range(2)]
        assert seen == [500, 200]
    assert told == ["customers.list"] * 5


async def test_faults_are_values_that_forget() -> None:
    """What one has done is kept where it is installed; setting it again begins anew."""
    once = Refuse(500, times=1)
    with Sandbox(faults=once) as sandbox:
        api = Api(sandbox)
        for _ in range(2):
            assert (await api.send("GET", "/customers")).status == 500
            assert (await api.send("GET", "/customers")).status == 200
            sandbox.faults = once
        assert sandbox.faults == (once,)
    assert once == Refuse(500, times=1)


async def test_a_row_of_faults_is_a_middleware_itself() -> None:
    """It goes around a client's attempts too."""
    with Sandbox() as sandbox:
        faults = Faults([Delay(0), Refuse(500, times=1)])
        async with MoreGoodClient("test-key", transport=sandbox, middlewares=(faults,)) as client:
            assert await client.customers.list().collect() == []
        assert sum(sandbox.audit().requests.values()) == 1


async def test_a_delay_waits_before_the_effect() -> None:
    """Who goes away in the meantime, without a socket, leaves nothing behind."""
    with Sandbox(faults=Delay(60)) as sandbox:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Api(sandbox).send("POST", "/customers", ADA), 0.01)
        assert sandbox.audit().customers == 0


def _strange(kind: Any, *args: object, **fields: object) -> Any:
    return pytest.param(kind, args, fields, id=f"{kind.__name__}{args}{fields}")


@pytest.mark.parametrize(
    ("kind", "args", "fields"),
    [
        _strange(Delay, "x"),
        _strange(Delay, -1),
        _strange(Delay, float("inf")),
        _strange(Refuse, "503"),
        _strange(Refuse, 99),
        _strange(Refuse, 503.5),
        _strange(Refuse, 503, {"a": 1}),
        _strange(Refuse, 503, {}, "text"),
        _strange(Garbage, body="text"),
        _strange(Redirect, 5),
        _strange(Redirect, "x", 200),
        _strange(Html, 600),
        _strange(CutBody, probability=1.1),
        _strange(CutBody, probability=float("nan")),
        _strange(CutBody, times=-1),
        _strange(CutBody, times=1.5),
        _strange(CutBody, on=5),
        _strange(CutBody, on=("asks.create", 5)),
    ],
)
def test_a_senseless_fault_is_refused(kind: Any, args: Any, fields: Any) -> None:
    """Where it is made, not where it strikes."""
    with pytest.raises((TypeError, ValueError)):
        kind(*args, **fields)


def test_a_fault_has_to_do_something() -> None:
    """The base of them all cannot be made."""
    base: type[Any] = Fault
    with pytest.raises(TypeError, match="abstract"):
        base()
