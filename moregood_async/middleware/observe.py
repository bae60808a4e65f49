"""One line an attempt, at DEBUG, in the logger ``moregood_async``: no bodies, no people, no key."""

from __future__ import annotations

import logging

from moregood_async.errors import NoAnswer
from moregood_async.wire import Handler, Request, Response

logger: logging.Logger = logging.getLogger("moregood_async")


async def observe(request: Request, call_next: Handler) -> Response:
    """Logs what became of one attempt; costs nothing where DEBUG is off."""
    if not logger.isEnabledFor(logging.DEBUG):
        return await call_next(request)
    try:
        response = await call_next(request)
    except NoAnswer as error:
        logger.debug(
            "%s attempt %d: %s (%s) after %.3f s",
            request.operation,
            request.attempt,
            type(error).__name__,
            error.phase,
            error.seconds,
        )
        raise
    logger.debug(
        "%s attempt %d: %d in %.3f s",
        request.operation,
        request.attempt,
        response.status,
        response.seconds,
    )
    return response
