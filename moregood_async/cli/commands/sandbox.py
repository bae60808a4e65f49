"""``moregood demo`` and ``moregood sandbox``."""

from __future__ import annotations

from typing import Any

import click

from moregood_async.cli.commands.help_sections import SectionCommand
from moregood_async.cli.commands.option_values import parse_rate
from moregood_async.cli.commands.options import NEW_FILE, exit_with, option, output_options


@click.command("demo", cls=SectionCommand)
@output_options
def demo(**arguments: Any) -> None:
    """Run a whole import in a sandbox, in seconds.

    The demo imports 500 made-up customers into an embedded sandbox, records what they paid, and
    asks them for reviews. Simulated customers write some, which are exported to
    moregood-demo-reviews.csv in this folder. The demo needs no key and no network, and leaves
    nothing running.

    \b
    Example:
      moregood demo
    """  # noqa: D301 - click reads the character \b
    from moregood_async.cli import demo_command

    exit_with(demo_command.run(demo_command.DemoArguments(**arguments)))


@click.command("sandbox", cls=SectionCommand)
@option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    metavar="PORT",
    section="Sandbox",
    help="The port; 0 picks a free one.",
)
@option(
    "--key",
    "keys",
    multiple=True,
    default=("test-key",),
    show_default=True,
    metavar="KEY",
    section="Sandbox",
    help="An API key to accept. Use it several times for several projects.",
)
@option(
    "--db",
    type=NEW_FILE,
    metavar="FILE",
    section="Sandbox",
    help="Keep the state in FILE. [default: in memory]",
)
@option(
    "--rate",
    metavar="LIMIT/SECONDS",
    callback=parse_rate,
    section="Sandbox",
    help="Throttle: respond with 429 to more than LIMIT requests in SECONDS.",
)
@option(
    "--seed",
    type=int,
    metavar="N",
    section="Sandbox",
    help="Simulate customers who click and write; N seeds their decisions.",
)
@output_options
def sandbox(**arguments: Any) -> None:
    """Serve a Beacon API on this machine, until Ctrl-C.

    The clock of the sandbox can be moved: messages are sent, reminders follow, and with --seed
    customers write reviews.

    \b
    Examples:
      moregood sandbox --rate 60/60
      moregood export customers --base-url http://127.0.0.1:8765/beacon \\
          --api-key test-key
      curl -d '{"days": 3}' http://127.0.0.1:8765/__sandbox__/advance
    """  # noqa: D301 - click reads the character \b
    from moregood_async.cli import sandbox_command

    exit_with(sandbox_command.run(sandbox_command.SandboxArguments(**arguments)))
