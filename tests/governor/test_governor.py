"""The governor as a whole: waits for everybody, who goes first, and what it shows."""

from __future__ import annotations

import pytest

from moregood_async.config import Rate
from moregood_async.governor.bucket import TokenBucket
from moregood_async.governor.goodput import Goodput
from moregood_async.governor.unlimited import Unlimited
from moregood_async.governor.window import FixedWindow
from tests.governor.dialogue import ENDS, WAY, Dialogue
from tests.governor.servers import Bucket, Server, Window, said, steady


def test_nothing_is_believed_at_first() -> None:
    """Requests go as they come."""
    dialogue = Dialogue.begun()
    state = dialogue.state(5.0)
    assert (None, None, None, 0.0) == (state.rate, state.window, state.burst, state.next_allowed_in)


def test_answers_without_headers_leave_it_at_that() -> None:
    """A server without a limit is not paced."""
    dialogue = Dialogue.begun()
    dialogue.grows_to(32)
    assert isinstance(dialogue.governor.belief, Unlimited)


@pytest.mark.parametrize(
    ("server", "belief"),
    [
        pytest.param(Window(5, 2.0), FixedWindow, id="a window"),
        pytest.param(Window(5, 2.0, named="not"), FixedWindow, id="a window that names no wait"),
        pytest.param(Window(5, 2.0, over=2), FixedWindow, id="a window that lets in too many"),
        pytest.param(Bucket(steady(4.0), 20), TokenBucket, id="a bucket"),
        pytest.param(Bucket(steady(4.0), 20, named="floored"), TokenBucket, id="a coarse bucket"),
        pytest.param(
            Bucket(steady(4.0), 5, headers=False), Goodput, id="a bucket that names waits only"
        ),
        pytest.param(
            Bucket(steady(4.0), 5, named="not", headers=False), Goodput, id="a silent bucket"
        ),
    ],
)
def test_it_finds_out_what_the_server_is(server: Server, belief: type[object]) -> None:
    """By its answers alone."""
    dialogue = Dialogue.begun()
    dialogue.asks_at_best(1000.3, server, 100)
    assert isinstance(dialogue.governor.belief, belief)


# Refusals


@pytest.mark.parametrize("headers", [{}, {"limit": 9, "remaining": 0}], ids=["silent", "a window"])
def test_after_a_429_everybody_waits(headers: dict[str, object]) -> None:
    """For as long as it names at least."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(429, retry_after=7, **headers))
    assert 7.05 <= dialogue.opens(0.05) <= 8.1


@pytest.mark.parametrize("status", [429, 503])
def test_the_first_back_after_a_refusal_goes_alone(status: int) -> None:
    """Until it is answered, however long that takes."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(status, retry_after=2))
    dialogue.sends(dialogue.opens(0.05))
    assert ENDS == dialogue.opens(1000.0)


@pytest.mark.parametrize("status", [200, 404, 422, 500, 502])
def test_once_it_was_let_in_the_others_follow(status: int) -> None:
    """Whatever became of it: it was no refusal."""
    dialogue = Dialogue.begun()
    dialogue.grows_to(8)
    dialogue.exchanges(10.0, said(503, retry_after=2))
    dialogue.exchanges(20.0, said(status))
    assert 1 < len(dialogue.sends_all(21.0))


def test_where_the_first_back_is_cancelled_another_goes_alone() -> None:
    """Nothing is known yet, and nobody is blocked."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(503, retry_after=2))
    dialogue.governor.gone(dialogue.sends(10.0))
    assert 1 == len(dialogue.sends_all(10.1))


def test_where_the_first_back_gets_no_answer_another_goes_alone() -> None:
    """The same."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(503, retry_after=2))
    dialogue.governor.unanswered(dialogue.sends(10.0))
    assert 1 == len(dialogue.sends_all(10.1))


def test_an_answer_from_before_the_refusal_lets_no_second_go() -> None:
    """It was let in earlier, though it comes later."""
    dialogue = Dialogue.begun()
    older, refused = dialogue.sends(0.0), dialogue.sends(0.0)
    dialogue.hears(0.1, refused, said(503, retry_after=2))
    dialogue.hears(9.0, older, said())
    assert 1 == len(dialogue.sends_all(9.0))


def test_refusals_of_one_wave_count_once() -> None:
    """They do not double the wait, but all are shown."""
    dialogue = Dialogue.begun()
    for sent in dialogue.sends_all(0.0):
        dialogue.hears(0.1, sent, said(503, retry_after=2))
    assert 4 == dialogue.state(0.1).throttled
    assert pytest.approx(0.1 + 2.0 + 1.0) == dialogue.opens(0.1)


def test_the_longest_wait_of_a_wave_is_waited_for() -> None:
    """Each may name its own."""
    dialogue = Dialogue.begun()
    for sent, told in zip(dialogue.sends_all(0.0), [2, 9, 1, 1], strict=True):
        dialogue.hears(0.1, sent, said(503, retry_after=told))
    assert 9.1 <= dialogue.opens(0.1)


def test_a_503_with_a_wait_shuts_without_teaching_a_limit() -> None:
    """Maintenance is no rate limit."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(503, retry_after=30))
    assert isinstance(dialogue.governor.belief, Unlimited)
    assert pytest.approx(0.05 + 31.0) == dialogue.opens(0.05)


def test_a_503_with_a_wait_does_not_empty_a_window() -> None:
    """What was left is left."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(limit=9, remaining=5))
    dialogue.exchanges(0.1, said(503, retry_after=1, limit=9, remaining=0))
    assert 5 == dialogue.governor.belief.left


