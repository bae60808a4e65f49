"""One line an attempt at DEBUG, with nobody in it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from moregood_async.errors import ConnectionLost
from moregood_async.middleware.observe import observe
from tests.middleware.doubles import Script, answer, lost, request


async def test_an_answer_is_one_line_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    """Operation, attempt, status and time."""
    caplog.set_level(logging.DEBUG, logger="moregood_async")
    response = answer(422)
    assert response is await observe(request(), Script([response]))
    assert ["asks.create attempt 1: 422 in 0.000 s"] == caplog.messages
    assert [logging.DEBUG] == [record.levelno for record in caplog.records]


async def test_no_answer_is_one_line_too(caplog: pytest.LogCaptureFixture) -> None:
    """With the kind of failure and the phase; the failure goes on its way."""
    caplog.set_level(logging.DEBUG, logger="moregood_async")
    with pytest.raises(ConnectionLost):
        await observe(request(), Script([lost()]))
    assert ["asks.create attempt 1: ConnectionLost (waiting) after 0.000 s"] == caplog.messages


async def test_where_debug_is_off_nothing_is_written(caplog: pytest.LogCaptureFixture) -> None:
    """The request goes on as it came."""
    caplog.set_level(logging.INFO, logger="moregood_async")
    script = Script([answer()])
    sent = request()
    await observe(sent, script)
    assert ([], [sent]) == (caplog.messages, script.heard)


async def test_the_line_holds_neither_key_nor_body(caplog: pytest.LogCaptureFixture) -> None:
    """What a log collector keeps for years must not."""
    caplog.set_level(logging.DEBUG, logger="moregood_async")
    await observe(request(), Script([answer()]))
    assert "secret-key" not in caplog.text


async def test_cancellation_is_no_answer_and_no_line(caplog: pytest.LogCaptureFixture) -> None:
    """It passes through."""
    caplog.set_level(logging.DEBUG, logger="moregood_async")
    with pytest.raises(asyncio.CancelledError):
        await observe(request(), Script([asyncio.CancelledError()]))
    assert [] == caplog.messages
