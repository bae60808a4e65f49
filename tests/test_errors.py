"""Errors: the tree, the texts, pickling, and no personal data in any text."""

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from typing import Any

import pytest

from moregood_async import errors
from moregood_async.errors import (
    APIError,
    Attempt,
    AttemptTimedOut,
    BadRequest,
    ClientClosed,
    ConfigurationError,
    Conflict,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    Drained,
    Forbidden,
    InvalidRequest,
    MoreGoodError,
    NoResponse,
    NotFound,
    RateLimited,
    ServerError,
    Unauthorized,
    UnexpectedResponse,
    ValidationFailed,
    error_class,
)

RETRY_AT = datetime(2026, 5, 1, 8, 30, tzinfo=UTC)

REFUSED = Attempt(1, "connecting", 0.1, "refused", may_have_applied=False)
LOST = Attempt(2, "waiting", 30.25, "no response in time", may_have_applied=True)


def make_api_error(kind: type[APIError], status: int) -> APIError:
    """Return an error with a value in every attribute."""
    return kind(
        "No.",
        status=status,
        code=1001,
        fields={"email": ("is wrong", "is late")},
        retry_after=1.5,
        body=b'{"message": "No."}',
    )


def make_no_response(kind: type[NoResponse]) -> NoResponse:
    """Return an error with a value in every attribute."""
    return kind("cut off", phase="waiting", seconds=1.5, sent=True)


EVERY: list[MoreGoodError] = [
    MoreGoodError("something", operation="asks.create", may_have_applied=True),
    ConfigurationError("there is no API key"),
    InvalidRequest({"channels": ("is empty",)}, operation="asks.create"),
    ClientClosed("the client was closed"),
    make_no_response(NoResponse),
    make_no_response(ConnectionFailed),
    make_no_response(ConnectionLost),
    make_no_response(AttemptTimedOut),
    DeadlineExceeded("out of time", retry_at=RETRY_AT),
    Drained("drained"),
    UnexpectedResponse("a 200 that is not JSON", status=200, body=b"<html>"),
    make_api_error(APIError, 418),
    make_api_error(BadRequest, 400),
    make_api_error(Unauthorized, 401),
    make_api_error(Forbidden, 403),
    make_api_error(NotFound, 404),
    make_api_error(Conflict, 409),
    make_api_error(ValidationFailed, 422),
    make_api_error(RateLimited, 429),
    make_api_error(ServerError, 503),
]

each_error = pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)


def with_history(error: MoreGoodError) -> MoreGoodError:
    """Return a copy with attempts, an operation and a note."""
    seen = (
        copy.copy(error)
        ._with_attempts((REFUSED, LOST))
        ._with_operation("asks.create", "Look before you leap.")
    )
    seen.add_note("while reading row 7")
    return seen


def pickle_and_back(error: MoreGoodError, protocol: int) -> MoreGoodError:
    """Return the error after pickling."""
    back: MoreGoodError = pickle.loads(pickle.dumps(error, protocol))
    return back


def all_kinds(kind: type[MoreGoodError] = MoreGoodError) -> set[type[MoreGoodError]]:
    """Return a class of errors and all its subclasses in the module."""
    below = {each for sub in kind.__subclasses__() for each in all_kinds(sub)}
    return {each for each in {kind, *below} if each.__module__ == errors.__name__}


def test_every_error_of_the_module_is_in_these_tests() -> None:
    """The test names a new class that is missing."""
    assert all_kinds() == {type(error) for error in EVERY}


