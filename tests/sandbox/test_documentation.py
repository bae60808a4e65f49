"""The docstrings of the sandbox, which document the rules of the API."""

import importlib
import pkgutil
import re
from pathlib import Path

from moregood_async import sandbox
from moregood_async.operations import OPERATIONS

DOCUMENTATION = sandbox.__doc__ or ""
MODULES = {
    info.name.removeprefix("moregood_async.sandbox."): importlib.import_module(info.name)
    for info in pkgutil.walk_packages(sandbox.__path__, "moregood_async.sandbox.")
}


def test_the_endpoint_table_is_the_table_of_operations() -> None:
    rows = re.findall(
        r"^([a-z]+\.[a-z]+) +([A-Z]+) +(\S+) +\[[A-Z]\]$", DOCUMENTATION, re.MULTILINE
    )
    assert rows == [(each.name, each.method, each.path) for each in OPERATIONS]


def test_the_map_names_the_modules_of_the_package_and_no_others() -> None:
    text = DOCUMENTATION.partition("Modules\n===")[2].partition("Known differences")[0]
    names = re.findall(r"(?<!`)`([a-z_.]+)`(?!`)", text)
    assert sorted(names) == sorted(MODULES)


def test_the_package_explains_every_mark_of_a_source() -> None:
    explained = set(re.findall(r"^- \[([A-Z])\]: ", DOCUMENTATION, re.MULTILINE))
    used = {
        name: set(re.findall(r"\[([A-Z])\]", Path(str(module.__file__)).read_text("utf-8")))
        for name, module in MODULES.items()
    }
    assert explained == {"D", "P", "O", "I", "L"}
    assert {name: extra for name, in_use in used.items() if (extra := in_use - explained)} == {}


def test_no_module_cites_a_document_outside_the_repository() -> None:
    citation = re.compile(r"\b[\w-]+\.md\b|\bitems? \d|\bfacts? \d")
    cited = {
        name: citation.findall(Path(str(module.__file__)).read_text("utf-8"))
        for name, module in MODULES.items()
    }
    assert {name: found for name, found in cited.items() if found} == {}
