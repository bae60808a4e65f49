"""The examples in the docstrings run."""

import doctest
import importlib
import pkgutil

import pytest

from moregood_async import bulk

MODULES = sorted(
    module.name for module in pkgutil.walk_packages(bulk.__path__, "moregood_async.bulk.")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_run(name: str) -> None:
    """And give what they say."""
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


def test_the_public_names_are_there_and_sorted() -> None:
    """`__all__` is complete for what the room's door names."""
    assert sorted(bulk.__all__) == bulk.__all__
    assert all(hasattr(bulk, name) for name in bulk.__all__)
