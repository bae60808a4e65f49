"""Whole runs against servers with limits, on a virtual clock: the governor's promises.

The ideal is a client that knows the limit beforehand: it is never idle and never throttled.
"""

from __future__ import annotations

import math
import random

import pytest

from tests.depth import STRIDE
from tests.governor.servers import (
    BucketServer,
    Ending,
    RetryAfter,
    Server,
    WindowServer,
    changing_rate,
    steady_rate,
)
from tests.governor.simulation import (
    LATENCY,
    MAX_IN_FLIGHT,
    START,
    Client,
    Network,
    Simulation,
    at_start,
)

SEEDS = range(0, 3, STRIDE)

NETWORKS = [
    pytest.param(Network(), id="even"),
    pytest.param(Network(jitter=0.004, connecting=0.1), id="uneven, slow to connect"),
]


def ideal_window_seconds(requests: int, limit: int, period: float) -> float:
    """Return the seconds that the ideal needs: full windows, and a last one."""
    rest = requests - (math.ceil(requests / limit) - 1) * limit
    return (math.ceil(requests / limit) - 1) * period + math.ceil(rest / MAX_IN_FLIGHT) * LATENCY


def ideal_bucket_seconds(requests: int, rate: float, burst: int) -> float:
    """Return the seconds that the ideal needs: the burst, then one token after the other."""
    return (requests - burst) / rate + LATENCY


def run(
    server: Server, requests: int, network: Network, seed: int, ideal: float
) -> tuple[float, float]:
    """Return the share of the ideal time, and the percentage of throttled requests."""
    client = Client(at_start(requests), network=network)
    Simulation(server, [client], seed=seed).run()
    assert (client.accepted, server.accepted) == (requests, requests), (
        "requests were lost or doubled"
    )
    return ideal / client.finished_at, 100 * server.throttled / client.sent


# The promises


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("network", NETWORKS)
def test_a_window_is_used_in_full(network: Network, seed: int) -> None:
    """200 per 2 s."""
    share, throttled = run(
        WindowServer(200, 2.0), 2000, network, seed, ideal_window_seconds(2000, 200, 2.0)
    )
    assert share >= 0.97
    assert throttled <= 1.0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("network", NETWORKS)
def test_a_bucket_is_used_in_full(network: Network, seed: int) -> None:
    """100 a second, burst 20."""
    server = BucketServer(steady_rate(100.0), 20, filled=START)
    share, throttled = run(server, 2000, network, seed, ideal_bucket_seconds(2000, 100.0, 20))
    assert share >= 0.97
    assert throttled <= 1.0


@pytest.mark.parametrize("retry_after", ["floored", "rounded up"])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("network", NETWORKS)
def test_delays_in_whole_seconds_cost_little(
    network: Network, seed: int, retry_after: RetryAfter
) -> None:
    """60 per 6 s."""
    server = WindowServer(60, 6.0, retry_after=retry_after)
    share, throttled = run(server, 600, network, seed, ideal_window_seconds(600, 60, 6.0))
    assert share >= 0.95
    assert throttled <= 1.0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("network", NETWORKS)
def test_the_rate_of_a_silent_bucket_is_found_by_the_accepted_requests(
    network: Network, seed: int
) -> None:
    """20 a second, burst 5, and 429s without headers."""
    server = BucketServer(steady_rate(20.0), 5, retry_after="absent", headers=False)
    share, throttled = run(server, 600, network, seed, ideal_bucket_seconds(600, 20.0, 5))
    assert share >= 0.90
    assert throttled <= 5.0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("network", NETWORKS)
def test_a_rate_that_halves_midway_is_followed(network: Network, seed: int) -> None:
    """100 a second for 10 s, then 50."""
    server = BucketServer(changing_rate(100.0, START + 10.0, 50.0), 20)
    share, throttled = run(server, 1500, network, seed, 10.0 + (1500 - 1020) / 50.0)
    assert share >= 0.95
    assert throttled <= 2.5


# Servers of other kinds


