"""What the tests of jobs have in common: runs to their end, and a log of what the server got."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from moregood_async import MoreGoodClient
from moregood_async.bulk import AskTemplate, Job, Progress, Report
from moregood_async.sandbox import Sandbox
from moregood_async.wire import Handler, Request, Response
from tests.conftest import KEY

EMAIL = AskTemplate(channels=["email"])
BOTH = AskTemplate(channels=["email", "sms"])


class Log:
    """A fault that does no harm: notes what arrives, in its order."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        self.got.append((str(request.operation), json.loads(request.body or b"{}")))
        return await call_next(request)

    def of(self, email: str) -> list[str]:
        """The operations for one email, in their order."""
        return [name.partition(".")[0] for name, body in self.got if body.get("email") == email]


def people(count: int, start: int = 0) -> list[dict[str, str]]:
    """So many customers, each a person of their own."""
    return [
        {"first_name": "Ada", "email": f"ada{number}@example.com"}
        for number in range(start, start + count)
    ]


async def run(job: Job, **options: Any) -> list[Progress]:
    """All events of a run."""
    return [event async for event in job.run(**options)]


async def done(
    target: Sandbox | MoreGoodClient,
    rows: Any,
    journal: Path | None = None,
    *,
    project: str | None = None,
    **orders: Any,
) -> Report:
    """The report of one run, of a client of its own where a sandbox is given."""
    if isinstance(target, Sandbox):
        async with MoreGoodClient(KEY, transport=target) as client:
            return await done(client, rows, journal, project=project, **orders)
    async with Job(target, rows, journal=journal, **orders, project=project) as job:
        await run(job)
        return job.report()


def ends(events: Iterable[Progress]) -> dict[int, str]:
    """How each row ended, by its place."""
    return {event.row.row_index: event.row.outcome for event in events if event.row is not None}
