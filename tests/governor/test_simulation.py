"""Whole runs against servers with limits, on a virtual clock: what the governor promises.

The ideal is a client that knows everything beforehand: it is never idle and never refused.
"""

from __future__ import annotations

import math
import random

import pytest

from tests.depth import STRIDE
from tests.governor.servers import Bucket, Ending, Named, Server, Window, changing, steady
from tests.governor.simulation import BEGINS, IN_FLIGHT, LATENCY, Client, Simulation, Way, at_once

SEEDS = range(0, 3, STRIDE)

WAYS = [
    pytest.param(Way(), id="even"),
    pytest.param(Way(jitter=0.004, connecting=0.1), id="uneven, slow to connect"),
]


def of_window(requests: int, limit: int, period: float) -> float:
    """The seconds that the ideal needs: full windows, and a last one."""
    rest = requests - (math.ceil(requests / limit) - 1) * limit
    return (math.ceil(requests / limit) - 1) * period + math.ceil(rest / IN_FLIGHT) * LATENCY


def of_bucket(requests: int, rate: float, burst: int) -> float:
    """The seconds that the ideal needs: the burst, and then one after the other."""
    return (requests - burst) / rate + LATENCY


def run(server: Server, requests: int, way: Way, seed: int, ideal: float) -> tuple[float, float]:
    """The share of the ideal, and the percent of what was sent that was refused."""
    client = Client(at_once(requests), way=way)
    Simulation(server, [client], seed=seed).run()
    assert (requests, requests) == (client.done, server.let_in), "lost, or doubled"
    return ideal / client.ended, 100 * server.refused / client.sent


# The promises


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("way", WAYS)
def test_a_window_is_used_in_full(way: Way, seed: int) -> None:
    """200 per 2 s."""
    share, refused = run(Window(200, 2.0), 2000, way, seed, of_window(2000, 200, 2.0))
    assert share >= 0.97
    assert refused <= 1.0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("way", WAYS)
def test_a_bucket_is_used_in_full(way: Way, seed: int) -> None:
    """100 a second, burst 20."""
    server = Bucket(steady(100.0), 20, filled=BEGINS)
    share, refused = run(server, 2000, way, seed, of_bucket(2000, 100.0, 20))
    assert share >= 0.97
    assert refused <= 1.0


@pytest.mark.parametrize("named", ["floored", "rounded up"])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("way", WAYS)
def test_waits_in_whole_seconds_cost_little(way: Way, seed: int, named: Named) -> None:
    """60 per 6 s."""
    server = Window(60, 6.0, named=named)
    share, refused = run(server, 600, way, seed, of_window(600, 60, 6.0))
    assert share >= 0.95
    assert refused <= 1.0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("way", WAYS)
def test_a_silent_bucket_is_found_by_what_it_lets_in(way: Way, seed: int) -> None:
    """20 a second, burst 5, and nothing but 429s."""
    server = Bucket(steady(20.0), 5, named="not", headers=False)
    share, refused = run(server, 600, way, seed, of_bucket(600, 20.0, 5))
    assert share >= 0.90
    assert refused <= 5.0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("way", WAYS)
def test_a_rate_that_halves_midway_is_followed(way: Way, seed: int) -> None:
    """100 a second for 10 s, then 50."""
    server = Bucket(changing(100.0, BEGINS + 10.0, 50.0), 20)
    share, refused = run(server, 1500, way, seed, 10.0 + (1500 - 1020) / 50.0)
    assert share >= 0.95
    assert refused <= 2.5


# Servers of other kinds


@pytest.mark.parametrize("ending", ["exactly", "late", "on whole seconds"])
@pytest.mark.parametrize("over", [0, 3], ids=["exact", "below 0"])
@pytest.mark.parametrize("seed", SEEDS)
def test_laravels_caches_cost_at_most_a_second_a_window(
    seed: int, over: int, ending: Ending
) -> None:
    """redis; apc up to a second late; file on a whole second; counters that go below 0.

    Where windows vary, all that went at once were too early, but that happens once.
    """
    server = Window(60, 6.0, ending=ending, over=over, seed=seed)
    share, refused = run(server, 900, Way(), seed, of_window(900, 60 + over, 6.0))
    assert share >= 6.0 / 7.2
    assert refused <= (5.0 if ending == "late" else 2.0)


