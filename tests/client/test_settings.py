"""Settings of a client from arguments and from the environment, and settings of its views."""

from typing import Any

import pytest

from moregood_async import (
    BASE_URL,
    ClientClosed,
    ConfigurationError,
    MoreGoodClient,
    Rate,
    ServerError,
)
from moregood_async.sandbox import Refuse, Sandbox
from tests.client.success_handler import respond_with_success
from tests.conftest import KEY


async def test_the_key_and_the_base_url_come_from_the_environment(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trailing slash of the base URL is removed."""
    async with sandbox.serve() as server:
        monkeypatch.setenv("MOREGOOD_API_KEY", KEY)
        monkeypatch.setenv("MOREGOOD_BASE_URL", server.base_url + "/")
        async with MoreGoodClient() as client:
            await client.customers.upsert(first_name="Ada", email="ada@example.com")
            assert repr(client) == f"<MoreGoodClient {server.base_url}>"
    assert sandbox.audit(KEY).customers == 1


def test_an_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without either, the base URL is the vendor's."""
    assert repr(MoreGoodClient(KEY)) == f"<MoreGoodClient {BASE_URL}>"
    monkeypatch.setenv("MOREGOOD_BASE_URL", "https://one.example/beacon")
    assert repr(MoreGoodClient(KEY)) == "<MoreGoodClient https://one.example/beacon>"
    client = MoreGoodClient(KEY, base_url="https://two.example/beacon/")
    assert repr(client) == "<MoreGoodClient https://two.example/beacon>"


@pytest.mark.parametrize(
    ("invalid_options", "reason"),
    [
        ({"api_key": None}, "there is no API key"),
        ({"api_key": " "}, "there is no API key"),
        ({"api_key": "two words"}, "contains a blank"),
        ({"base_url": "http://api.example/beacon"}, "plain http://"),
        ({"base_url": "ftp://api.example"}, "must look like"),
        ({"attempt_timeout": 0}, "attempt_timeout"),
        ({"deadline": -1.0}, "deadline"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"max_concurrency": 0}, "max_concurrency"),
        ({"transport": respond_with_success, "proxy": "http://proxy:1"}, "transport="),
        ({"transport": respond_with_success, "trust_env": True}, "transport="),
        ({"transport": respond_with_success, "session": object()}, "transport="),
    ],
    ids=lambda each: str(each) if isinstance(each, str) else "-".join(each),
)
def test_an_invalid_client_is_refused_with_a_reason(
    invalid_options: dict[str, Any], reason: str
) -> None:
    options: dict[str, Any] = {"api_key": KEY, **invalid_options}
    with pytest.raises(ConfigurationError, match=reason):
        MoreGoodClient(**options)


def test_plain_http_to_another_host_needs_allow_http() -> None:
    """The permission is valid for views too."""
    client = MoreGoodClient(KEY, base_url="http://api.example/beacon", allow_http=True)
    view = client.with_options(base_url="http://other.example/beacon")
    assert "http://other.example/beacon" in repr(view)
    with pytest.raises(ConfigurationError, match="plain http://"):
        MoreGoodClient(KEY).with_options(base_url="http://other.example/beacon")


async def test_a_view_changes_some_settings_and_keeps_the_others(
    sandbox: Sandbox, client: MoreGoodClient
) -> None:
    """``max_attempts=1`` never retries; the server counts the requests."""
    sandbox.faults = Refuse(500)
    once = client.with_options(max_attempts=1, deadline=None, attempt_timeout=5.0)
    with pytest.raises(ServerError):
        await once.customers.list()
    assert sandbox.audit().requests["customers.list"] == 1
    assert repr(client).split()[1] == repr(once).split()[1]


@pytest.mark.parametrize(
    "invalid_options",
    [
        {"attempt_timeout": -1},
        {"deadline": 0},
        {"max_attempts": 0},
        {"api_key": ""},
        {"base_url": "nonsense"},
        {"api_key": "fresh", "max_concurrency": 0},
    ],
    ids=str,
)
def test_an_invalid_view_is_refused(invalid_options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        MoreGoodClient(KEY).with_options(**invalid_options)


async def test_the_limits_of_a_key_are_fixed_by_its_first_view(sandbox: Sandbox) -> None:
    """Two views of one key cannot have different limits."""
    async with MoreGoodClient(KEY, transport=sandbox, max_concurrency=3) as client:
        view = client.with_options(api_key="b", max_concurrency=9, max_rate=Rate(5, per=1.0))
        same = view.with_options(max_rate=Rate(5, per=1.0))
        assert same._session.settings.limits == view._session.settings.limits
        with pytest.raises(ConfigurationError, match="this key already has"):
            client.with_options(api_key="b", max_concurrency=4)
        with pytest.raises(ConfigurationError, match="this key already has"):
            client.with_options(max_concurrency=4)
        other = client.with_options(api_key="c")._session.settings.limits
        assert other.max_concurrency == 3
        assert other.max_rate is None


async def test_closing_a_view_closes_nothing(sandbox: Sandbox, client: MoreGoodClient) -> None:
    """The connections belong to its client."""
    async with client.with_options(max_attempts=1) as view:
        await view.customers.list()
    await view.aclose()
    await view.customers.list()
    await client.customers.list()
    assert sandbox.audit().requests["customers.list"] == 3


async def test_closing_the_client_closes_its_views(client: MoreGoodClient) -> None:
    """A later call raises `ClientClosed`, and nothing is sent."""
    view = client.with_options(max_attempts=1)
    await client.aclose()
    await client.aclose()
    for closed in (client, view):
        with pytest.raises(ClientClosed, match="nothing was sent"):
            await closed.customers.list()
        with pytest.raises(ClientClosed):
            async with closed:
                raise AssertionError
