"""The throttle: which requests count, its headers, and when it admits again."""

from types import SimpleNamespace
from typing import Literal

import attrs
import pytest

from moregood_async import Response
from moregood_async.sandbox import DropBeforeEffect, Refuse, Sandbox, Throttle, throttle
from tests.sandbox.api import ADA, Api, build_request

UNIX_NOW = 1_750_000_000.0


@attrs.define
class ManualClock:
    """A monotonic clock that a test moves."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _unix_time_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """``X-RateLimit-Reset`` is computed from this time."""
    monkeypatch.setattr(throttle, "time", SimpleNamespace(time=lambda: UNIX_NOW))


async def test_an_admitted_response_has_the_limit_and_the_remaining_requests() -> None:
    """The other two headers are on the 429 only."""
    with Sandbox(throttle=Throttle(3)) as sandbox:
        responses = [await Api(sandbox).send("GET", "/customers") for _ in range(3)]
    assert [each.headers["x-ratelimit-remaining"] for each in responses] == ["2", "1", "0"]
    assert {each.headers["x-ratelimit-limit"] for each in responses} == {"3"}
    assert all("retry-after" not in each.headers for each in responses)
    assert all("x-ratelimit-reset" not in each.headers for each in responses)


async def test_a_429_has_retry_after_and_the_unix_time_of_the_reset() -> None:
    with Sandbox(throttle=Throttle(1, per=30, clock=ManualClock())) as sandbox:
        _, throttled = [await Api(sandbox).send("GET", "/customers") for _ in range(2)]
    assert throttled.status == 429
    assert throttled.body == b'{\n    "message": "Too Many Attempts."\n}'
    assert throttled.headers["retry-after"] == "30"
    assert throttled.headers["x-ratelimit-remaining"] == "0"
    assert throttled.headers["x-ratelimit-reset"] == str(int(UNIX_NOW) + 30)


async def test_after_the_window_the_whole_limit_is_free_again() -> None:
    """The window starts at its first request, and throttled requests do not lengthen it."""
    clock = ManualClock()
    with Sandbox(throttle=Throttle(2, per=10, clock=clock)) as sandbox:
        statuses: list[list[int]] = []
        for elapsed_seconds in (0, 9.9, 0.1, 9.9):
            clock.now += elapsed_seconds
            statuses.append(await Api(sandbox).statuses(3))
    assert statuses == [[200, 200, 429], [429] * 3, [200, 200, 429], [429] * 3]


@pytest.mark.parametrize(("started_at", "zero_after"), [(0.05, 3.95), (0.5, 3.5), (0.9, 3.1)])
async def test_retry_after_is_zero_before_the_window_ends(
    started_at: float, zero_after: float
) -> None:
    """Laravel counts whole seconds, so the 0 is normal for up to a second."""
    clock = ManualClock(1000 + started_at)
    with Sandbox(throttle=Throttle(1, per=4, clock=clock)) as sandbox:
        api = Api(sandbox)
        await api.statuses(1)
        retry_after: list[str] = []
        for elapsed_seconds in (zero_after - 0.01, zero_after + 0.01):
            clock.now = 1000 + started_at + elapsed_seconds
            retry_after.append((await api.send("GET", "/customers")).headers["retry-after"])
    assert retry_after == ["1", "0"]


async def test_a_bucket_gains_tokens_steadily_up_to_its_burst() -> None:
    clock = ManualClock()
    bucket = Throttle(10, per=10, kind="bucket", burst=2, clock=clock)
    with Sandbox(throttle=bucket) as sandbox:
        api = Api(sandbox)
        statuses: list[list[int]] = []
        for elapsed_seconds in (0, 1, 2.5, 60):
            clock.now += elapsed_seconds
            statuses.append(await api.statuses(3))
        throttled = await api.send("GET", "/customers")
    assert statuses == [[200, 200, 429], [200, 429, 429], [200, 200, 429], [200, 200, 429]]
    assert throttled.headers["retry-after"] == "1"


async def test_a_bucket_without_a_burst_holds_its_limit() -> None:
    with Sandbox(throttle=Throttle(3, per=60, kind="bucket", clock=ManualClock())) as sandbox:
        first = await Api(sandbox).send("GET", "/customers")
        assert first.headers["x-ratelimit-remaining"] == "2"
        assert await Api(sandbox).statuses(3) == [200, 200, 429]


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
async def test_a_response_from_behind_the_throttle_counts_and_has_its_headers(
    method: str, path: str, key: str, status: int, counts: bool
) -> None:
    with Sandbox(throttle=Throttle(1)) as sandbox:
        first = await Api(sandbox, key).send(method, path)
        second = await Api(sandbox).send("GET", "/customers")
    assert first.status == status
    assert second.status == (429 if counts else 200)
    assert ("x-ratelimit-limit" in first.headers) is counts


async def test_the_403_of_a_suspended_project_counts() -> None:
    with Sandbox(throttle=Throttle(1)) as sandbox:
        sandbox.suspend("test-key")
        assert await Api(sandbox).statuses(2) == [403, 429]


async def test_each_key_has_a_limit_of_its_own() -> None:
    with Sandbox(keys=["one", "two"], throttle=Throttle(1)) as sandbox:
        assert await Api(sandbox, "one").statuses(2) == [200, 429]
        assert await Api(sandbox, "two").statuses(2) == [200, 429]


async def test_a_throttle_among_the_faults_is_checked_after_the_key() -> None:
    """A request that a fault refuses does not count, wherever the throttle stands."""
    faults = Throttle(1) | Refuse(503, times=1) | DropBeforeEffect(times=0)
    with Sandbox(faults=faults) as sandbox:
        assert await Api(sandbox, "wrong").statuses(2) == [503, 401]
        assert await Api(sandbox).statuses(2) == [200, 429]


async def test_new_faults_do_not_reset_the_throttle_of_the_sandbox() -> None:
    with Sandbox(throttle=Throttle(1)) as sandbox:
        assert await Api(sandbox).statuses(1) == [200]
        sandbox.faults = ()
        assert await Api(sandbox).statuses(1) == [429]


async def test_each_installation_of_a_throttle_counts_for_itself() -> None:
    """A throttle is a value, like every fault."""
    one_request = Throttle(1)
    for _ in range(2):
        with Sandbox(throttle=one_request) as sandbox:
            assert await Api(sandbox).statuses(2) == [200, 429]
    with Sandbox(faults=one_request) as sandbox:
        assert await Api(sandbox).statuses(2) == [200, 429]
        sandbox.faults = one_request
        assert await Api(sandbox).statuses(2) == [200, 429]


async def test_a_throttle_without_headers_sends_none() -> None:
    with Sandbox(throttle=Throttle(1, headers=False)) as sandbox:
        responses = [await Api(sandbox).send("GET", "/customers") for _ in range(2)]
    assert [each.status for each in responses] == [200, 429]
    assert not {name for each in responses for name in each.headers} & {
        *("retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
    }


async def test_a_throttle_around_any_handler_counts_by_the_authorization_header() -> None:
    one_request = Throttle(1)

    async def handle(_: object) -> Response:
        return Response(status=204, headers={"Content-Type": "text/plain"}, body=b"")

    responses = [
        await one_request(build_request("GET", "/", key=key), handle) for key in ("a", "a", "b")
    ]
    assert [each.status for each in responses] == [204, 429, 204]
    assert responses[0].headers["X-RateLimit-Remaining"] == "0"
    assert responses[0].headers["Content-Type"] == "text/plain"


async def test_a_throttled_request_has_no_effect_and_is_in_the_audit() -> None:
    with Sandbox(throttle=Throttle(1)) as sandbox:
        for number in range(3):
            await Api(sandbox).send("POST", "/customers", {**ADA, "email": f"{number}@b.c"})
        audit = sandbox.audit("test-key")
    assert audit.customers == 1
    assert audit.throttled == 2
    assert audit.requests == {"customers.upsert": 3}


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
def test_an_invalid_throttle_is_refused_where_it_is_created(
    limit: int, per: float, kind: Literal["window"], burst: int | None
) -> None:
    with pytest.raises((TypeError, ValueError)):
        Throttle(limit, per=per, kind=kind, burst=burst)
