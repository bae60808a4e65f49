"""``moregood import --dry-run``: what an import would do; nothing is sent."""

from __future__ import annotations

from moregood_async.bulk.importing.sources import Source
from moregood_async.bulk.plan import Plan
from moregood_async.cli import exits
from moregood_async.cli.console import Voice
from moregood_async.cli.job_running import NAMED


def show(voice: Voice, source: Source, plan: Plan) -> int:
    """Show a plan; gives the exit code, 1 where a row would be rejected."""
    if plan.preset:
        voice.say(f"Recognised: an export of {plan.preset}")
    voice.say(str(source.mapping))
    voice.say()
    _name(voice, [(line, f"rejected: {why}") for line, why in plan.problems], plan.rejected)
    _name(voice, plan.warnings, plan.warned)
    duplicates = [
        (line, f"the same person as in data row {row:,}") for line, row in plan.duplicate_lines
    ]
    _name(voice, duplicates, plan.duplicates)
    for line in str(plan).splitlines():
        voice.say(line)
    voice.say(f"Nothing was sent. {_confirming(plan)}")
    code = exits.SOME_FAILED if plan.rejected else exits.DONE
    voice.summary({"command": "import", "dry_run": True, **plan.as_json(), "exit_code": code})
    return code


def _confirming(plan: Plan) -> str:
    if plan.digest:
        return f"The same command with --confirm {plan.digest} does exactly this, or refuses."
    return "With a key, there is a digest to confirm."


def _name(voice: Voice, lines: list[tuple[int, str]], count: int) -> None:
    for line, what in lines[:NAMED]:
        voice.say(f"line {line}: {what}", style="yellow")
    if count > NAMED:
        voice.say(f"… and {count - NAMED:,} more", style="yellow")
