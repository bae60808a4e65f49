"""One DEBUG line per attempt, in the logger ``moregood_async``.

A line contains no body, no personal data and no key.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable

from moregood_async.errors import NoResponse
from moregood_async.wire import Handler, Request, Response

logger: logging.Logger = logging.getLogger("moregood_async")


def observe(request: Request, call_next: Handler) -> Awaitable[Response]:
    """Send a request, and log how the attempt ended.

    Without DEBUG, the awaitable of ``call_next`` is returned as it is, so that the middleware costs
    no coroutine.
    """
    if logger.isEnabledFor(logging.DEBUG):
        return _log_attempt(request, call_next)
    return call_next(request)


async def _log_attempt(request: Request, call_next: Handler) -> Response:
    try:
        response = await call_next(request)
    except NoResponse as error:
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
