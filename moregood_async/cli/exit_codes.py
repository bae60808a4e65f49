"""The exit codes of the ``moregood`` command."""

from typing import Final

DONE: Final = 0
"""Every row is done."""
NOT_ALL_DONE: Final = 1
"""Some rows are rejected, failed, unknown or waiting; or an export ended early."""
WRONG_USAGE: Final = 2
"""An option, a mapping, a file or a journal cannot be used."""
API_UNUSABLE: Final = 3
"""The API cannot be used: no key, a refused key, no network."""
INTERRUPTED: Final = 130
"""Ctrl-C or SIGTERM. Requests in flight were finished, unless the signal was sent twice."""
