"""The throttle: which requests count, what it says, and when it lets in again."""

import time
from typing import Literal

import attrs
import pytest

from moregood_async import Response
from moregood_async.sandbox import DropBeforeEffect, Refuse, Sandbox, Throttle
from tests.sandbox.api import ADA, Api, request


@attrs.define
class Hands:
    """A clock that is moved by hand."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


async def statuses(api: Api, times: int, path: str = "/customers") -> list[int]:
    return [(await api.send("GET", path)).status for _ in range(times)]


async def test_every_answer_says_what_is_left() -> None:
    """Limit and remaining; nothing else until the 429."""
    with Sandbox(throttle=Throttle(3)) as sandbox:
        answers = [await Api(sandbox).send("GET", "/customers") for _ in range(3)]
    assert [each.headers["x-ratelimit-remaining"] for each in answers] == ["2", "1", "0"]
    assert {each.headers["x-ratelimit-limit"] for each in answers} == {"3"}
    assert all("retry-after" not in each.headers for each in answers)
    assert all("x-ratelimit-reset" not in each.headers for each in answers)


async def test_the_429_says_when_to_come_back() -> None:
    """Pretty-printed, with whole seconds and the moment they are over."""
    with Sandbox(throttle=Throttle(1, per=30, clock=Hands())) as sandbox:
        api = Api(sandbox)
        await api.send("GET", "/customers")
        refused = await api.send("GET", "/customers")
    assert (429, b'{\n    "message": "Too Many Attempts."\n}') == (refused.status, refused.body)
    assert refused.headers["retry-after"] == "30"
    assert refused.headers["x-ratelimit-remaining"] == "0"
    reset = int(refused.headers["x-ratelimit-reset"])
    assert time.time() + 28 <= reset <= time.time() + 31


async def test_after_the_window_the_whole_limit_is_free_again() -> None:
    """It began with the first request, and refused ones do not lengthen it."""
    clock = Hands()
    with Sandbox(throttle=Throttle(2, per=10, clock=clock)) as sandbox:
        api = Api(sandbox)
        seen: list[list[int]] = []
        for passed in (0, 9.9, 0.1, 9.9):
            clock.now += passed
            seen.append(await statuses(api, 3))
    assert seen == [[200, 200, 429], [429] * 3, [200, 200, 429], [429] * 3]


@pytest.mark.parametrize(("began", "nought_from"), [(0.05, 3.95), (0.5, 3.5), (0.9, 3.1)])
async def test_retry_after_is_floored_so_0_comes_early(began: float, nought_from: float) -> None:
    """As Laravel's does: 0 with a 429 is normal, for up to a second."""
    clock = Hands(1000 + began)
    with Sandbox(throttle=Throttle(1, per=4, clock=clock)) as sandbox:
        api = Api(sandbox)
        await statuses(api, 1)
        told: list[str] = []
        for after in (nought_from - 0.01, nought_from + 0.01):
            clock.now = 1000 + began + after
            told.append((await api.send("GET", "/customers")).headers["retry-after"])
    assert told == ["1", "0"]


async def test_a_bucket_fills_steadily() -> None:
    """It holds its burst, and gains a token at a time."""
    clock = Hands()
    bucket = Throttle(10, per=10, kind="bucket", burst=2, clock=clock)
    with Sandbox(throttle=bucket) as sandbox:
        api = Api(sandbox)
        seen: list[list[int]] = []
        for passed in (0, 1, 2.5, 60):
            clock.now += passed
            seen.append(await statuses(api, 3))
        refused = await api.send("GET", "/customers")
    assert seen == [[200, 200, 429], [200, 429, 429], [200, 200, 429], [200, 200, 429]]
    assert refused.headers["retry-after"] == "1"


async def test_a_bucket_holds_its_limit_where_no_burst_is_told() -> None:
    """And says what is in it."""
    with Sandbox(throttle=Throttle(3, per=60, kind="bucket", clock=Hands())) as sandbox:
        first = await Api(sandbox).send("GET", "/customers")
        assert first.headers["x-ratelimit-remaining"] == "2"
        assert await statuses(Api(sandbox), 3) == [200, 200, 429]


