"""``python -m moregood_async.cli``."""

from moregood_async.cli import main

main()
