"""The examples in docstrings, and the public names of `moregood_async.bulk`."""

import doctest
import importlib
import pkgutil

import pytest

from moregood_async import bulk

MODULES = sorted(
    module.name for module in pkgutil.walk_packages(bulk.__path__, "moregood_async.bulk.")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_have_the_output_they_show(name: str) -> None:
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


def test_the_public_names_exist_and_are_sorted() -> None:
    assert sorted(bulk.__all__) == bulk.__all__
    assert all(hasattr(bulk, name) for name in bulk.__all__)
