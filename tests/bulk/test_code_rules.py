"""Rules of the code of jobs on which its guarantees rest, checked on the syntax trees."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from moregood_async import bulk
from moregood_async.bulk.journal.entry import COLUMNS

FOLDER = Path(bulk.__path__[0])
MODULES = {
    path.relative_to(FOLDER).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.rglob("*.py"))
}

SQL = re.compile(r"\b(?:SELECT|INSERT|REPLACE|UPDATE)\b")
WRITES = {
    f"{resource}.{method}"
    for resource in ("charges", "asks")
    for method in ("create", "create_many")
}


def walk_functions(
    tree: ast.AST, name: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield all functions with their qualified names, such as ``StepRunner.do``."""
    for node in ast.iter_child_nodes(tree):
        inner = name
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            inner = f"{name}.{node.name}".lstrip(".")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield inner, node
        yield from walk_functions(node, inner)


def assigned_targets(tree: ast.AST) -> Iterator[ast.Attribute]:
    """Yield the attributes that are assigned or deleted anywhere, also in tuples and loops."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            yield node


def entry_assignments(tree: ast.AST) -> list[str]:
    """Return assignments to attributes of a `JournalEntry`.

    They are known by their object (a name or attribute ``entry``) or by the attribute, which has
    the name of a field of `JournalEntry` and is not of the class's own ``self``.
    """
    return [
        ast.unparse(target)
        for target in assigned_targets(tree)
        if re.search(r"(?:^|[._])entry$", ast.unparse(target.value))
        or (target.attr in COLUMNS and ast.unparse(target.value) != "self")
    ]


def strings_with_sql(tree: ast.AST) -> list[str]:
    """Return string constants, also parts of f-strings, that have SQL in them."""
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value)
    ]


def calls_in(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield all calls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node


def functions_that_use(pattern: str) -> set[str]:
    """Return module and function of each attribute, called or not, that matches a pattern."""
    return {
        f"{module}: {name}"
        for module, tree in MODULES.items()
        for name, function in walk_functions(tree)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and re.search(pattern, ast.unparse(node))
    }


def test_only_the_module_of_journal_entries_assigns_to_their_attributes() -> None:
    """Each change is an event that the table of transitions allows."""
    found = {
        assignment
        for module, tree in MODULES.items()
        if module != "journal/entry.py"
        for assignment in entry_assignments(tree)
    }
    assert found == {"self._plan.digest"}  # a `Plan` has a digest, too


def test_the_rule_about_journal_entries_finds_assignments_of_every_form() -> None:
    broken = """
entry.state = State.DONE
task.entry.attempts += 1
self._entry.error, x = "", 1
del entry.warning
for row.customer_id in ids: pass
task.entry = other
self.error = ""
"""
    assert sorted(entry_assignments(ast.parse(broken))) == [
        "entry.state",
        "entry.warning",
        "row.customer_id",
        "self._entry.error",
        "task.entry.attempts",
    ]


def test_sql_is_written_in_the_journal_only() -> None:
    """The logic of jobs knows a journal as a `Storage`. Exports have their own checkpoint."""
    modules = {module for module, tree in MODULES.items() if strings_with_sql(tree)}
    others = {module for module in modules if not module.startswith("journal/")}
    assert others == {"exporting/checkpoint.py"}
    assert {"journal/queries.py", "journal/writer.py", "journal/claims.py"} <= modules


def test_only_the_step_runner_sends_charges_and_asks() -> None:
    """In `StepRunner._request`, which only `StepRunner._send` calls."""
    writes = "|".join(re.escape(name) for name in sorted(WRITES))
    assert functions_that_use(rf"(?:^|\.)(?:{writes})$") == {"run/steps.py: StepRunner._request"}
    assert functions_that_use(r"\._request$") == {"run/steps.py: StepRunner._send"}


def test_jobs_send_no_other_request_than_reads_by_its_method_and_path() -> None:
    methods = [
        ast.unparse(call.args[0])
        for tree in MODULES.values()
        for call in calls_in(tree)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "request"
    ]
    assert set(methods) == {"'GET'"}


def test_sending_asserts_before_the_request_that_the_row_is_intended() -> None:
    [send] = [
        function
        for name, function in walk_functions(MODULES["run/steps.py"])
        if name == "StepRunner._send"
    ]
    [request_line] = [
        call.lineno for call in calls_in(send) if ast.unparse(call.func) == "self._request"
    ]
    assertions = {
        ast.unparse(node.test): node.lineno
        for node in ast.walk(send)
        if isinstance(node, ast.Assert)
    }
    assert assertions["entry.state is State.INTENDED"] < request_line