@pytest.mark.parametrize(
    ("parent", "children"),
    [
        (
            MoreGoodError,
            {
                ConfigurationError,
                InvalidRequest,
                ClientClosed,
                NoResponse,
                DeadlineExceeded,
                Drained,
                UnexpectedResponse,
                APIError,
            },
        ),
        (NoResponse, {ConnectionFailed, ConnectionLost, AttemptTimedOut}),
        (
            APIError,
            {
                BadRequest,
                Unauthorized,
                Forbidden,
                NotFound,
                Conflict,
                ValidationFailed,
                RateLimited,
                ServerError,
            },
        ),
    ],
    ids=["MoreGoodError", "NoResponse", "APIError"],
)
def test_the_tree_of_the_docstring_is_the_tree_of_the_classes(
    parent: type[MoreGoodError], children: set[type[MoreGoodError]]
) -> None:
    assert {kind for kind in all_kinds(parent) if kind.__base__ is parent} == children
    assert errors.__doc__ is not None
    assert [kind for kind in children if kind.__name__ not in errors.__doc__] == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (405, APIError),
        (409, Conflict),
        (418, APIError),
        (422, ValidationFailed),
        (429, RateLimited),
        (499, APIError),
        (500, ServerError),
        (599, ServerError),
        (600, APIError),
    ],
)
def test_a_status_has_a_class_of_its_own_or_the_plain_api_error(
    status: int, kind: type[APIError]
) -> None:
    assert error_class(status) is kind


@each_error
@pytest.mark.parametrize(
    "carried",
    [
        *(
            pytest.param(partial(pickle_and_back, protocol=p), id=f"pickle {p}")
            for p in range(pickle.HIGHEST_PROTOCOL + 1)
        ),
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
    ],
)
def test_an_error_survives_pickle_and_copy(
    error: MoreGoodError, carried: Callable[[MoreGoodError], MoreGoodError]
) -> None:
    """With every attribute, its text and its notes."""
    before = with_history(error)
    after = carried(before)
    assert type(after) is type(before)
    assert before is not after
    assert vars(after) == vars(before)
    assert after.args == before.args
    assert str(after) == str(before)
    assert after.explain() == before.explain()


def test_an_error_crosses_a_process_pool() -> None:
    """An error that did not unpickle would hang the pool."""
    before = with_history(make_api_error(RateLimited, 429))
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        pytest.raises(RateLimited) as caught,
    ):
        pool.submit(_raise_pickled, pickle.dumps(before)).result(timeout=60)
    attributes: dict[str, Any] = dict(vars(caught.value))
    assert attributes == vars(before)


def _raise_pickled(error: bytes) -> None:
    raise pickle.loads(error)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConfigurationError("there is no API key"), "there is no API key"),
        (
            InvalidRequest({"channels": ("is empty",), "email": ("a", "b")})._with_operation(
                "asks.create"
            ),
            "asks.create: nothing was sent: channels: is empty; email: a, b",
        ),
        (
            ConnectionFailed("refused", phase="connecting", seconds=0.1, sent=False)
            ._with_attempts((REFUSED,))
            ._with_operation("charges.create"),
            (
                "charges.create: refused (attempt 1, connecting, 0.10 s). "
                "Check base_url, the network and the proxy; it is safe to send again."
            ),
        ),
        (
            AttemptTimedOut("no response in time", phase="waiting", seconds=30.25, sent=True)
            ._with_attempts((REFUSED, LOST))
            ._with_operation("asks.create", "Look at the messages."),
            (
                "asks.create: no response in time (attempt 2, waiting, 30.25 s). "
                "It may have taken effect. Look at the messages. "
                "Use attempt_timeout= to allow each attempt more time."
            ),
        ),
        (
            Unauthorized("Unauthenticated.", status=401)._with_operation("customers.list"),
            (
                "customers.list: 401 Unauthenticated. Check the project's secret key "
                "(api_key= or MOREGOOD_API_KEY)."
            ),
        ),
        (
            NotFound("No such customer.", status=404)._with_attempts((REFUSED,)),
            "404 No such customer (attempt 1, connecting, 0.10 s).",
        ),
        (
            ValidationFailed("", status=200, code=422, fields={"email": ("No.", "Never.")}),
            "422 [email: No. Never.]",
        ),
        (
            DeadlineExceeded("out of time"),
            "out of time. Use deadline= to allow the whole call more time.",
        ),
        (
            DeadlineExceeded("out of time", retry_at=RETRY_AT),
            "out of time. The server takes requests again at 2026-05-01 08:30:00 UTC.",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, MoreGoodError) else "",
)
def test_the_text_of_an_error_has_operation_problem_attempt_effect_and_advice(
    error: MoreGoodError, text: str
) -> None:
    """As far as the error has them."""
    assert str(error) == text


