"""Chains of faults and other middlewares."""

from typing import Any

from moregood_async import Handler, MoreGoodClient, Request, Response
from moregood_async.sandbox import Delay, Faults, Refuse, Sandbox
from tests.sandbox.api import Api


async def test_the_first_fault_of_a_chain_is_the_outermost() -> None:
    """Chains are written with ``|`` or as a list, and can contain any middleware."""
    operations: list[str] = []

    async def own(request: Request, call_next: Handler) -> Response:
        operations.append(request.operation)
        return await call_next(request)

    chains: list[Any] = [Refuse(500, times=1) | own, [Refuse(500, times=1), own]]
    chains += [own | Faults([Refuse(500, times=1)]), Delay(0) | (Refuse(500, times=1) | own)]
    for chain in chains:
        with Sandbox(faults=chain) as sandbox:
            assert await Api(sandbox).statuses(2) == [500, 200]
    # `own` sees one request behind the fault in three chains, and both around it in the other.
    assert operations == ["customers.list"] * 5


async def test_setting_faults_starts_their_counts_at_zero() -> None:
    """A fault is a value: its counts live in the copy that the sandbox installs."""
    once = Refuse(500, times=1)
    with Sandbox(faults=once) as sandbox:
        for _ in range(2):
            assert await Api(sandbox).statuses(2) == [500, 200]
            sandbox.faults = once
        assert sandbox.faults == (once,)
    assert once == Refuse(500, times=1)


async def test_a_chain_is_a_middleware_for_a_client_too() -> None:
    with Sandbox() as sandbox:
        faults = Faults([Delay(0), Refuse(500, times=1)])
        async with MoreGoodClient("test-key", transport=sandbox, middlewares=(faults,)) as client:
            assert await client.customers.list().collect() == []
        assert sum(sandbox.audit().requests.values()) == 1
