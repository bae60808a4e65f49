"""The commands: arguments, options and help.

A command passes its arguments as one value to ``run`` of its own module: ``import`` passes
`ImportArguments` to `moregood_async.cli.import_command.run`. That module is imported only when
the command runs, so that ``moregood --help`` is fast.
"""

from __future__ import annotations

import click

from moregood_async._version import __version__
from moregood_async.cli.commands.export import export
from moregood_async.cli.commands.help_sections import SectionGroup
from moregood_async.cli.commands.jobs import import_, reconcile, report, resume, retry
from moregood_async.cli.commands.sandbox import demo, sandbox

__all__ = ["moregood"]


@click.group(
    cls=SectionGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`moregood COMMAND --help` shows the options and examples of a command.",
)
@click.version_option(__version__, prog_name="moregood")
def moregood() -> None:
    """Import customers into More Good Reviews, ask them for reviews, export the reviews.

    Set MOREGOOD_API_KEY to your project's secret key. The commands `moregood demo` and
    `moregood sandbox` need no key and no network.
    """


moregood.add_section("Try it", demo, sandbox)
moregood.add_section("Import customers and ask them", import_, resume, retry, reconcile, report)
moregood.add_section("Export", export)