@pytest.mark.parametrize("ending", ["exactly", "late", "on whole seconds"])
@pytest.mark.parametrize("overshoot", [0, 3], ids=["exact", "below 0"])
@pytest.mark.parametrize("seed", SEEDS)
def test_laravels_caches_cost_at_most_a_second_a_window(
    seed: int, overshoot: int, ending: Ending
) -> None:
    """redis; apc up to a second late; file on a whole second; counters that go below 0.

    Where windows vary, all that went at once were too early, but that happens once.
    """
    server = WindowServer(60, 6.0, ending=ending, overshoot=overshoot, seed=seed)
    share, throttled = run(
        server, 900, Network(), seed, ideal_window_seconds(900, 60 + overshoot, 6.0)
    )
    assert share >= 6.0 / 7.2
    assert throttled <= (5.0 if ending == "late" else 2.0)


@pytest.mark.parametrize(("limit", "period"), [(1, 1.0), (5, 3.0), (60, 60.0), (1000, 60.0)])
@pytest.mark.parametrize("seed", SEEDS)
def test_windows_of_any_size_are_learned_with_at_most_six_throttles(
    seed: int, limit: int, period: float
) -> None:
    server = WindowServer(limit, period)
    requests = 20 * limit if limit < 1000 else 5000
    share, _ = run(server, requests, Network(), seed, ideal_window_seconds(requests, limit, period))
    assert share >= 0.95
    assert server.throttled <= 6


@pytest.mark.parametrize("retry_after", ["exact", "rounded up", "absent"])
@pytest.mark.parametrize(
    ("rate", "burst"), [(1.0, 3), (1.0, 60), (2.0, 5), (5.0, 5), (10.0, 10), (20.0, 5), (300.0, 50)]
)
@pytest.mark.parametrize("seed", SEEDS)
def test_buckets_of_any_size_are_learned(
    seed: int, rate: float, burst: int, retry_after: RetryAfter
) -> None:
    """However a 429 names the delay; none is mistaken for a window of many seconds."""
    server = BucketServer(steady_rate(rate), burst, retry_after=retry_after, filled=START)
    requests = burst + round(40 * rate)
    share, throttled = run(
        server, requests, Network(), seed, ideal_bucket_seconds(requests, rate, burst)
    )
    assert share >= 0.8
    assert throttled <= 10.0


@pytest.mark.parametrize("latency", [0.2, 0.5])
@pytest.mark.parametrize(("rate", "burst"), [(50.0, 20), (20.0, 5)])
def test_a_distant_bucket_is_used_in_full(rate: float, burst: int, latency: float) -> None:
    """More requests are in flight than it holds, and each response finds it nearly full."""
    server, network = BucketServer(steady_rate(rate), burst, filled=START), Network(latency=latency)
    share, throttled = run(server, 1000, network, 1, (1000 - burst) / rate + latency)
    assert share >= 0.9
    assert throttled <= 1.0


def test_a_fast_server_without_a_limit_is_not_paced() -> None:
    """All slots are in use, except during the first rounds."""
    server = BucketServer(steady_rate(1e6), 10**6, headers=False)
    share, throttled = run(server, 5000, Network(), 1, 5000 / MAX_IN_FLIGHT * (LATENCY + 0.002))
    assert share >= 0.97
    assert throttled == 0.0


def test_a_silent_window_loses_no_request() -> None:
    """60 per 6 s, and 429s without headers: no even pace is ideal for it."""
    server = WindowServer(60, 6.0, retry_after="absent", headers=False)
    share, throttled = run(server, 600, Network(), 1, ideal_window_seconds(600, 60, 6.0))
    assert share >= 0.6
    assert throttled <= 15.0


@pytest.mark.parametrize("seed", SEEDS)
def test_lost_responses_cost_only_their_own_retries(seed: int) -> None:
    """One in twenty is counted by the server, and its response is lost."""
    server = WindowServer(60, 6.0)
    client = Client(at_start(570), loses_response=lambda number: number % 20 == 0)
    Simulation(server, [client], seed=seed).run()
    assert client.accepted == 570
    assert client.finished_at <= 1.15 * ideal_window_seconds(600, 60, 6.0)
    assert client.throttled <= 0.05 * client.sent


# Other clients of the key


