"""How a command ends, for the shell."""

from typing import Final

DONE: Final = 0
"""Every row is done."""
SOME_FAILED: Final = 1
"""Some were rejected, failed, or nobody knows."""
WRONG_USAGE: Final = 2
"""Options, a mapping or a file that cannot be."""
UNUSABLE: Final = 3
"""The API could not be used: no key, a refused key, no network."""
INTERRUPTED: Final = 130
"""Ctrl-C (or SIGTERM): what was under way was finished first, unless it came twice."""
