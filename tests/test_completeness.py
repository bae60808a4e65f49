"""The project as a whole: an addition in one place that is missing in another."""

import ast
import copy
import importlib
import inspect
import pickle
import pkgutil
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

import moregood_async
import moregood_async.bulk
from moregood_async import MoreGoodClient, MoreGoodError, Paginator, Request
from moregood_async.cli.commands import moregood
from moregood_async.operations import OPERATIONS, Operation
from moregood_async.privacy import Headers
from moregood_async.sandbox import Sandbox
from tests.public_types import types_met

PACKAGE = Path(moregood_async.__file__).parent
PROJECT = PACKAGE.parent
FILES = sorted(PACKAGE.rglob("*.py"))
KEY = "test-key"


def file_id(path: Path) -> str:
    """Return a file's path inside the package."""
    return path.relative_to(PACKAGE).as_posix()


def every_module() -> list[ModuleType]:
    """Return all modules of the package."""
    names = [
        found.name
        for found in pkgutil.walk_packages([str(PACKAGE)], "moregood_async.")
        if not found.name.endswith("__main__")
    ]
    return [moregood_async, *map(importlib.import_module, names)]


MODULES = every_module()
by_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)

# The operations --------------------------------------------------------------------------------

TABLE = {
    "customers.upsert": "POST customers",
    "customers.list": "GET customers",
    "customers.reviews": "GET customers/{customer_id}/reviews",
    "customers.messages": "GET customers/{customer_id}/messages",
    "charges.create": "POST charges",
    "asks.create": "POST asks",
    "reviews.list": "GET reviews",
    "messages.list": "GET messages",
    "locations.create": "POST locations",
    "locations.update": "PUT locations/{location_id}",
}


def test_the_table_has_the_ten_operations_in_the_documentations_order() -> None:
    """The names, methods and paths are those of the vendor's documentation."""
    assert {each.name: f"{each.method} {each.path}" for each in OPERATIONS} == TABLE
    assert [each.name for each in OPERATIONS] == [*TABLE]


@by_operation
def test_every_operation_has_a_method_on_the_client(operation: Operation[Any]) -> None:
    """A row with a request model needs `fields`; a paginated row needs a `Paginator`."""
    noun, verb = operation.name.split(".")
    client = MoreGoodClient(KEY)
    method = getattr(getattr(client, noun), verb)
    parameters = inspect.signature(method).parameters
    assert (operation.request_model is not None) == ("fields" in parameters)
    assert inspect.iscoroutinefunction(method) == (not operation.paginated)
    if operation.paginated:
        ids = [1] if "{" in operation.path else []
        assert isinstance(method(*ids), Paginator)


@by_operation
async def test_every_operation_has_a_response_in_the_sandbox(operation: Operation[Any]) -> None:
    """An empty sandbox refuses missing ids and fields, and knows every route."""
    with Sandbox(keys=KEY) as sandbox:
        request = Request(
            method=operation.method,
            url="https://any.example/beacon/" + re.sub(r"{\w+}", "1", operation.path),
            headers=Headers({"Authorization": f"Bearer {KEY}", "Accept": "application/json"}),
            body=b"{}" if operation.request_model else None,
        )
        response = await sandbox(request)
        expected = 404 if "{" in operation.path else 422 if operation.request_model else 200
        assert response.status == expected
        assert b"could not be found" not in response.body
        assert dict(sandbox.audit().requests) == {operation.name: 1}


