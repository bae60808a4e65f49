"""Every test of the codec runs with orjson and without it."""

from tests.json_libraries import json_library as json_library
