"""Commands and options that ``--help`` lists under headings, in the order of their definition."""

from __future__ import annotations

from typing import Any, Final

import click

_MAX_TERM: Final = 26
"""Characters of the left column. The help of a longer term is on the next line, so that one long
option does not leave 40 of a terminal's 80 columns for the help of all others."""

Entries = list[tuple[str, str]]


class SectionOption(click.Option):
    """An option with the heading that it is listed under."""

    def __init__(self, *args: Any, section: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section: str = section


class SectionCommand(click.Command):
    """A command whose options are listed under their headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of each section."""
        sections: dict[str, Entries] = {}
        for parameter in self.get_params(ctx):
            entry = parameter.get_help_record(ctx)
            if isinstance(parameter, click.Option) and entry is not None:
                # click's own --help has no section: it is listed with the options of the output
                section = getattr(parameter, "section", "Output")
                sections.setdefault(section, []).append(entry)
        _write_sections(formatter, sections)


class SectionGroup(click.Group):
    """A group whose commands are listed under headings, before its options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sections: dict[str, list[click.Command]] = {}

    def add_section(self, heading: str, *commands: click.Command) -> None:
        """Add commands under a heading."""
        self._sections[heading] = list(commands)
        for command in commands:
            self.add_command(command)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order of their definition."""
        return list(self.commands)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands of each section, then the options."""
        self.format_commands(ctx, formatter)
        entries = [parameter.get_help_record(ctx) for parameter in self.get_params(ctx)]
        _write_sections(formatter, {"Options": [entry for entry in entries if entry is not None]})

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands of each section."""
        sections = {
            heading: [(command.name or "", command.get_short_help_str(66)) for command in commands]
            for heading, commands in self._sections.items()
        }
        _write_sections(formatter, sections)


def _write_sections(formatter: click.HelpFormatter, sections: dict[str, Entries]) -> None:
    terms = [term for entries in sections.values() for term, _ in entries]
    # click aligns the entries of one section; terms of equal width align all sections
    width = max((len(term) for term in terms if len(term) <= _MAX_TERM), default=0)
    for heading, entries in sections.items():
        with formatter.section(heading):
            formatter.write_dl([(term.ljust(width), text) for term, text in entries], width)
