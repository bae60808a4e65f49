"""One run of a job: its end is recorded, and a job can be closed at any time."""

import asyncio
from pathlib import Path
from typing import Any

from moregood_async import MoreGoodClient
from moregood_async.bulk import Job
from moregood_async.sandbox import Sandbox
from tests.bulk.jobs import EMAIL, people
from tests.conftest import KEY

LONGEST_SECONDS = 30
OPTIONS: dict[str, Any] = {"ask": EMAIL, "reconcile_after": 0.0}


async def test_leaving_the_loop_after_the_job_was_closed_does_not_hang(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The end of the run cannot be recorded any more; the next run recovers the rows."""
    async with asyncio.timeout(LONGEST_SECONDS), MoreGoodClient(KEY, transport=sandbox) as client:
        async with Job(client, people(100), journal=tmp_path / "j", **OPTIONS) as job:
            run = job.run()
            await anext(aiter(run))
        await run.aclose()
        async with Job(client, people(100), journal=tmp_path / "j", **OPTIONS) as job:
            report = await job.run()
    assert report.done == 100
    assert report.unknown == 0
    assert sandbox.audit().duplicate_asks == ()