@pytest.mark.parametrize(("limit", "period"), [(1, 1.0), (5, 3.0), (60, 60.0), (1000, 60.0)])
@pytest.mark.parametrize("seed", SEEDS)
def test_windows_of_any_size_are_learned(seed: int, limit: int, period: float) -> None:
    """With a handful of refusals, whatever the size."""
    server = Window(limit, period)
    requests = 20 * limit if limit < 1000 else 5000
    share, _ = run(server, requests, Way(), seed, of_window(requests, limit, period))
    assert share >= 0.95
    assert server.refused <= 6


@pytest.mark.parametrize("named", ["exactly", "rounded up", "not"])
@pytest.mark.parametrize(
    ("rate", "burst"), [(1.0, 3), (1.0, 60), (2.0, 5), (5.0, 5), (10.0, 10), (20.0, 5), (300.0, 50)]
)
@pytest.mark.parametrize("seed", SEEDS)
def test_buckets_of_any_size_are_learned(seed: int, rate: float, burst: int, named: Named) -> None:
    """However a refusal names its wait; none is taken for a window of many seconds."""
    server = Bucket(steady(rate), burst, named=named, filled=BEGINS)
    requests = burst + round(40 * rate)
    share, refused = run(server, requests, Way(), seed, of_bucket(requests, rate, burst))
    assert share >= 0.8
    assert refused <= 10.0


@pytest.mark.parametrize("latency", [0.2, 0.5])
@pytest.mark.parametrize(("rate", "burst"), [(50.0, 20), (20.0, 5)])
def test_a_bucket_far_away_is_used_in_full(rate: float, burst: int, latency: float) -> None:
    """More is under way than it holds, and each answer finds it nearly full."""
    server, way = Bucket(steady(rate), burst, filled=BEGINS), Way(latency=latency)
    share, refused = run(server, 1000, way, 1, (1000 - burst) / rate + latency)
    assert share >= 0.9
    assert refused <= 1.0


def test_a_fast_server_without_a_limit_is_not_paced() -> None:
    """All slots are in use all the time, but for the first round trips."""
    server = Bucket(steady(1e6), 10**6, headers=False)
    share, refused = run(server, 5000, Way(), 1, 5000 / IN_FLIGHT * (LATENCY + 0.002))
    assert share >= 0.97
    assert refused == 0.0


def test_a_silent_window_loses_nothing() -> None:
    """60 per 6 s, and nothing but 429s: no even pace is ideal for it."""
    server = Window(60, 6.0, named="not", headers=False)
    share, refused = run(server, 600, Way(), 1, of_window(600, 60, 6.0))
    assert share >= 0.6
    assert refused <= 15.0


@pytest.mark.parametrize("seed", SEEDS)
def test_answers_that_get_lost_are_nothing_but_repeated(seed: int) -> None:
    """One in twenty counts and is not answered; nobody waits for it."""
    server = Window(60, 6.0)
    client = Client(at_once(570), lost=lambda number: number % 20 == 0)
    Simulation(server, [client], seed=seed).run()
    assert 570 == client.done
    assert client.ended <= 1.15 * of_window(600, 60, 6.0)
    assert client.refused <= 0.05 * client.sent


# Others


@pytest.mark.parametrize(
    ("limit", "period", "most"), [(60, 6.0, 1.4), (200, 2.0, 4.0), (60, 60.0, 1.4)]
)
@pytest.mark.parametrize("seed", SEEDS)
def test_two_clients_share_a_window(seed: int, limit: int, period: float, most: float) -> None:
    """One key in two processes: both finish, in hardly more time than one for both would need.

    Of a short window the second that a named wait may be rounded by is a large part.
    """
    server = Window(limit, period)
    clients = [Client(at_once(5 * limit)), Client(at_once(5 * limit))]
    ideal = of_window(10 * limit, limit, period)
    Simulation(server, clients, seed=seed, at_most=100 * ideal).run()
    assert [5 * limit] * 2 == [client.done for client in clients]
    assert max(client.ended for client in clients) <= most * ideal
    assert server.refused <= (0.05 if period > 2.0 else 0.5) * server.let_in


