"""`Run`: a run of a job that is awaited or iterated, once."""

import gc
import warnings
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from moregood_async.bulk import Progress, Report, Run

REPORT = Report(journal="j", name="rows", rows=3)


def make_progress(done: int) -> Progress:
    """Return the progress after a number of rows."""
    return Progress(
        row=None,
        done=done,
        failed=0,
        unknown=0,
        rejected=0,
        asked=0,
        total=3,
        rate=0.0,
        eta=None,
        rate_limit_wait=0.0,
        delayed=0,
    )


class Work:
    """A run of three rows that notes how it goes."""

    def __init__(self) -> None:
        self.log: list[str] = []

    async def begin(self) -> AsyncGenerator[Progress, None]:
        """Yield the progress of three rows."""
        self.log.append("began")
        try:
            for done in (1, 2, 3):
                yield make_progress(done)
            self.log.append("complete")
        finally:
            self.log.append("ended")

    def run(self) -> Run:
        """Return a run of this work."""
        return Run(self.begin, lambda: REPORT)


async def test_a_run_that_is_awaited_goes_to_its_end_and_returns_the_report() -> None:
    work = Work()
    assert await work.run() is REPORT
    assert work.log == ["began", "complete", "ended"]


async def test_a_run_that_is_iterated_yields_its_progress() -> None:
    work = Work()
    assert [progress.done async for progress in work.run()] == [1, 2, 3]
    assert work.log == ["began", "complete", "ended"]


async def test_a_run_does_nothing_before_it_is_awaited_or_iterated() -> None:
    work = Work()
    run = work.run()
    assert work.log == []
    await run


async def test_a_run_can_be_closed_while_it_is_iterated() -> None:
    work = Work()
    async with aclosing(work.run()) as run:
        async for progress in run:
            assert progress.done == 1
            break
        assert work.log == ["began"]
    assert work.log == ["began", "ended"]
    await run.aclose()
    assert work.log == ["began", "ended"]


async def test_the_iterator_of_a_run_can_be_closed() -> None:
    work = Work()
    async with aclosing(aiter(work.run())) as events:
        assert (await anext(events)).done == 1
    assert work.log == ["began", "ended"]


async def test_a_run_is_used_once() -> None:
    """However it was used first."""
    for is_awaited in (True, False):
        run = Work().run()
        if is_awaited:
            await run
        else:
            assert len([progress async for progress in run]) == 3
        with pytest.raises(RuntimeError, match=r"used once; call job\.run\(\) again"):
            await run
        with pytest.raises(RuntimeError, match="used once"):
            aiter(run)


async def test_a_run_that_was_closed_cannot_be_used() -> None:
    work = Work()
    run = work.run()
    await run.aclose()
    with pytest.raises(RuntimeError, match="used once"):
        await run
    assert work.log == []


async def test_an_error_of_the_work_is_raised_by_an_awaited_run() -> None:
    async def fail() -> AsyncGenerator[Progress, None]:
        yield make_progress(1)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        await Run(fail, lambda: REPORT)


def test_a_run_that_is_never_started_warns_that_nothing_was_sent() -> None:
    runs = [Work().run()]
    with pytest.warns(RuntimeWarning, match="never started, so nothing was sent"):
        runs.clear()


async def test_a_run_that_was_used_or_closed_does_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        awaited, closed = Work().run(), Work().run()
        await awaited
        await closed.aclose()
        del awaited, closed
        gc.collect()
