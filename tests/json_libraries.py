"""A fixture that runs a test once for each JSON library."""

import pytest

from moregood_async import codec


@pytest.fixture(params=["orjson", "stdlib"], autouse=True)
def json_library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Select the codec's JSON library, and return its name."""
    name: str = request.param
    library = pytest.importorskip("orjson") if name == "orjson" else None
    monkeypatch.setattr(codec, "_fast_json", library)
    return name
