"""A sandbox without a socket, whose clock stands still unless a test advances it."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from moregood_async.sandbox import Sandbox, clock
from tests.sandbox.api import NOW, Api


@pytest.fixture(autouse=True)
def _real_time_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine sees the same seconds as a fast one."""
    monkeypatch.setattr(clock, "time", SimpleNamespace(time=lambda: 1_750_000_000.0))


@pytest.fixture
def api() -> Iterator[Api]:
    """A sandbox at the time `NOW`, with its key."""
    with Sandbox(now=NOW) as sandbox:
        yield Api(sandbox)
