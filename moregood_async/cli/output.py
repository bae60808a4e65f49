"""`Output`: what a command prints, lines for people and a JSON summary for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from moregood_async.errors import MoreGoodError


class Output:
    """Prints to stdout; to stderr if stdout has exported data or the JSON summary.

    Args:
        as_json: Print the JSON summary.
        verbose: Print every attempt of a failed call.
        data_on_stdout: Keep stdout for data; the JSON summary goes to stderr too.
        quiet: Print errors only.
    """

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

    def print_lines(self, value: object) -> None:
        """Print a value of several lines, such as a report."""
        for line in str(value).splitlines():
            self.print(line)

    def print_error(self, error: Exception | str) -> None:
        """Print an error; with ``--verbose`` every attempt of the call."""
        paragraph = str(error)
        if self._verbose and isinstance(error, MoreGoodError):
            paragraph = error.explain()
        text = Text.assemble(("Error: ", "bold red"), paragraph)
        self._errors.print(text, soft_wrap=True)

    def print_json(self, values: Mapping[str, Any]) -> None:
        """Print a summary as one line of JSON, if the option ``--json`` is set."""
        if self._as_json:
            click.echo(json.dumps(values, ensure_ascii=False), err=self._json_on_stderr)


def format_duration(seconds: float) -> str:
    """Return a duration in words.

    >>> [format_duration(seconds) for seconds in (0.84, 12.3, 125, 7300)]
    ['0.8 s', '12.3 s', '2 min 5 s', '2 h 1 min']
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
