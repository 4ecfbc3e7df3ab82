"""Rate limits: exact over all processes in Redis, the same in each process while Redis is away, never none."""

from __future__ import annotations

import secrets
import threading
from typing import Any

import pytest
import redis
from django.test import override_settings

from zentra.core.rates import DEFAULTS, Bucket, Limiter, LocalLimiter, Rate, read_policies
from zentra.embedded.ports import free_port

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


# -- Several buckets at once -------------------------------------------------------------------------------------------


def test_all_buckets_admit_an_arrival_or_none_is_spent(redis_url: str) -> None:
    name = secrets.token_hex(8)
    wide, narrow = Bucket(f"{name}:wide", Rate(0.01, 10)), Bucket(f"{name}:narrow", Rate(0.01, 2))
    for limiter in (Limiter(redis.Redis.from_url(redis_url)), LocalLimiter()):
        first = limiter.admit_all([wide, narrow])
        assert (first.is_admitted, [level.remaining for level in first.levels]) == (True, [9, 1])
        assert limiter.admit_all([wide, narrow]).is_admitted

        refused = limiter.admit_all([wide, narrow])
        assert 0 < refused.wait_seconds <= 100
        assert [level.remaining for level in refused.levels] == [8, 0]
        # What was refused has spent nothing of the bucket that had some left.
        assert limiter.admit_all([wide]).levels[0].remaining == 7


def test_two_hundred_callers_at_once_are_admitted_exactly_as_often_as_the_smaller_bucket_allows(redis_url: str) -> None:
    name = secrets.token_hex(8)
    buckets = [Bucket(f"{name}:key", Rate(0.01, 30)), Bucket(f"{name}:tenant", Rate(0.01, 50))]
    limiters = [Limiter(redis.Redis.from_url(redis_url)) for _ in range(10)]
    together, admitted = threading.Barrier(200), []

    def arrive(limiter: Limiter) -> None:
        together.wait()
        admitted.append(limiter.admit_all(buckets).is_admitted)

    threads = [threading.Thread(target=arrive, args=[limiters[n % 10]]) for n in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(admitted), sum(admitted)) == (200, 30)
    assert limiters[0].admit_all(buckets[1:]).levels[0].remaining == 19


def test_a_level_says_when_it_is_full_again() -> None:
    watch = Watch()
    limiter = LocalLimiter(stopwatch=watch)
    for _ in range(3):
        admission = limiter.admit_all([Bucket("a", RATE)])
    assert admission.levels[0].remaining == 2
    assert admission.levels[0].reset_seconds == pytest.approx(0.3)
    watch.now += 0.2
    assert limiter.admit_all([Bucket("a", RATE)]).levels[0].reset_seconds == pytest.approx(0.2)


def test_a_time_that_lies_too_far_ahead_heals_by_itself(redis_url: str) -> None:
    key = secrets.token_hex(8)
    client = redis.Redis.from_url(redis_url)
    seconds, _ = client.time()
    limiter = Limiter(client)
    # The clock of another Redis, an hour ahead; a limit that was lowered; and nonsense.
    for stored, most in ((f"{(seconds + 3600) * 1_000_000}", 0.2), ("nonsense", 0.0), ("", 0.0)):
        client.set(f"zentra:rate:{key}", stored)
        assert limiter.admit(key=key, rate=Rate(10, 5)) <= most


def test_what_redis_holds_under_a_bucket_s_name_never_raises(redis_url: str) -> None:
    key = secrets.token_hex(8)
    client = redis.Redis.from_url(redis_url)
    client.rpush(f"zentra:rate:{key}", "a list")
    assert Limiter(client).admit_all([Bucket(key, RATE)]).is_admitted


# -- While Redis is away -----------------------------------------------------------------------------------------------


