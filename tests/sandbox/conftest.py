"""A sandbox spoken to without a socket."""

import pytest

from moregood_async.sandbox import Sandbox
from tests.sandbox.api import Api


@pytest.fixture
def api(sandbox: Sandbox) -> Api:
    """The sandbox's API, with its key."""
    return Api(sandbox)