def test_a_503_with_a_wait_is_counted_as_a_refusal_and_not_as_a_struggle() -> None:
    """It names the wait, so the wait is the answer to it."""
    dialogue = Dialogue.begun()
    at = dialogue.grows_to(8)
    dialogue.exchanges(at, said(503, retry_after=1))
    assert (1, 8) == (dialogue.state(at).throttled, dialogue.state(at).concurrency)


@pytest.mark.parametrize(
    "headers", [{}, {"retry_after": "soon"}, {"retry_after": 1e9}], ids=["none", "a word", "1e9"]
)
def test_a_503_without_a_wait_is_no_refusal(headers: dict[str, object]) -> None:
    """Nothing is waited for; fewer are in flight."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(503, **headers))
    assert (0, 2) == (dialogue.state(0.1).throttled, dialogue.state(0.1).concurrency)
    assert 0.1 == dialogue.opens(0.1)


def test_the_margin_of_a_503_doubles_up_to_a_minute() -> None:
    """``Retry-After: 0`` from a server that is down for a day is not hammered."""
    dialogue, at, waits = Dialogue.begun(), 0.0, [0.0]
    for _ in range(3000):
        dialogue.exchanges(at, said(503, retry_after=0))
        opens = dialogue.opens(at + 0.05)
        waits.append(round(opens - at - 0.05, 6))
        at = opens
    assert [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] == waits[1:9]
    assert 60.0 == max(waits)


def test_a_wait_of_a_month_is_waited_for_and_a_longer_one_is_not_believed() -> None:
    """The longest that makes sense is 30 days."""
    month = 30 * 86_400
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(429, retry_after=month))
    assert month <= dialogue.opens(0.05) <= month + 2.0
    other = Dialogue.begun()
    other.exchanges(0.0, said(429, retry_after=month + 1))
    assert other.opens(0.05) <= 2.0


def test_a_retry_after_that_is_a_date_is_read_against_the_servers_own_clock() -> None:
    """Whatever ours says."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(
        0.0,
        said(
            429,
            retry_after="Wed, 01 Jan 2020 00:00:30 GMT",
            date="Wed, 01 Jan 2020 00:00:00 GMT",
        ),
    )
    assert 30.05 <= dialogue.opens(0.05) <= 31.1


# Who is in flight


@pytest.mark.parametrize("how", ["answered", "refused", "unanswered", "gone"])
def test_whoever_ends_makes_room(how: str) -> None:
    """However it ends, its slot is free."""
    dialogue = Dialogue.begun(max_concurrency=1)
    sent = dialogue.sends(0.0)
    if how == "gone":
        dialogue.governor.gone(sent)
    elif how == "unanswered":
        dialogue.governor.unanswered(sent)
    else:
        dialogue.hears(0.1, sent, said(200 if how == "answered" else 429))
    assert 0 == dialogue.state(0.1).in_flight
    assert dialogue.opens(0.1) < 2.0


def test_it_takes_no_answer_for_a_token_that_is_free() -> None:
    """No answer says nothing about the limit: the belief stays."""
    dialogue = Dialogue.begun()
    dialogue.governor.unanswered(dialogue.sends(0.0))
    assert isinstance(dialogue.governor.belief, Unlimited)


# What it shows


def test_it_shows_who_is_in_flight_and_who_waits() -> None:
    """The middleware knows who waits."""
    dialogue = Dialogue.begun()
    dialogue.sends_all(0.0, 3)
    state = dialogue.state(0.1, waiting=7)
    assert (3, 7, 4) == (state.in_flight, state.waiting, state.concurrency)


def test_it_shows_all_that_were_refused() -> None:
    """429, and 503 with a wait."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(429))
    dialogue.exchanges(100.0, said(503, retry_after=1))
    dialogue.exchanges(200.0, said(503))
    assert 2 == dialogue.state(300.0).throttled


def test_it_shows_in_how_many_seconds_it_opens() -> None:
    """Counted from now."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(503, retry_after=9))
    assert pytest.approx(7.05) == dialogue.state(3.0).next_allowed_in
    assert 0.0 == dialogue.state(30.0).next_allowed_in


def test_it_shows_no_infinite_wait() -> None:
    """It opens once one has ended, and nobody knows when."""
    dialogue = Dialogue.begun(max_concurrency=1)
    dialogue.sends(0.0)
    assert 0.0 == dialogue.state(1.0).next_allowed_in


def test_it_shows_a_windows_rate_in_the_terms_of_max_rate() -> None:
    """What was learned can be stated next time."""
    server = Window(6, 3.0)
    dialogue = Dialogue.begun()
    at = dialogue.asks_at_best(1000.3, server, 30)
    state = dialogue.state(at)
    assert (2.0, Rate(6, per=3.0), None) == (state.rate, state.window, state.burst)


def test_it_shows_a_buckets_rate_and_burst() -> None:
    """And no window."""
    server = Bucket(steady(4.0), 20)
    dialogue = Dialogue.begun()
    at = dialogue.asks_at_best(1000.3, server, 200)
    state = dialogue.state(at + WAY)
    assert (None, 20) == (state.window, state.burst)
    assert state.rate == pytest.approx(4.0, rel=0.15)
