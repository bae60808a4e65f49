"""``moregood import --dry-run``: the mapping and every row's problems; nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from moregood_async.bulk.asking import AskTemplate, People
from moregood_async.bulk.outcomes import RowResult, Tally
from moregood_async.bulk.rows import Row
from moregood_async.bulk.sources import CustomerFile
from moregood_async.cli import exits
from moregood_async.cli.console import Voice, counted
from moregood_async.cli.import_report import by_channel, finding
from moregood_async.errors import InvalidRequest

LISTED = 1_000
"""Problems that the machine-readable summary lists; the rest is counted."""


def foreseen(row: Row, template: AskTemplate | None, people: People) -> RowResult:
    """How a row would end, if the API takes all that is right."""
    try:
        customer = row.customer()
    except InvalidRequest as error:
        return RowResult(row, "rejected", error=error)
    if template is None:
        return RowResult(row, "done")
    ask = template.ask(customer)
    if ask is None:
        return RowResult.not_askable(row, None)
    if row.held:
        return RowResult.holding(row, None)
    first = people.claim(customer, row.line)
    if first != row.line:
        return RowResult.repeating(row, None, first)
    return RowResult(row, "done", asked=tuple(ask.channels))


def plan(voice: Voice, file: Path, customers: CustomerFile, template: AskTemplate | None) -> int:
    """Show what an import would do; gives the exit code, 1 where a row would be rejected."""
    voice.say(str(customers.mapping))
    voice.say()
    tally, people = Tally(), People()
    problems: list[dict[str, Any]] = []
    for row in customers:
        result = foreseen(row, template, people)
        tally.add(result)
        _, what = finding(result, customers.mapping)
        if what:
            voice.say(f"line {row.line}: {what}", style="yellow")
        if result.outcome == "rejected" and len(problems) < LISTED:
            problems.append({"line": row.line, "error": result.reason(customers.mapping)})
    code = exits.SOME_FAILED if tally.rejected else exits.DONE
    for line in told(tally):
        voice.say(line)
    voice.summary(
        {
            "command": "import",
            "dry_run": True,
            "file": str(file),
            "mapping": dict(customers.mapping),
            "ignored": {column.name: column.why for column in customers.mapping.ignored},
            **attrs.asdict(tally, filter=lambda field, _: field.name in _FORESEEN),
            "problems": problems,
            "exit_code": code,
        }
    )
    return code


_FORESEEN = {"rows", "rejected", "asked", "not_askable", "repeated", "held"}


def told(tally: Tally) -> list[str]:
    r"""The plan for people.

    >>> print(*told(Tally(rows=3, done=2, rejected=1, asked={"email": 2})), sep="\n")
    3 rows: 2 can be sent, 1 would be rejected.
    Asks would go out: 2 by email.
    Nothing was sent.
    """
    rows = counted(tally.rows, "row")
    lines = [f"{rows}: {tally.done:,} can be sent, {tally.rejected:,} would be rejected."]
    if tally.asked:
        lines.append(f"Asks would go out: {by_channel(tally)}.")
    return [*lines, "Nothing was sent."]