def test_explain_has_a_line_for_each_attempt_the_effect_and_the_advice() -> None:
    error = (
        make_no_response(AttemptTimedOut)
        ._with_attempts((REFUSED, LOST))
        ._with_operation("asks.create", "Look first.")
    )
    assert error.explain().splitlines() == [
        "AttemptTimedOut: asks.create: cut off",
        "- attempt 1: refused (connecting, 0.10 s)",
        "- attempt 2: no response in time (waiting, 30.25 s, may have taken effect)",
        "- It may have taken effect. Look first.",
        "- Use attempt_timeout= to allow each attempt more time.",
    ]


def test_explain_is_one_line_for_an_error_without_attempts_and_advice() -> None:
    assert ConfigurationError("no key").explain() == "ConfigurationError: no key"


@pytest.mark.parametrize(
    ("attempts", "before", "expected"),
    [
        pytest.param((), False, False, id="no attempt"),
        pytest.param((REFUSED,), False, False, id="nothing was sent"),
        pytest.param((LOST, REFUSED), False, True, id="an earlier attempt was"),
        pytest.param((REFUSED,), True, True, id="known before"),
    ],
)
def test_an_error_may_have_applied_if_any_attempt_may_have(
    attempts: tuple[Attempt, ...], before: bool, expected: bool
) -> None:
    """The last attempt alone does not decide."""
    error = MoreGoodError("x", may_have_applied=before)._with_attempts(attempts)
    assert error.may_have_applied is expected
    assert error.attempts == attempts
    assert ("It may have taken effect." in str(error)) is expected


def test_the_code_is_the_status_if_the_envelope_has_none() -> None:
    assert NotFound("", status=404).code == 404
    error = APIError("", status=200, code=422)
    assert error.code == 422
    assert error.status == 200


def test_an_api_error_keeps_what_the_server_sent() -> None:
    error = make_api_error(ValidationFailed, 422)
    assert error.message == "No."
    assert error.fields == {"email": ("is wrong", "is late")}
    assert error.retry_after == 1.5
    assert error.body == b'{"message": "No."}'


def test_an_api_error_without_delay_and_fields_has_none_and_an_empty_mapping() -> None:
    error = APIError("", status=500)
    assert error.retry_after is None
    assert error.fields == {}
    assert error.body == b""
    assert str(error) == "500"


CANARIES = ["canary@example.com", "+1 415 555 0199"]


@pytest.mark.parametrize(
    "error",
    [
        MoreGoodError(" and ".join(CANARIES)),
        InvalidRequest({"email": CANARIES, CANARIES[0]: ("x",)}),  # type: ignore[dict-item]
        UnexpectedResponse(CANARIES[0], body=CANARIES[1].encode()),
        ValidationFailed(
            CANARIES[0], status=422, fields={"phone": (CANARIES[1],)}, body=CANARIES[0].encode()
        ),
        make_no_response(ConnectionLost)._with_operation(
            f"GET customers/{CANARIES[0]}/{CANARIES[1]}"
        ),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_text_of_an_error_contains_personal_data(error: MoreGoodError) -> None:
    """Text, repr and explanation; `fields` and `body` are the server's own."""
    shown = f"{error} {error!r} {error.explain()}"
    assert "***" in shown
    assert [canary for canary in CANARIES if canary in shown] == []


def test_the_message_attribute_is_masked_too() -> None:
    """Callers print it."""
    assert ValidationFailed(f"{CANARIES[0]} is taken", status=422).message == "*** is taken"
