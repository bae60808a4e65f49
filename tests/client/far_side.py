"""Far side: what the tests of this folder share."""

from moregood_async import (
    Request,
    Response,
)
from tests.conftest import answered


async def _far(_: Request) -> Response:
    return answered({"success": True, "data": {"id": 1}})
