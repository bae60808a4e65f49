"""`DemoSummary`: the counts of the demo, as a panel and as JSON."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

import attrs
from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from moregood_async.bulk.outcomes import count_of
from moregood_async.cli.output import format_duration

_BAR_WIDTH: Final = 30
"""Characters of the longest bar: the panel fits 80 columns."""
_COMMANDS: Final = (
    ("export MOREGOOD_API_KEY=…", "the secret key of your project"),
    ("moregood import customers.csv --dry-run", "show the plan; sends nothing"),
    ("moregood import customers.csv --ask email", "save and ask every customer"),
)


@attrs.define(kw_only=True)
class DemoSummary:
    """The counts of a demo."""

    reviews_file: Path
    created: int = 0
    updated: int = 0
    failed: int = 0
    charges: int = 0
    asks: int = 0
    asked: Counter[str] = attrs.field(factory=Counter[str])
    """Asks by channel."""
    scores: Counter[int] = attrs.field(factory=Counter[int])
    """Reviews by score, 1 to 5."""
    with_text: int = 0
    """Reviews with a text."""
    requests: int = 0
    seconds: float = 0.0

    @property
    def is_complete(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

    @property
    def reviews(self) -> int:
        """The number of reviews."""
        return self.scores.total()

    @property
    def average(self) -> float:
        """The mean rating; 0.0 if there are no reviews."""
        total = sum(score * count for score, count in self.scores.items())
        return total / self.reviews if self.reviews else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the counts as JSON."""
        return {
            "command": "demo",
            "customers_created": self.created,
            "customers_updated": self.updated,
            "charges": self.charges,
            "asked": dict(self.asked),
            "reviews": self.reviews,
            "reviews_with_text": self.with_text,
            "ratings": {str(score): self.scores[score] for score in range(5, 0, -1)},
            "failed": self.failed,
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
            "requests_per_second": round(self.requests / max(self.seconds, 1e-9), 1),
            "output": str(self.reviews_file),
        }


def render_welcome() -> RenderableType:
    """Return the lines that the demo begins with."""
    return Group(
        Text.assemble(("More Good Reviews", "bold"), " in a sandbox on this machine", style="cyan"),
        Text("Made-up customers, no key, no network; nothing is left running.\n", style="dim"),
    )


def render_summary(summary: DemoSummary, encoding: str = "utf-8") -> RenderableType:
    """Return the counts, the ratings as bars, and the commands to try next.

    Args:
        summary: The counts.
        encoding: The encoding of the terminal; if it is not UTF, only ASCII is drawn.
    """
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column()
    for name, value in _facts(summary):
        facts.add_row(name, value)
    plain = not encoding.lower().startswith("utf")
    return Group(
        Text(),
        Panel(
            Group(facts, Text(), _bars(summary, plain=plain)),
            title="What happened",
            title_align="left",
            border_style="cyan",
            box=box.ASCII if plain else box.ROUNDED,
            padding=(1, 2),
            expand=False,
        ),
        Text("\nNow with your own project:\n", style="bold"),
        _next_steps(plain=plain),
    )


def _facts(summary: DemoSummary) -> list[tuple[str, str]]:
    speed = summary.requests / max(summary.seconds, 1e-9)
    share = summary.reviews / summary.asks if summary.asks else 0.0
    received = f"{summary.reviews:,} received ({share:.0%} of those asked)"
    took = f"{format_duration(summary.seconds)} for {count_of(summary.requests, 'request')}"
    asked = summary.asked
    return [
        ("Customers", f"{summary.created:,} created, {summary.updated:,} updated"),
        ("Charges", f"{summary.charges:,} recorded"),
        ("Review requests", f"{asked['email']:,} by email, {asked['sms']:,} by SMS"),
        ("Reviews", f"{received}, {summary.with_text:,} with a text"),
        ("Saved in", str(summary.reviews_file)),
        ("Time", f"{took}, {speed:,.0f} a second"),
    ]


def _bars(summary: DemoSummary, *, plain: bool) -> RenderableType:
    star, block = ("*", "#") if plain else ("★", "█")
    most = max(summary.scores.values(), default=1)
    bars = Table.grid(padding=(0, 1))
    for score in range(5, 0, -1):
        count = summary.scores[score]
        width = round(_BAR_WIDTH * count / most) or (1 if count else 0)
        bars.add_row(
            Text(star * score, style="yellow"), Text(block * width, style="yellow"), f"{count:>4,}"
        )
    bars.add_row("", Text(f"{summary.average:.1f} of 5 on average", style="dim"), "")
    return bars


def _next_steps(*, plain: bool) -> RenderableType:
    steps = Table.grid(padding=(0, 2))
    for command, why in _COMMANDS:
        typed = command.replace("…", "...") if plain else command
        steps.add_row(Text(f"  {typed}", style="green"), Text(f"# {why}", style="dim"))
    return steps
