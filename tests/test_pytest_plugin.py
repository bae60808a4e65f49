"""The fixtures of the pytest plugin."""

import pytest

pytest_plugins = ["pytester"]

ASYNC = """
import asyncio
import sys

def test_the_client_talks_to_the_sandbox(moregood_client, moregood_sandbox):
    asyncio.run(moregood_client.customers.upsert(first_name="Ada", email="ada@example.com"))
    assert moregood_sandbox.audit().customers == 1

def test_the_next_test_has_a_fresh_sandbox(moregood_sandbox):
    assert moregood_sandbox.audit().customers == 0

def test_the_server_serves_the_same_sandbox(moregood_server, moregood_sandbox):
    from moregood_async import MoreGoodClient

    async def upsert():
        async with MoreGoodClient("test-key", base_url=moregood_server.base_url) as client:
            await client.customers.upsert(first_name="Ada")

    asyncio.run(upsert())
    assert moregood_sandbox.audit().customers == 1

async def test_it_goes_with_a_plugin_for_async_tests(moregood_client, moregood_sandbox):
    await moregood_client.customers.upsert(first_name="Ada")
    assert moregood_sandbox.audit().customers == 1

def test_a_client_that_nobody_used_is_fine(moregood_client):
    pass
"""
INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""


def test_the_fixtures_work_with_warnings_as_errors(pytester: pytest.Pytester) -> None:
    """With an async plugin and without; nothing is left open."""
    pytester.makeini(INI)
    pytester.makepyfile(ASYNC)
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=5)


def test_the_entry_point_loads_the_plugin_and_no_heavy_library(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile("""
        import sys

        def test_light():
            assert "moregood_async.pytest_plugin" in sys.modules
            assert not {"aiohttp", "moregood_async.sandbox"} & set(sys.modules)
    """)
    pytester.runpytest_subprocess("-p", "no:asyncio").assert_outcomes(passed=1)


def test_pytest_lists_the_fixtures_with_their_docstrings(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI)
    output = pytester.runpytest_inprocess("--fixtures", "-p", "no:cacheprovider").stdout.str()
    for name in ("moregood_sandbox", "moregood_server", "moregood_client"):
        assert name in output
    assert "test-key" in output
