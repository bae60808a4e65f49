"""A handler that responds to each request with success."""

from moregood_async import Request, Response
from tests.conftest import json_response


async def respond_with_success(_: Request) -> Response:
    """Return a successful response with one object."""
    return json_response({"success": True, "data": {"id": 1}})
