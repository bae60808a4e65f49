"""Settings: from arguments, the environment and views."""

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
from tests.client.far_side import _far
from tests.conftest import KEY


async def test_key_and_base_url_come_from_the_environment(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the README's first lines have it."""
    async with sandbox.serve() as server:
        monkeypatch.setenv("MOREGOOD_API_KEY", KEY)
        monkeypatch.setenv("MOREGOOD_BASE_URL", server.base_url + "/")
        async with MoreGoodClient() as client:
            await client.customers.upsert(first_name="Ada", email="ada@example.com")
            assert f"<MoreGoodClient {server.base_url}>" == repr(client)
    assert 1 == sandbox.audit(KEY).customers


def test_what_is_given_outweighs_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """And without either, the vendor is asked."""
    assert f"<MoreGoodClient {BASE_URL}>" == repr(MoreGoodClient(KEY))
    monkeypatch.setenv("MOREGOOD_BASE_URL", "https://one.example/beacon")
    assert "<MoreGoodClient https://one.example/beacon>" == repr(MoreGoodClient(KEY))
    given = MoreGoodClient(KEY, base_url="https://two.example/beacon/")
    assert "<MoreGoodClient https://two.example/beacon>" == repr(given)


@pytest.mark.parametrize(
    ("wrong", "reason"),
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
        ({"transport": _far, "proxy": "http://proxy:1"}, "transport="),
        ({"transport": _far, "trust_env": True}, "transport="),
        ({"transport": _far, "session": object()}, "transport="),
    ],
    ids=lambda each: str(each) if isinstance(each, str) else "-".join(each),
)
def test_a_client_that_cannot_be_is_not_made(wrong: dict[str, Any], reason: str) -> None:
    """The reason says what to give instead."""
    given: dict[str, Any] = {"api_key": KEY, **wrong}
    with pytest.raises(ConfigurationError, match=reason):
        MoreGoodClient(**given)


def test_plain_http_to_another_machine_must_be_allowed() -> None:
    """The permission holds for views too."""
    client = MoreGoodClient(KEY, base_url="http://api.example/beacon", allow_http=True)
    view = client.with_options(base_url="http://other.example/beacon")
    assert "http://other.example/beacon" in repr(view)
    with pytest.raises(ConfigurationError, match="plain http://"):
        MoreGoodClient(KEY).with_options(base_url="http://other.example/beacon")


async def test_a_view_has_settings_of_its_own_and_the_rest_of_its_client(
    sandbox: Sandbox, client: MoreGoodClient
) -> None:
    """``max_attempts=1`` never repeats, which the server counts."""
    sandbox.faults = Refuse(500)
    once = client.with_options(max_attempts=1, deadline=None, attempt_timeout=5.0)
    with pytest.raises(ServerError):
        await once.customers.list()
    assert 1 == sandbox.audit().requests["customers.list"]
    assert repr(once).split()[1] == repr(client).split()[1]


@pytest.mark.parametrize(
    "wrong",
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
def test_a_view_that_cannot_be_is_not_made(wrong: dict[str, Any]) -> None:
    """As with the client itself."""
    with pytest.raises(ConfigurationError):
        MoreGoodClient(KEY).with_options(**wrong)


async def test_a_keys_limits_are_those_that_it_was_first_given(sandbox: Sandbox) -> None:
    """Two views of one key cannot disagree on its pace."""
    async with MoreGoodClient(KEY, transport=sandbox, max_concurrency=3) as client:
        view = client.with_options(api_key="b", max_concurrency=9, max_rate=Rate(5, per=1.0))
        same = view.with_options(max_rate=Rate(5, per=1.0))
        assert view._session.settings.limits == same._session.settings.limits
        with pytest.raises(ConfigurationError, match="this key already has"):
            client.with_options(api_key="b", max_concurrency=4)
        with pytest.raises(ConfigurationError, match="this key already has"):
            client.with_options(max_concurrency=4)
        other = client.with_options(api_key="c")._session.settings.limits
        assert (3, None) == (other.max_concurrency, other.max_rate)


async def test_closing_a_view_closes_nothing(sandbox: Sandbox, client: MoreGoodClient) -> None:
    """The connections are its client's."""
    async with client.with_options(max_attempts=1) as view:
        await view.customers.list()
    await view.aclose()
    await view.customers.list()
    await client.customers.list()
    assert 3 == sandbox.audit().requests["customers.list"]


async def test_closing_the_client_closes_its_views(client: MoreGoodClient) -> None:
    """What is sent after it raises, and nothing leaves."""
    view = client.with_options(max_attempts=1)
    await client.aclose()
    await client.aclose()
    for closed in (client, view):
        with pytest.raises(ClientClosed, match="nothing was sent"):
            await closed.customers.list()
        with pytest.raises(ClientClosed):
            async with closed:
                raise AssertionError
