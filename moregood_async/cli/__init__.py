"""The ``moregood`` command."""
