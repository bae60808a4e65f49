"""`ImportArguments`: the arguments of ``moregood import``, and which of them go together."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

import attrs
import click

from moregood_async.bulk.options import RECONCILE_AFTER_SECONDS, OnUnknown
from moregood_async.bulk.templates import AskTemplate, ChargeTemplate
from moregood_async.cli.job_files import check_writable
from moregood_async.errors import ConfigurationError
from moregood_async.models.fields import Channel

STDIN: Final = "-"
"""The name of standard input."""


@attrs.frozen(kw_only=True)
class ImportArguments:
    """The argument and the options of the command; `check` says which go together."""

    file: str
    maps: tuple[str, ...] = ()
    preset: str | None = None
    file_format: str | None = None
    encoding: str | None = None
    region: str | None = None
    ask: tuple[Channel, ...] | None = None
    reminders: int | None = None
    not_asked_within: timedelta | None = None
    max_asks: int | None = None
    charge: str | None = None
    currency: str | None = None
    charged_at: str | None = None
    in_cents: bool = False
    on_unknown: OnUnknown = "reconcile"
    reconcile_after: float = RECONCILE_AFTER_SECONDS
    concurrency: int = 32
    journal: Path | None = None
    keep_rows: bool = False
    project: str | None = None
    new_key: bool = False
    rejects: Path | None = None
    results: Path | None = None
    dry_run: bool = False
    confirm: str | None = None
    api_key: str | None = attrs.field(default=None, repr=False)
    base_url: str | None = None
    as_json: bool = False
    verbose: bool = False
    quiet: bool = False

    @property
    def ask_template(self) -> AskTemplate | None:
        """The review request of each customer; None if nobody is asked."""
        if self.ask is None:
            return None
        return AskTemplate(channels=self.ask, reminders_count=self.reminders)

    def charge_template(self, columns: tuple[str, ...]) -> ChargeTemplate | None:
        """Return the columns of each row's charge; None if there are no charges."""
        if self.charge is None:
            return None
        is_column = self.currency in columns
        return ChargeTemplate(
            amount=self.charge,
            currency=None if is_column else self.currency,
            currency_column=self.currency if is_column else None,
            charged_at=self.charged_at,
            unit="minor" if self.in_cents else "major",
        )

    @property
    def journal_path(self) -> Path:
        """The path of the journal; by default beside the input file."""
        return self.journal or Path(f"{self.file}.journal")

    @property
    def input_name(self) -> Path:
        """The path beside which the files about the rows are written."""
        return Path("stdin") if self.file == STDIN else Path(self.file)

    def check(self) -> None:
        """Refuse options that do not go together, and files that cannot be written.

        Raises:
            UsageError: The message names the options.
        """
        if self.file == STDIN and (self.dry_run or self.confirm):
            raise click.UsageError(
                "--dry-run and --confirm need a file: standard input can be read only once"
            )
        if self.file == STDIN and self.journal is None:
            raise click.UsageError("an import from standard input needs --journal FILE")
        self._check_ask()
        self._check_charge()
        files = {"--rejects": self.rejects, "--results": self.results, "--journal": self.journal}
        for option, path in files.items():
            if path is not None and path.exists() and path.resolve() == Path(self.file).resolve():
                raise click.UsageError(f"{option} is the file to import itself; name another one")
        check_writable(files)

    def _check_ask(self) -> None:
        needs_ask = {
            "--reminders": self.reminders,
            "--max-asks": self.max_asks,
            "--not-asked-within": self.not_asked_within,
        }
        for option, value in needs_ask.items():
            if value is not None and self.ask is None:
                raise click.UsageError(f"{option} needs --ask")

    def _check_charge(self) -> None:
        if self.charge is None:
            if self.currency or self.charged_at or self.in_cents:
                raise click.UsageError("--currency, --charged-at and --in-cents need --charge")
        elif self.currency is None:
            raise click.UsageError("--charge needs --currency: three letters, or a column")

    def check_columns(self, columns: tuple[str, ...]) -> None:
        """Refuse a charge whose columns the input does not have.

        Raises:
            UsageError: The message names the column.
        """
        try:
            template = self.charge_template(columns)
            if template is not None:
                template.check(columns)
        except ConfigurationError as error:
            raise click.UsageError(str(error)) from None
