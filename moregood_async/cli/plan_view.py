"""Printing a `Plan`, for ``moregood import --dry-run``."""

from __future__ import annotations

from moregood_async.bulk.importing.sources import Source
from moregood_async.bulk.plan import Plan
from moregood_async.cli import exit_codes
from moregood_async.cli.job_view import MAX_NAMED_ROWS
from moregood_async.cli.output import Output


def show_plan(output: Output, source: Source, plan: Plan) -> int:
    """Print a plan; return the exit code, 1 if a row would be rejected."""
    if plan.preset:
        output.print(f"Recognised: an export of {plan.preset}")
    output.print(str(source.mapping))
    output.print()
    rejected = [(line, f"rejected: {reason}") for line, reason in plan.problems]
    duplicates = [
        (line, f"the same person as in data row {row:,}") for line, row in plan.duplicate_lines
    ]
    _print_rows(output, rejected, plan.rejected)
    _print_rows(output, plan.warnings, plan.warned)
    _print_rows(output, duplicates, plan.duplicates)
    output.print_lines(plan)
    output.print(f"Nothing was sent. {_next_step(plan)}")
    code = exit_codes.NOT_ALL_DONE if plan.rejected else exit_codes.DONE
    output.print_json({"command": "import", "dry_run": True, **plan.as_json(), "exit_code": code})
    return code


def _next_step(plan: Plan) -> str:
    if plan.digest:
        return f"To run exactly this plan, use --confirm {plan.digest} instead of --dry-run."
    return "Set MOREGOOD_API_KEY to get the digest of the plan."


def _print_rows(output: Output, rows: list[tuple[int, str]], count: int) -> None:
    for line, text in rows[:MAX_NAMED_ROWS]:
        output.print(f"line {line}: {text}", style="yellow")
    if count > MAX_NAMED_ROWS:
        output.print(f"… and {count - MAX_NAMED_ROWS:,} more", style="yellow")
