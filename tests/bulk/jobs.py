"""Helpers of the tests of jobs: run a job to its end, and record the requests of the server."""

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


class RequestLog:
    """A fault that changes nothing: it records the requests in the order of their arrival."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        """The operation and the body of each request."""

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        self.requests.append((str(request.operation), json.loads(request.body or b"{}")))
        return await call_next(request)

    def resources_of(self, email: str) -> list[str]:
        """Return the resources, such as ``asks``, of the requests for one email, in order."""
        return [
            name.partition(".")[0] for name, body in self.requests if body.get("email") == email
        ]


def people(count: int, start: int = 0) -> list[dict[str, str]]:
    """Return the rows of different people, numbered from `start`."""
    return [
        {"first_name": "Ada", "email": f"ada{number}@example.com"}
        for number in range(start, start + count)
    ]


async def collect_progress(job: Job, **options: Any) -> list[Progress]:
    """Run a job to its end; return all of its progress."""
    return [progress async for progress in job.run(**options)]


async def run_job(
    target: Sandbox | MoreGoodClient,
    rows: Any,
    journal: Path | None = None,
    *,
    project: str | None = None,
    **options: Any,
) -> Report:
    """Run a job to its end; return its report. A sandbox gets a client of its own."""
    if isinstance(target, Sandbox):
        async with MoreGoodClient(KEY, transport=target) as client:
            return await run_job(client, rows, journal, project=project, **options)
    async with Job(target, rows, journal=journal, **options, project=project) as job:
        await collect_progress(job)
        return job.report()


def outcomes_by_row(stream: Iterable[Progress]) -> dict[int, str]:
    """Return the outcome of each row that ended, by its row index."""
    return {
        progress.row.row_index: progress.row.outcome
        for progress in stream
        if progress.row is not None
    }
