"""The log: one DEBUG line for each attempt, one INFO line for each retry, nothing else."""

import logging

import pytest

from moregood_async import Handler, MoreGoodClient, Request, Response, ServerError
from moregood_async.sandbox import DropBeforeEffect, Refuse, Sandbox
from tests.conftest import KEY

LOGGER = "moregood_async"


def lines(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """Return the log lines of the package at a level."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno == level and record.name.startswith(LOGGER)
    ]


async def test_each_attempt_is_one_line_at_debug(
    client: MoreGoodClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The line has the operation, the number, the status and the time."""
    caplog.set_level(logging.DEBUG, LOGGER)
    await client.customers.upsert(first_name="Ada", email="ada@example.com")
    await client.customers.list()
    upsert, listing = lines(caplog, logging.DEBUG)
    assert "customers.upsert attempt 1: 200 in " in upsert
    assert "customers.list attempt 1: 200 in " in listing
    assert lines(caplog, logging.INFO) == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(Refuse(503, times=1), "503"), (DropBeforeEffect(times=1), "the connection was lost")],
    ids=["a status", "no response"],
)
async def test_each_retry_is_one_line_at_info_with_its_reason(
    sandbox: Sandbox,
    client: MoreGoodClient,
    caplog: pytest.LogCaptureFixture,
    fault: Refuse | DropBeforeEffect,
    reason: str,
) -> None:
    """Both attempts are also logged at DEBUG."""
    caplog.set_level(logging.DEBUG, LOGGER)
    sandbox.faults = fault
    await client.customers.list()
    [retry] = lines(caplog, logging.INFO)
    assert retry.startswith("customers.list is retried in ")
    assert "after attempt 1 of 4" in retry
    assert reason in retry
    attempts = lines(caplog, logging.DEBUG)
    assert [line.partition(":")[0] for line in attempts] == [
        "customers.list attempt 1",
        "customers.list attempt 2",
    ]


async def test_a_failed_call_logs_its_attempts_and_raises(
    sandbox: Sandbox, client: MoreGoodClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller logs the error: the package logs nothing above INFO."""
    caplog.set_level(logging.DEBUG, LOGGER)
    sandbox.faults = Refuse(500)
    with pytest.raises(ServerError):
        await client.with_options(max_attempts=2).customers.list()
    assert len(lines(caplog, logging.DEBUG)) == 2
    assert len(lines(caplog, logging.INFO)) == 1
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


async def test_retries_are_logged_without_debug(
    sandbox: Sandbox, client: MoreGoodClient, caplog: pytest.LogCaptureFixture
) -> None:
    """At INFO each retry is a line, and an attempt is not."""
    caplog.set_level(logging.INFO, LOGGER)
    sandbox.faults = Refuse(500, times=1)
    await client.customers.list()
    assert len(caplog.records) == 1


async def test_an_error_of_a_middleware_is_not_logged(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Only an attempt that was sent is logged."""

    async def fail(_: Request, __: Handler) -> Response:
        raise KeyError("mine")

    caplog.set_level(logging.DEBUG, LOGGER)
    async with MoreGoodClient(KEY, transport=sandbox, middlewares=(fail,)) as client:
        with pytest.raises(KeyError):
            await client.customers.list()
    assert caplog.records == []
