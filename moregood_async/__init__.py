"""The async Python client for More Good Reviews' Beacon API."""

from moregood_async._version import __version__

__all__ = ["__version__"]
