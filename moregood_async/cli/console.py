"""Where a command speaks: people read one stream, machines the other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from moregood_async.errors import MoreGoodError


class Voice:
    """Speaks to people on stdout, or on stderr where stdout belongs to data or to ``--json``."""

    def __init__(
        self, *, as_json: bool, verbose: bool, data_on_stdout: bool = False, quiet: bool = False
    ) -> None:
        self.console: Console = Console(stderr=as_json or data_on_stdout, highlight=False)
        self._errors = Console(stderr=True, highlight=False)
        self._as_json = as_json
        self._json_on_stderr = data_on_stdout
        self._verbose = verbose
        self.is_quiet: bool = quiet
        """Whether only errors are told."""

    def say(self, text: str | Text = "", style: str | None = None) -> None:
        """A line to people, never wrapped and never read as markup."""
        if not self.is_quiet:
            self.console.print(text, style=style, markup=False, soft_wrap=True)

    def fail(self, problem: Exception | str) -> None:
        """A paragraph that says what went wrong; the whole story with ``--verbose``."""
        paragraph = str(problem)
        if self._verbose and isinstance(problem, MoreGoodError):
            paragraph = problem.explain()
        told = Text.assemble(("Error: ", "bold red"), paragraph)
        self._errors.print(told, soft_wrap=True)

    def summary(self, values: Mapping[str, Any]) -> None:
        """The one line for machines, where they asked for it."""
        if self._as_json:
            click.echo(json.dumps(values, ensure_ascii=False), err=self._json_on_stderr)


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "row"), counted(10000, "row"), counted(0, "reply", "replies")
    ('1 row', '10,000 rows', '0 replies')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(0.84), duration(12.3), duration(125), duration(7300)
    ('0.8 s', '12.3 s', '2 min 5 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
