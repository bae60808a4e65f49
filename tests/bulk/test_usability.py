"""Whether the API can be used is told from how rows end."""

from moregood_async.bulk.usability import ALONE, IN_A_ROW, Usability
from moregood_async.errors import (
    ConfigurationError,
    ConnectionFailed,
    Forbidden,
    InvalidRequest,
    NotFound,
    ServerError,
    Unauthorized,
    ValidationFailed,
)

REFUSED = ValidationFailed("no", status=422)
BROKEN = ServerError("no", status=500)
NOWHERE = ConnectionFailed("refused", phase="connecting", seconds=0.1, sent=False)


def after(*ends: Exception | None) -> Usability:
    """What is known after these ends."""
    usability = Usability()
    for end in ends:
        usability.learn(end)
    return usability


def test_a_refused_key_is_final_at_once() -> None:
    """Before anything was answered, and in the middle."""
    for error in (
        Unauthorized("no", status=401),
        Forbidden("no", status=403),
        ConfigurationError("no key"),
    ):
        assert error is after(error).verdict
        assert error is after(None, error, None).verdict


def test_a_network_that_never_was_is_final_at_once() -> None:
    """In the middle it may come back."""
    assert NOWHERE is after(NOWHERE).verdict
    assert after(None, NOWHERE).verdict is None


def test_a_refused_row_is_an_answer() -> None:
    """The API can be used; the row cannot."""
    assert after(REFUSED).answered
    assert after(REFUSED).verdict is None


def test_a_few_broken_rows_at_the_start_are_enough() -> None:
    """And one answer among them begins the count anew."""
    assert after(*[BROKEN] * (ALONE - 1)).verdict is None
    assert BROKEN is after(*[BROKEN] * ALONE).verdict
    assert after(BROKEN, BROKEN, None, BROKEN, BROKEN, BROKEN).verdict is None


def test_many_broken_rows_in_a_row_are_enough_in_the_middle() -> None:
    """A server that has gone away fails a hundred rows and not ten thousand."""
    assert after(None, *[BROKEN] * (IN_A_ROW - 1)).verdict is None
    assert BROKEN is after(None, *[BROKEN] * IN_A_ROW).verdict


def test_a_404_says_nothing_before_anything_was_answered() -> None:
    """It then more likely comes from a wrong base URL."""
    missing = NotFound("no", status=404)
    assert not after(missing).answered
    assert missing is after(*[missing] * ALONE).verdict
    assert after(None, missing).unanswered == 0


def test_what_never_left_says_nothing() -> None:
    """A row that is wrong in itself is no word of the API's."""
    assert Usability() == after(InvalidRequest({"email": ("is text",)}))


def test_a_foreign_error_is_no_answer() -> None:
    """Such as one of a middleware."""
    assert not after(RuntimeError("middleware")).answered
