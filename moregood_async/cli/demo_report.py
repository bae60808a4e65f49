"""What the demo shows: a summary that a shop owner understands."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import attrs
from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from moregood_async.cli.console import counted, duration

_BAR_WIDTH = 30
_COMMANDS = (
    ("export MOREGOOD_API_KEY=…", "the secret key of your project"),
    ("moregood import customers.csv --dry-run", "see what would happen"),
    ("moregood import customers.csv --ask email", "save everybody, and ask them"),
)


@attrs.define(kw_only=True)
class Story:
    """What happened in the demo, counted."""

    reviews_file: Path
    created: int = 0
    updated: int = 0
    failed: int = 0
    charges: int = 0
    asks: int = 0
    asked: Counter[str] = attrs.field(factory=Counter[str])
    scores: Counter[int] = attrs.field(factory=Counter[int])
    written: int = 0
    requests: int = 0
    seconds: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether everything worked."""
        return not self.failed

    @property
    def reviews(self) -> int:
        """How many reviews there are."""
        return self.scores.total()

    @property
    def average(self) -> float:
        """The mean rating, 0 where there is none."""
        total = sum(score * count for score, count in self.scores.items())
        return total / self.reviews if self.reviews else 0.0

    def values(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "command": "demo",
            "customers_created": self.created,
            "customers_updated": self.updated,
            "charges": self.charges,
            "asked": dict(self.asked),
            "reviews": self.reviews,
            "reviews_with_text": self.written,
            "ratings": {str(score): self.scores[score] for score in range(5, 0, -1)},
            "failed": self.failed,
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
            "requests_per_second": round(self.requests / max(self.seconds, 1e-9), 1),
            "output": str(self.reviews_file),
        }


def welcome() -> RenderableType:
    """What is about to happen."""
    return Group(
        Text.assemble(("More Good Reviews", "bold"), " in a sandbox on this machine", style="cyan"),
        Text("Made-up customers, no key, no network; nothing is left running.\n", style="dim"),
    )


def summary(story: Story, encoding: str = "utf-8") -> RenderableType:
    """What happened, the ratings as bars, and what to do next."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column()
    for name, value in _facts(story):
        facts.add_row(name, value)
    plain = not encoding.lower().startswith("utf")
    return Group(
        Text(),
        Panel(
            Group(facts, Text(), _bars(story, plain=plain)),
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


def _facts(story: Story) -> list[tuple[str, str]]:
    speed = story.requests / max(story.seconds, 1e-9)
    share = story.reviews / story.asks if story.asks else 0.0
    received = f"{story.reviews:,} received ({share:.0%} of those asked)"
    took = f"{duration(story.seconds)} for {counted(story.requests, 'request')}"
    asked = story.asked
    return [
        ("Customers", f"{story.created:,} created, {story.updated:,} updated"),
        ("Charges", f"{story.charges:,} recorded"),
        ("Review requests", f"{asked['email']:,} by email, {asked['sms']:,} by SMS"),
        ("Reviews", f"{received}, {story.written:,} with a text"),
        ("Saved in", str(story.reviews_file)),
        ("Time", f"{took}, {speed:,.0f} a second"),
    ]


def _bars(story: Story, *, plain: bool) -> RenderableType:
    star, block = ("*", "#") if plain else ("★", "█")
    most = max(story.scores.values(), default=1)
    bars = Table.grid(padding=(0, 1))
    for score in range(5, 0, -1):
        count = story.scores[score]
        width = round(_BAR_WIDTH * count / most) or (1 if count else 0)
        bars.add_row(
            Text(star * score, style="yellow"), Text(block * width, style="yellow"), f"{count:>4,}"
        )
    bars.add_row("", Text(f"{story.average:.1f} of 5 on average", style="dim"), "")
    return bars


def _next_steps(*, plain: bool) -> RenderableType:
    steps = Table.grid(padding=(0, 2))
    for command, why in _COMMANDS:
        typed = command.replace("…", "...") if plain else command
        steps.add_row(Text(f"  {typed}", style="green"), Text(f"# {why}", style="dim"))
    return steps