@pytest.mark.parametrize(
    ("method", "path", "key", "status", "counts"),
    [
        ("POST", "/customers", "test-key", 422, True),
        ("GET", "/customers/9/reviews", "test-key", 404, True),
        ("GET", "/customers", "test-key", 200, True),
        ("GET", "/nothing", "test-key", 404, False),
        ("DELETE", "/customers", "test-key", 405, False),
        ("OPTIONS", "/customers", "test-key", 200, False),
        ("GET", "/customers", "wrong", 401, False),
    ],
    ids=["422", "model", "200", "route", "405", "options", "401"],
)
async def test_what_counts_and_what_does_not(
    method: str, path: str, key: str, status: int, counts: bool
) -> None:
    """What is behind the throttle carries its headers and counts."""
    with Sandbox(throttle=Throttle(1)) as sandbox:
        first = await Api(sandbox, key).send(method, path)
        second = await Api(sandbox).send("GET", "/customers")
    assert (first.status, second.status) == (status, 429 if counts else 200)
    assert ("x-ratelimit-limit" in first.headers) is counts


async def test_a_suspended_project_is_counted_too() -> None:
    """Its 403 stands behind the throttle."""
    with Sandbox(throttle=Throttle(1)) as sandbox:
        sandbox.suspend("test-key")
        assert await statuses(Api(sandbox), 2) == [403, 429]


async def test_each_key_has_its_own_limit() -> None:
    """One that is used up is no other's business."""
    with Sandbox(keys=["one", "two"], throttle=Throttle(1)) as sandbox:
        seen = [await statuses(Api(sandbox, key), 2) for key in ("one", "two")]
    assert seen == [[200, 429], [200, 429]]


async def test_a_throttle_among_the_faults_stands_behind_the_key() -> None:
    """Wherever in the row; a fault before it costs nothing."""
    faults = Throttle(1) | Refuse(503, times=1) | DropBeforeEffect(times=0)
    with Sandbox(faults=faults) as sandbox:
        assert (await Api(sandbox, "wrong").send("GET", "/customers")).status == 503
        assert (await Api(sandbox, "wrong").send("GET", "/customers")).status == 401
        assert await statuses(Api(sandbox), 2) == [200, 429]


async def test_the_faults_set_anew_do_not_touch_the_throttle() -> None:
    """What was given as ``throttle=`` stays and keeps its count."""
    with Sandbox(throttle=Throttle(1)) as sandbox:
        await statuses(Api(sandbox), 1)
        sandbox.faults = ()
        assert await statuses(Api(sandbox), 1) == [429]


async def test_one_throttle_in_two_sandboxes_counts_for_each() -> None:
    """It is a value; so it does when it is installed again."""
    throttle = Throttle(1)
    for _ in range(2):
        with Sandbox(throttle=throttle) as sandbox:
            assert await statuses(Api(sandbox), 2) == [200, 429]
    with Sandbox(faults=throttle) as sandbox:
        assert await statuses(Api(sandbox), 2) == [200, 429]
        sandbox.faults = throttle
        assert await statuses(Api(sandbox), 2) == [200, 429]


async def test_a_silent_throttle_says_nothing() -> None:
    """Neither on answers nor on the 429."""
    with Sandbox(throttle=Throttle(1, headers=False)) as sandbox:
        answers = [await Api(sandbox).send("GET", "/customers") for _ in range(2)]
    assert [each.status for each in answers] == [200, 429]
    assert not {name for each in answers for name in each.headers} & {
        *("retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
    }


async def test_a_throttle_goes_around_any_handler() -> None:
    """By itself it counts by the Authorization header."""
    throttle = Throttle(1)

    async def answer(_: object) -> Response:
        return Response(status=204, headers={"Content-Type": "text/plain"}, body=b"")

    seen = [await throttle(request("GET", "/", key=key), answer) for key in ("a", "a", "b")]
    assert [each.status for each in seen] == [204, 429, 204]
    assert seen[0].headers["X-RateLimit-Remaining"] == "0"
    assert seen[0].headers["Content-Type"] == "text/plain"


async def test_the_429_takes_no_effect_and_is_in_the_audit() -> None:
    """Refused is refused."""
    with Sandbox(throttle=Throttle(1)) as sandbox:
        for number in range(3):
            await Api(sandbox).send("POST", "/customers", {**ADA, "email": f"{number}@b.c"})
        audit = sandbox.audit("test-key")
    assert (audit.customers, audit.throttled, audit.requests) == (1, 2, {"customers.upsert": 3})


@pytest.mark.parametrize(
    ("limit", "per", "kind", "burst"),
    [
        (0, 60, "window", None),
        (1.5, 60, "window", None),
        (1, 0, "window", None),
        (1, float("inf"), "window", None),
        (1, 60, "leaky", None),
        (1, 60, "bucket", 0),
    ],
)
def test_a_senseless_throttle_is_refused(
    limit: int, per: float, kind: Literal["window"], burst: int | None
) -> None:
    """Where it is made."""
    with pytest.raises((TypeError, ValueError)):
        Throttle(limit, per=per, kind=kind, burst=burst)