def readme_rows() -> list[str]:
    """Return the first cells of the README's tables."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    return [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")]


@by_operation
def test_every_operation_has_a_row_in_the_readme(operation: Operation[Any]) -> None:
    assert [
        row for row in readme_rows() if re.match(rf"`{re.escape(operation.name)}(\(.*\))?`", row)
    ], f"README.md has no row for {operation.name}"


# The public names ------------------------------------------------------------------------------

NOT_FOR_USERS = {"PageFetcher", "Pagination", "SeenIds", "SentValue", "Walk", "WorkerPool"}
"""Public inside the package, where they are used across its layers."""

PUBLIC_MODULES = [
    module
    for module in MODULES
    if re.fullmatch(
        r"moregood_async\.(errors|client|(models|batch|pagination|resources)\.\w+)", module.__name__
    )
]


def classes_of(module: ModuleType) -> Iterator[type[Any]]:
    """Return the public classes that a module defines."""
    for name, value in vars(module).items():
        if inspect.isclass(value) and value.__module__ == module.__name__ and name[0] != "_":
            yield value


def test_all_is_sorted_and_has_no_name_twice() -> None:
    assert moregood_async.__all__ == sorted(set(moregood_async.__all__))


@pytest.mark.parametrize(
    "module", [m for m in MODULES if hasattr(m, "__all__")], ids=lambda module: module.__name__
)
def test_every_all_of_a_module_is_sorted_and_importable(module: ModuleType) -> None:
    assert list(module.__all__) == sorted(set(module.__all__))
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_all_has_every_public_class_of_the_public_modules() -> None:
    named = {each.__name__ for module in PUBLIC_MODULES for each in classes_of(module)}
    assert named - NOT_FOR_USERS - set(moregood_async.__all__) == set()
    assert NOT_FOR_USERS <= named
    assert {"Handler", "Middleware", "Request", "Response", "Rate"} <= set(moregood_async.__all__)


@pytest.mark.parametrize(
    "module", [moregood_async, moregood_async.bulk], ids=lambda module: module.__name__
)
def test_every_type_that_a_public_name_uses_is_exported_there_or_at_the_top_level(
    module: ModuleType,
) -> None:
    """A user must be able to annotate whatever a signature or an attribute mentions."""
    met = types_met(module)
    missing = {
        f"{kind.__name__} (in {', '.join(sorted(places))})"
        for kind, places in met.items()
        if kind
        not in (getattr(module, kind.__name__, None), getattr(moregood_async, kind.__name__, None))
    }
    assert missing == set()


def test_the_types_of_settings_and_errors_are_met() -> None:
    """So that the test above cannot pass by meeting nothing."""
    names = {kind.__name__ for kind in types_met(moregood_async)}
    assert names >= {"Attempt", "Deadline", "HTTPSession", "Headers"}
    assert {"Fingerprint", "Preset"} <= {kind.__name__ for kind in types_met(moregood_async.bulk)}


def test_every_importable_name_is_in_all() -> None:
    public = {
        name
        for name, value in vars(moregood_async).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert set(moregood_async.__all__) == public | {"__version__"}


@pytest.mark.parametrize("name", [n for n in moregood_async.__all__ if n != "__version__"])
def test_every_public_name_is_documented(name: str) -> None:
    """Classes by their docstring, constants and type aliases by the string below them."""
    value = getattr(moregood_async, name)
    if inspect.isclass(value):
        own = vars(value).get("__doc__") or ""
        assert own.strip()
        assert not own.startswith(f"{name}("), "a signature is no docstring"
    else:
        assert name in documented_constants()


def documented_constants() -> set[str]:
    """Return the names assigned at the top of a module with a string right below."""
    found = set[str]()
    for path in FILES:
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for statement, below in pairwise(body):
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                if isinstance(statement, ast.Assign):
                    found |= {each.id for each in statement.targets if isinstance(each, ast.Name)}
                elif isinstance(statement, ast.AnnAssign) and isinstance(
                    statement.target, ast.Name
                ):
                    found.add(statement.target.id)
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_public_function_and_method_has_a_docstring(module: ModuleType) -> None:
    """An inherited docstring counts."""
    assert (module.__doc__ or "").strip()
    missing = [
        f"{module.__name__}.{name}"
        for name, value in vars(module).items()
        if name[0] != "_"
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
        and not inspect.getdoc(value)
    ]
    for kind in classes_of(module):
        missing += [
            f"{kind.__qualname__}.{name}"
            for name, value in vars(kind).items()
            if name[0] != "_"
            and (inspect.isfunction(value) or isinstance(value, property | classmethod))
            and not inspect.getdoc(getattr(kind, name))
        ]
    assert missing == []


# The errors ------------------------------------------------------------------------------------


def every_error() -> list[type[MoreGoodError]]:
    """Return all classes of errors in the package."""
    found, new = list[type[MoreGoodError]](), [MoreGoodError]
    while new:
        kind = new.pop()
        found.append(kind)
        new += [each for each in kind.__subclasses__() if each.__module__.startswith(KNOWN)]
    return sorted(set(found), key=lambda kind: kind.__name__)


KNOWN = "moregood_async"
SAMPLES: dict[str, Any] = {
    "problem": "it broke",
    "message": "it broke",
    "fields": {"email": ("is wrong",)},
    "phase": "reading",
    "seconds": 0.5,
    "sent": True,
    "status": 422,
    "response": moregood_async.Response(status=200, headers=Headers({}), body=b"{}"),
}


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_survives_pickle_and_copy(kind: type[MoreGoodError]) -> None:
    needed = {
        parameter.name: SAMPLES.get(parameter.name, "it broke")
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.default is inspect.Parameter.empty
    }
    error = kind(**needed)._with_operation("asks.create", "Look there.")
    error._with_attempts((moregood_async.Attempt(1, "reading", 0.1, "broke", True),))
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert again.explain() == error.explain()
        assert {**vars(again), "response": None} == {**vars(error), "response": None}


def test_every_public_error_is_in_the_tree_of_the_docstring_and_of_the_readme() -> None:
    errors = importlib.import_module("moregood_async.errors")
    names = [kind.__name__ for kind in every_error() if kind.__module__ == errors.__name__]
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert [name for name in names if name not in (errors.__doc__ or "")] == []
    assert [name for name in names if name not in readme] == []


# The files -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=file_id)
def test_no_file_is_longer_than_400_lines(path: Path) -> None:
    assert 400 >= len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("path", FILES, ids=file_id)
def test_no_import_hides_under_type_checking(path: Path) -> None:
    """An import that needs it would point upwards in the layers."""
    assert "TYPE_CHECKING" not in path.read_text(encoding="utf-8")


def test_the_changelog_has_sections_for_this_version_and_the_next() -> None:
    text = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    version = re.escape(moregood_async.__version__)
    assert re.search(rf"^## \[{version}\] - \d{{4}}-\d\d-\d\d$", text, re.MULTILINE)
    assert "\n## [Unreleased]\n" in text


# The command line ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(moregood.commands))
def test_every_command_has_help_for_each_option_and_an_example_in_the_readme(name: str) -> None:
    command = moregood.commands[name]
    assert (command.help or "").strip()
    assert [
        option.name
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ] == []
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:console|bash)\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert re.search(rf"^(\$ )?(.*&& )?moregood {name}\b", "\n".join(blocks), re.MULTILINE)


def test_the_sandbox_exports_every_fault() -> None:
    """`POST /__sandbox__/faults` knows the same ones by name."""
    control = importlib.import_module("moregood_async.sandbox.control")
    sandbox = importlib.import_module("moregood_async.sandbox")
    faults: Mapping[str, object] = control.FAULTS
    assert len(faults) >= 9
    assert set(faults) - set(sandbox.__all__) == set()
