"""Every test of the envelope runs with orjson and without it."""

from tests.json_libraries import json_library as json_library
