"""The ``moregood`` command: import, export, a sandbox, and a demo."""

import io
import sys
from importlib.util import find_spec

_MISSING = 'The command line needs click and rich: pip install "moregood_async[cli]"\n'


def main() -> None:
    """Run the ``moregood`` command; its exit codes are in `moregood_async.cli.exit_codes`."""
    if find_spec("click") is None or find_spec("rich") is None:
        sys.stderr.write(_MISSING)
        raise SystemExit(2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without some letters is no error
    from moregood_async.cli.commands import moregood

    moregood(prog_name="moregood")
