"""How deep the heavy tests go: ``MOREGOOD_TEST_DEPTH=full`` (the default) or ``quick``.

At full depth they run every example, seed and crash point; quickly, one in ten. ``nox`` runs
one Python at full depth and the others quickly. `tests/conftest.py` imports this module's hooks.
"""

import os

import pytest
from hypothesis import settings

VARIABLE = "MOREGOOD_TEST_DEPTH"
STRIDES = {"full": 1, "quick": 10}

DEPTH = os.environ.get(VARIABLE) or "full"
if DEPTH not in STRIDES:
    raise pytest.UsageError(f"{VARIABLE} is {DEPTH!r}: it must be {' or '.join(STRIDES)}.")

STRIDE = STRIDES[DEPTH]
"""A loop over seeds or crash points runs one in this many: ``range(30)[::STRIDE]``."""


def scaled(count: int, stride: int = STRIDE) -> int:
    """Return how many of ``count`` examples to run: at least 1."""
    return -(-count // stride)


def pytest_configure() -> None:
    """Give properties without ``max_examples`` of their own this depth's number of examples."""
    for name, stride in STRIDES.items():
        active = settings()  # hypothesis's own "ci" profile, where CI is set
        settings.register_profile(name, active, max_examples=scaled(active.max_examples, stride))
    settings.load_profile(DEPTH)


def pytest_report_header() -> str:
    """Show the depth at the top of each test run."""
    return f"{VARIABLE}: {DEPTH}"