@pytest.mark.parametrize(
    ("limit", "period", "most"), [(60, 6.0, 1.4), (200, 2.0, 4.0), (60, 60.0, 1.4)]
)
@pytest.mark.parametrize("seed", SEEDS)
def test_two_clients_share_a_window(seed: int, limit: int, period: float, most: float) -> None:
    """One key in two processes: both finish, in hardly more time than one for both would need.

    Of a short window the second that a named wait may be rounded by is a large part.
    """
    server = WindowServer(limit, period)
    clients = [Client(at_start(5 * limit)), Client(at_start(5 * limit))]
    ideal = ideal_window_seconds(10 * limit, limit, period)
    Simulation(server, clients, seed=seed, max_seconds=100 * ideal).run()
    assert [client.accepted for client in clients] == [5 * limit] * 2
    assert max(client.finished_at for client in clients) <= most * ideal
    assert server.throttled <= (0.05 if period > 2.0 else 0.5) * server.accepted


@pytest.mark.parametrize("seed", SEEDS)
def test_another_client_that_opens_windows_now_and_then_costs_little(seed: int) -> None:
    rng = random.Random(seed)
    others = [rng.uniform(0.0, 100.0) for _ in range(100)]
    server = WindowServer(60, 6.0)
    client = Client(at_start(600))
    Simulation(server, [client], seed=seed, others=others).run()
    assert client.finished_at <= 1.4 * ideal_window_seconds(700, 60, 6.0)
    assert client.throttled <= 0.05 * client.sent


# Whole days


def hours(*when: float) -> list[float]:
    return [3600.0 * hour for hour in when]


def day(rng: random.Random, burst: int) -> list[float]:
    """Return the times of bursts, a trickle all day, manual work, and quiet hours."""
    wanted_at = [at + 0.001 * number for at in hours(0, 3, 9.5, 17, 23) for number in range(burst)]
    wanted_at += [60.0 * minute + rng.random() for minute in range(1440)]
    for at in hours(10, 11, 14):
        wanted_at += [at + rng.uniform(0.0, 1800.0) for _ in range(300)]
    return [at for at in sorted(wanted_at) if not 4 * 3600.0 < at < 9 * 3600.0]


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(WindowServer(60, 60.0), id="window"),
        pytest.param(WindowServer(60, 60.0, retry_after="rounded up"), id="window, rounded up"),
        pytest.param(BucketServer(steady_rate(1.0), 60), id="bucket"),
        pytest.param(BucketServer(steady_rate(20.0), 5), id="fast bucket"),
    ],
)
def test_a_day_of_mixed_traffic_has_few_throttles_and_no_long_waits(server: Server) -> None:
    wanted_at = day(random.Random(1), 1200)
    client = Client(wanted_at, network=Network(jitter=0.02))
    Simulation(server, [client], max_seconds=2 * 86_400.0).run()
    assert len(wanted_at) == client.accepted == server.accepted
    assert client.throttled <= 0.01 * client.sent
    assert client.longest_wait <= 62.0
    assert client.finished_at <= 86_400.0 + 1200.0


def test_a_day_with_a_silent_bucket_has_few_throttles_and_no_long_waits() -> None:
    """More throttles than usual, because the bucket states nothing else."""
    wanted_at = day(random.Random(1), 1200)
    client = Client(wanted_at, network=Network(jitter=0.02))
    server = BucketServer(steady_rate(1.0), 60, retry_after="absent", headers=False)
    Simulation(server, [client], max_seconds=2 * 86_400.0).run()
    assert client.accepted == len(wanted_at)
    assert client.throttled <= 0.05 * client.sent
    assert client.longest_wait <= 62.0
    assert client.finished_at <= 86_400.0 + 1200.0


def test_a_day_with_another_client_of_the_key_has_few_throttles_and_no_long_waits() -> None:
    """It opens windows at any time, for hours before our own requests."""
    rng = random.Random(1)
    others = [rng.uniform(0.0, 86_400.0) for _ in range(5000)]
    wanted_at = day(rng, 300)
    client = Client(wanted_at, network=Network(jitter=0.02))
    Simulation(WindowServer(60, 60.0), [client], others=others, max_seconds=2 * 86_400.0).run()
    assert client.accepted == len(wanted_at)
    assert client.throttled <= 0.05 * client.sent
    assert client.longest_wait <= 62.0
    assert client.finished_at <= 86_400.0 + 1200.0


def test_everything_is_sent_after_an_hour_without_responses() -> None:
    server = WindowServer(60, 60.0)
    client = Client(
        [float(second) for second in range(0, 7200, 10)], loses_response=lambda n: 50 < n < 500
    )
    Simulation(server, [client], max_seconds=3 * 3600.0).run()
    assert client.accepted == 720
