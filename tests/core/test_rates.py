"""Rate limits: exact over all processes in Redis, the same in each process while Redis is away, never none."""

from __future__ import annotations

import secrets
import threading

import pytest
import redis

from zentra.core.rates import Limiter, LocalLimiter, Rate

RATE = Rate(per_second=10, burst=5)


class Watch:
    """A stopwatch that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_then_one_an_interval() -> None:
    watch = Watch()
    limiter = LocalLimiter(stopwatch=watch)

    assert [limiter.admit(key="a", rate=RATE) for _ in range(5)] == [0.0] * 5
    assert limiter.admit(key="a", rate=RATE) == pytest.approx(0.1)
    watch.now += 0.05
    assert limiter.admit(key="a", rate=RATE) == pytest.approx(0.05)
    watch.now += 0.05
    assert limiter.admit(key="a", rate=RATE) == 0.0
    assert limiter.admit(key="a", rate=RATE) > 0
    assert limiter.admit(key="b", rate=RATE) == 0.0


def test_a_rest_earns_a_burst_and_not_more() -> None:
    watch = Watch()
    limiter = LocalLimiter(stopwatch=watch)
    limiter.admit(key="a", rate=RATE)
    watch.now += 3600
    assert sum(limiter.admit(key="a", rate=RATE) == 0.0 for _ in range(20)) == 5


def test_redis_admits_no_more_over_many_threads_than_the_limit(redis_url: str) -> None:
    clients = [redis.Redis.from_url(redis_url) for _ in range(4)]
    limiters = [Limiter(client) for client in clients]
    key = secrets.token_hex(8)
    admitted: list[bool] = []
    slow = Rate(per_second=0.01, burst=20)

    def arrive(limiter: Limiter) -> None:
        admitted.extend(limiter.admit(key=key, rate=slow) == 0.0 for _ in range(20))

    threads = [threading.Thread(target=arrive, args=[limiter]) for limiter in limiters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(admitted) == 20
    assert 0 < limiters[0].admit(key=key, rate=slow) <= 100
    assert limiters[0].admit(key=key + "-other", rate=slow) == 0.0
    assert 0 < clients[0].pttl(f"zentra:rate:{key}") <= 20 * 100_000 + 1001
    for client in clients:
        client.close()


def test_without_redis_the_process_limits_by_itself_and_asks_again_later() -> None:
    watch = Watch()
    nobody = redis.Redis(host="127.0.0.1", port=1, socket_timeout=0.2, socket_connect_timeout=0.2)
    limiter = Limiter(nobody, local=LocalLimiter(stopwatch=watch), stopwatch=watch)

    assert [limiter.admit(key="a", rate=RATE) == 0.0 for _ in range(8)] == [True] * 5 + [False] * 3
    watch.now += 6
    assert limiter.admit(key="a", rate=RATE) == 0.0
    nobody.close()