def test_without_redis_a_process_keeps_its_share_of_the_limit() -> None:
    nobody = redis.Redis(host="127.0.0.1", port=free_port(), socket_connect_timeout=0.2)
    with override_settings(ZENTRA_API_PROCESSES=4):
        admitted = [Limiter(nobody).admit_all([Bucket("a", Rate(0.01, 40))]).levels[0].remaining for _ in range(2)]
        assert admitted == [9, 9]
        limiter = Limiter(nobody)
        assert sum(limiter.admit(key="a", rate=Rate(0.01, 40)) == 0 for _ in range(50)) == 10
        # A share is never less than one.
        assert sum(limiter.admit(key="b", rate=Rate(0.01, 2)) == 0 for _ in range(50)) == 1


def test_processes_count_each_other_while_redis_is_there(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = redis.Redis.from_url(redis_url)
    client.delete("zentra:rate:processes")
    watch = Watch()
    limiters = [Limiter(client, stopwatch=watch) for _ in range(3)]
    for number, limiter in enumerate(limiters):
        monkeypatch.setattr("os.getpid", lambda number=number: number)
        limiter.admit(key=secrets.token_hex(8), rate=RATE)
    assert [limiter.processes for limiter in limiters] == [1, 2, 3]

    seconds, _ = client.time()
    client.zadd("zentra:rate:processes", dict.fromkeys(client.zrange("zentra:rate:processes", 0, 1), seconds - 31))
    watch.now += 10
    limiters[2].admit(key=secrets.token_hex(8), rate=RATE)
    assert limiters[2].processes == 1


def test_redis_that_dies_half_way_is_noticed_once_and_never_raises(
    monkeypatch: pytest.MonkeyPatch, redis_url: str
) -> None:
    watch = Watch()
    client = redis.Redis.from_url(redis_url)
    limiter = Limiter(client, local=LocalLimiter(stopwatch=watch), stopwatch=watch)
    name = secrets.token_hex(8)
    assert limiter.admit(key=name, rate=RATE) == 0.0
    limiter._processes = 1  # other tests beat here too

    asked = []

    def away(*words: Any, **_options: Any) -> None:
        asked.append(words)
        raise redis.ConnectionError("Connection refused")

    monkeypatch.setattr(client, "execute_command", away)
    assert sum(limiter.admit(key=name, rate=RATE) == 0.0 for _ in range(8)) == 5
    assert limiter.has_mark(key=name) is False
    limiter.keep_mark(key=name, seconds=60)
    assert len(asked) == 1
    monkeypatch.undo()
    watch.now += 6
    assert limiter.admit(key=secrets.token_hex(8), rate=RATE) == 0.0
    limiter.keep_mark(key=name, seconds=60)
    assert limiter.has_mark(key=name) is True


# -- The setting -------------------------------------------------------------------------------------------------------


def test_a_workspace_s_policies_stand_over_the_defaults() -> None:
    policies = read_policies({"read": {"key": [10, 20]}, "write": {"tenant": [7.5, 8]}})

    assert policies["read"].key == Rate(10, 20)
    assert policies["read"].tenant == Rate(30, 60)
    assert (policies["write"].key, policies["write"].tenant) == (DEFAULTS["write"].key, Rate(7.5, 8))
    assert policies["heavy"] == DEFAULTS["heavy"]
    assert read_policies({}) == DEFAULTS


def test_policies_that_make_no_sense_are_refused_with_a_sentence() -> None:
    wrong: list[Any] = [
        None, [], {"reads": {}}, {"read": {}}, {"read": {"keys": [1, 1]}}, {"read": [1, 1]}, {"read": {"key": 5}},
        {"read": {"key": [0, 1]}}, {"read": {"key": [1, 0]}}, {"read": {"key": [1, 1.5]}}, {"read": {"key": [True, 1]}},
        {"read": {"key": [1e9, 1]}}, {"read": {"key": ["1", 1]}}, {"read": {"key": [float("nan"), 1]}},
    ]  # fmt: skip
    for value in wrong:
        with pytest.raises(ValueError, match=r"\.$"):
            read_policies(value)
