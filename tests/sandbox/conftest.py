"""A sandbox spoken to without a socket, whose time stands still unless it is advanced."""

from types import SimpleNamespace

import pytest

from moregood_async.sandbox import Sandbox, clock
from tests.sandbox.api import Api


@pytest.fixture(autouse=True)
def _time_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a slow machine sees the same seconds as a quick one."""
    monkeypatch.setattr(clock, "time", SimpleNamespace(time=lambda: 1_750_000_000.0))


@pytest.fixture
def api(sandbox: Sandbox) -> Api:
    """The sandbox's API, with its key."""
    return Api(sandbox)
