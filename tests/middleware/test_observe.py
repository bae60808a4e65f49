"""The log line of each attempt at DEBUG, which contains no personal data."""

from __future__ import annotations

import asyncio
import logging

import pytest

from moregood_async.errors import ConnectionLost
from moregood_async.middleware.observe import observe
from tests.middleware.doubles import Script, build_response, connection_loss, request


async def test_a_response_is_one_log_line_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    """The line has the operation, the attempt's number, the status and the time."""
    caplog.set_level(logging.DEBUG, logger="moregood_async")
    response = build_response(422)
    assert await observe(request(), Script([response])) is response
    assert caplog.messages == ["asks.create attempt 1: 422 in 0.000 s"]
    assert [record.levelno for record in caplog.records] == [logging.DEBUG]


async def test_an_attempt_without_a_response_is_one_log_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The line has the class of the error and the phase. The error is raised unchanged."""
    caplog.set_level(logging.DEBUG, logger="moregood_async")
    with pytest.raises(ConnectionLost):
        await observe(request(), Script([connection_loss()]))
    assert caplog.messages == ["asks.create attempt 1: ConnectionLost (waiting) after 0.000 s"]


async def test_nothing_is_logged_above_debug(caplog: pytest.LogCaptureFixture) -> None:
    """The request is passed on unchanged."""
    caplog.set_level(logging.INFO, logger="moregood_async")
    script = Script([build_response()])
    sent = request()
    await observe(sent, script)
    assert caplog.messages == []
    assert script.requests == [sent]


async def test_a_log_line_contains_neither_the_key_nor_the_body(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="moregood_async")
    await observe(request(), Script([build_response()]))
    assert "secret-key" not in caplog.text


async def test_a_cancelled_attempt_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The cancellation is raised unchanged."""
    caplog.set_level(logging.DEBUG, logger="moregood_async")
    with pytest.raises(asyncio.CancelledError):
        await observe(request(), Script([asyncio.CancelledError()]))
    assert caplog.messages == []