@pytest.mark.parametrize("seed", SEEDS)
def test_others_who_open_windows_now_and_then_do_not_confuse_it(seed: int) -> None:
    """A few requests of somebody else, at any time."""
    rng = random.Random(seed)
    others = [rng.uniform(0.0, 100.0) for _ in range(100)]
    server = Window(60, 6.0)
    client = Client(at_once(600))
    Simulation(server, [client], seed=seed, others=others).run()
    assert client.ended <= 1.4 * of_window(700, 60, 6.0)
    assert client.refused <= 0.05 * client.sent


# Days


def hours(*when: float) -> list[float]:
    return [3600.0 * hour for hour in when]


def day(rng: random.Random, burst: int) -> list[float]:
    """Bursts, a trickle all day, somebody who works by hand, and quiet hours."""
    wanted = [at + 0.001 * number for at in hours(0, 3, 9.5, 17, 23) for number in range(burst)]
    wanted += [60.0 * minute + rng.random() for minute in range(1440)]
    for at in hours(10, 11, 14):
        wanted += [at + rng.uniform(0.0, 1800.0) for _ in range(300)]
    return [at for at in sorted(wanted) if not 4 * 3600.0 < at < 9 * 3600.0]


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(Window(60, 60.0), id="window"),
        pytest.param(Window(60, 60.0, named="rounded up"), id="window, rounded up"),
        pytest.param(Bucket(steady(1.0), 60), id="bucket"),
        pytest.param(Bucket(steady(20.0), 5), id="fast bucket"),
    ],
)
def test_a_day_of_mixed_traffic(server: Server) -> None:
    """Hardly any refusals, and nobody waits longer than the limit demands."""
    wanted = day(random.Random(1), 1200)
    client = Client(wanted, way=Way(jitter=0.02))
    Simulation(server, [client], at_most=2 * 86_400.0).run()
    assert len(wanted) == client.done == server.let_in
    assert client.refused <= 0.01 * client.sent
    assert client.longest_wait <= 62.0
    assert client.ended <= 86_400.0 + 1200.0


def test_a_day_with_a_silent_bucket() -> None:
    """More refusals, since they are all it says; nobody is stuck either."""
    wanted = day(random.Random(1), 1200)
    client = Client(wanted, way=Way(jitter=0.02))
    server = Bucket(steady(1.0), 60, named="not", headers=False)
    Simulation(server, [client], at_most=2 * 86_400.0).run()
    assert len(wanted) == client.done
    assert client.refused <= 0.05 * client.sent
    assert client.longest_wait <= 62.0
    assert client.ended <= 86_400.0 + 1200.0


def test_a_day_in_which_others_use_the_key() -> None:
    """They open windows at any time, for hours before ours come."""
    rng = random.Random(1)
    others = [rng.uniform(0.0, 86_400.0) for _ in range(5000)]
    wanted = day(rng, 300)
    client = Client(wanted, way=Way(jitter=0.02))
    Simulation(Window(60, 60.0), [client], others=others, at_most=2 * 86_400.0).run()
    assert len(wanted) == client.done
    assert client.refused <= 0.05 * client.sent
    assert client.longest_wait <= 62.0
    assert client.ended <= 86_400.0 + 1200.0


def test_an_hour_in_which_the_server_is_gone() -> None:
    """It answers nothing; afterwards everything is sent."""
    server = Window(60, 60.0)
    client = Client([float(second) for second in range(0, 7200, 10)], lost=lambda n: 50 < n < 500)
    Simulation(server, [client], at_most=3 * 3600.0).run()
    assert 720 == client.done
