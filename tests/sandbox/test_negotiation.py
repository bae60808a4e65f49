"""Which requests get their errors as JSON."""

import pytest

from tests.sandbox.api import Api


@pytest.mark.parametrize(
    ("accept", "is_ajax", "expects_json"),
    [
        ("application/json", False, True),
        ("application/json, text/plain, */*", False, True),
        ("application/vnd.api+json", False, True),
        ("text/html;q=0.5, application/json", False, True),
        ("APPLICATION/JSON", False, True),
        ("*/*", True, True),
        ("", True, True),
        ("", False, False),
        ("*/*", False, False),
        ("text/html, application/json", False, False),
        ("application/json;q=0.1, text/html", False, False),
        ("application/json;q=x, text/html", False, False),
        ("text/html", True, False),
    ],
)
async def test_the_first_type_in_accept_decides_the_form_of_an_error(
    api: Api, accept: str, is_ajax: bool, expects_json: bool
) -> None:
    """An XMLHttpRequest that accepts any type gets JSON too."""
    headers = {"Accept": accept, "X-Requested-With": "XMLHttpRequest" if is_ajax else ""}
    response = await api.send("GET", "/nothing", headers=headers)
    assert response.status == 404
    content_type = "application/json" if expects_json else "text/html; charset=UTF-8"
    assert response.headers["content-type"] == content_type
