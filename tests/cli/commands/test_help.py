"""The help of every command: complete, readable at 80 columns, and in the project's words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from moregood_async import cli
from moregood_async.cli.commands import moregood

README = Path(__file__).parents[3] / "README.md"

RETIRED = re.compile(
    r"\b(answer(s|ed)?|told|said|gives?|given|orders|belonging|kin|unasked|recall(s|ed)?"
    r"|converges?|intake|waiting room|witness|bookmark|stood still|so many|who waits|what came"
    r"|worked off|crew|trip|lane|road|believed?|belief|stop rule|stopped itself|settle[ds]?"
    r"|unsettled|once more|goes on|go on|going on|called back|voice|story|wanted)\b",
    re.IGNORECASE,
)
"""Words that the glossary has replaced, as far as they have no other meaning on a screen."""


def walk(command: click.Command, *path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield a command and all below it, each with what is typed to call it."""
    words = (*path, command.name or "")
    yield " ".join(words), command
    if isinstance(command, click.Group):
        for child in command.commands.values():
            yield from walk(child, *words)


COMMANDS = dict(walk(moregood))


def help_of(words: str) -> str:
    """Return the help of a command as a terminal of 80 columns shows it."""
    arguments = [*words.split()[1:], "--help"]
    result = CliRunner().invoke(moregood, arguments, prog_name="moregood", env={"COLUMNS": "80"})
    assert result.exit_code == 0
    return result.stdout


def texts_of(command: click.Command) -> list[str]:
    """Return all that the help of a command consists of."""
    options = [each for each in command.params if isinstance(each, click.Option)]
    texts = [command.help, command.epilog, *(each.help for each in options)]
    return [text for text in texts if text]


def messages_of(path: Path) -> Iterator[str]:
    """Yield the constants of a module that are no docstrings, such as its messages."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield str(node.value)


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_and_every_option_has_a_help_text(words: str) -> None:
    command = COMMANDS[words]
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert (command.help or "").strip()
    assert [each.name for each in options if not (each.help or "").strip()] == []


@pytest.mark.parametrize("words", [words for words in COMMANDS if words != "moregood"])
def test_the_readme_mentions_every_command(words: str) -> None:
    assert re.search(rf"\b{words}\b", README.read_text(encoding="utf-8"))


@pytest.mark.parametrize("words", COMMANDS)
def test_no_help_text_has_a_retired_word(words: str) -> None:
    assert [text for text in texts_of(COMMANDS[words]) if RETIRED.search(text)] == []


@pytest.mark.parametrize(
    "path", sorted(Path(cli.__file__).parent.rglob("*.py")), ids=lambda path: path.name
)
def test_no_message_has_a_retired_word(path: Path) -> None:
    assert [text for text in messages_of(path) if RETIRED.search(text)] == []


@pytest.mark.parametrize("words", COMMANDS)
def test_the_help_fits_80_columns_and_breaks_no_option(words: str) -> None:
    lines = help_of(words).splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert [line for line in lines if re.search(r"--?\w*-$", line)] == []


def test_the_list_of_commands_cuts_no_sentence_short() -> None:
    lines = help_of("moregood").splitlines()
    assert [line for line in lines if line.endswith("...") and "[ARGS]" not in line] == []


def test_commands_are_listed_by_section_in_the_order_of_use() -> None:
    """First what needs no key, then an import and what follows it."""
    listed = re.findall(r"^(?:(\S.*):$|  (\w+)  +\S)", help_of("moregood"), re.MULTILINE)
    assert [heading or name for heading, name in listed] == [
        "Try it",
        "demo",
        "sandbox",
        "Import customers and ask them",
        "import",
        "resume",
        "retry",
        "reconcile",
        "report",
        "Export",
        "export",
        "Options",
    ]


def test_the_options_of_import_are_listed_by_section() -> None:
    headings = re.findall(r"^(\S.*):$", help_of("moregood import"), re.MULTILINE)
    assert headings == [
        "Input",
        "Review requests",
        "Charges",
        "Plan",
        "Lost responses",
        "Files",
        "API",
        "Output",
    ]


def test_the_help_of_keep_rows_says_that_it_must_not_change() -> None:
    assert "Must be the same in all runs of a job." in " ".join(help_of("moregood import").split())
