"""`Output`: what a command prints, to people on one stream and to programs on the other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from moregood_async.errors import MoreGoodError


class Output:
    """Prints to stdout, or to stderr if stdout belongs to data or to ``--json``."""

    def __init__(
        self, *, as_json: bool, verbose: bool, data_on_stdout: bool = False, quiet: bool = False
    ) -> None:
        self.console: Console = Console(stderr=as_json or data_on_stdout, highlight=False)
        self._errors = Console(stderr=True, highlight=False)
        self._as_json = as_json
        self._json_on_stderr = data_on_stdout
        self._verbose = verbose
        self.is_quiet: bool = quiet
        """Whether only errors are printed."""

    def print(self, text: str | Text = "", style: str | None = None) -> None:
        """Print a line for people, never wrapped and never read as markup."""
        if not self.is_quiet:
            self.console.print(text, style=style, markup=False, soft_wrap=True)

    def print_error(self, problem: Exception | str) -> None:
        """Print what went wrong; with ``--verbose`` every attempt of the call."""
        paragraph = str(problem)
        if self._verbose and isinstance(problem, MoreGoodError):
            paragraph = problem.explain()
        text = Text.assemble(("Error: ", "bold red"), paragraph)
        self._errors.print(text, soft_wrap=True)

    def print_json(self, values: Mapping[str, Any]) -> None:
        """Print the summary for programs, on one line, if ``--json`` was given."""
        if self._as_json:
            click.echo(json.dumps(values, ensure_ascii=False), err=self._json_on_stderr)


def count_of(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun.

    >>> count_of(1, "row"), count_of(10000, "row"), count_of(0, "reply", "replies")
    ('1 row', '10,000 rows', '0 replies')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def format_duration(seconds: float) -> str:
    """Return a duration for people.

    >>> [format_duration(seconds) for seconds in (0.84, 12.3, 125, 7300)]
    ['0.8 s', '12.3 s', '2 min 5 s', '2 h 1 min']
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
