"""Rate limits over all processes: the generic cell rate algorithm, in Redis, or in this process while Redis is away.

An arrival is admitted when the theoretical arrival time is at most ``burst`` intervals ahead of now; each admission
moves that time by one interval. So a bucket costs one number, however many arrive. Source: ITU-T I.371, annex A.

One script asks all buckets of an arrival at once: all admit it, or none is spent. A stored time that lies further ahead
than its bucket allows (the limit was lowered, Redis's clock went back) counts as a spent bucket, so it heals by itself.

Without Redis each process keeps its share of the limit: the limit divided by the number of processes, which is what
they counted in Redis while it was there, at least ``ZENTRA_API_PROCESSES``. Nothing here raises for what Redis does.
"""

import math
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from zentra.core.telemetry import Counter

_REDIS_TIMEOUT_SECONDS: Final = 0.2
# While Redis is away nobody waits for it more than once in this time.
_LEFT_ALONE_SECONDS: Final = 5.0
_BEAT_SECONDS: Final = 10.0
_MOST_LOCAL_KEYS: Final = 10_000
_MICROSECONDS: Final = 1_000_000
_PROCESSES: Final = "zentra:rate:processes"

# Redis's own clock: those of several hosts differ. Times in microseconds. The answer: how long to wait, then for each
# bucket how far its theoretical arrival time lies ahead.
_ADMIT: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local stored = redis.call('MGET', unpack(KEYS))
local answer = {0}
for n = 1, #KEYS do
  local interval, tolerance = tonumber(ARGV[2 * n - 1]), tonumber(ARGV[2 * n])
  local at = tonumber(stored[n] or '') or now
  if at < now then at = now elseif at > now + tolerance then at = now + tolerance end
  answer[n + 1] = at - now
  local wait = at + interval - now - tolerance
  if wait > answer[1] then answer[1] = wait end
end
if answer[1] > 0 then return answer end
for n = 1, #KEYS do
  local ahead = answer[n + 1] + tonumber(ARGV[2 * n - 1])
  redis.call('SET', KEYS[n], string.format('%.0f', now + ahead), 'PX', math.ceil(ahead / 1000) + 1000)
  answer[n + 1] = ahead
end
return answer
"""
_GIVE_BACK: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
for n = 1, #KEYS do
  local at = tonumber(redis.call('GET', KEYS[n]) or '')
  if at then
    local ahead = at - tonumber(ARGV[n]) - now
    if ahead <= 0 then
      redis.call('DEL', KEYS[n])
    else
      redis.call('SET', KEYS[n], string.format('%.0f', now + ahead), 'PX', math.ceil(ahead / 1000) + 1000)
    end
  end
end
return 0
"""
_BEAT: Final = """
local now = redis.call('TIME')[1]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 3 * ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('EXPIRE', KEYS[1], 10 * ARGV[2])
return redis.call('ZCARD', KEYS[1])
"""

_TENANT_FACTOR: Final = 3
_BOUNDS: Final = (0.1, 100_000)

LOCAL_LIMITS: Final = Counter(
    "zentra_rate_limits_local_total", "Arrivals that this process limited by itself, because Redis was away."
)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second in the long run, and ``burst`` at once after a rest."""

    per_second: float
    burst: int

    @property
    def interval_us(self) -> int:
        """Microseconds between two, rounded down: what is promised is what one gets."""
        return max(1, int(_MICROSECONDS / self.per_second))

    @property
    def tolerance_us(self) -> int:
        """How far ahead the theoretical arrival time may be."""
        return self.interval_us * max(1, self.burst)

    @property
    def window_seconds(self) -> int:
        """In which time a spent burst is whole again, rounded up."""
        return max(1, math.ceil(self.tolerance_us / _MICROSECONDS))

    def times(self, factor: float) -> "Rate":
        """This rate for so many, or for a part; the burst is at least one."""
        return Rate(per_second=self.per_second * factor, burst=max(1, int(self.burst * factor)))


@dataclass(frozen=True, slots=True)
class Policy:
    """What one class of routes allows a credential, and its whole workspace."""

    key: Rate
    tenant: Rate


def _default(per_second: float, burst: int) -> Policy:
    key = Rate(per_second, burst)
    return Policy(key=key, tenant=key.times(_TENANT_FACTOR))


DEFAULTS: Final[Mapping[str, Policy]] = {
    "read": _default(200, 400),
    "write": _default(300, 600),
    "heavy": _default(5, 20),
    "token": _default(10, 30),
}


def read_policies(value: Any) -> dict[str, Policy]:
    """The policies of a workspace from its setting ``rate_policies``, the defaults where it says nothing.

    ``{"read": {"key": [per_second, burst], "tenant": [per_second, burst]}}``; a class without a ``tenant`` gives the
    workspace three times what it gives a key. Raises ValueError with a sentence that says what is wrong.
    """
    if not isinstance(value, Mapping) or not set(value) <= set(DEFAULTS):
        raise ValueError(f"The classes are {', '.join(DEFAULTS)}.")
    return {**DEFAULTS, **{name: _read_policy(name, value[name]) for name in value}}


def _read_policy(name: str, value: Any) -> Policy:
    if not isinstance(value, Mapping) or not value or not set(value) <= {"key", "tenant"}:
        raise ValueError(f"{name} has a rate for key, for tenant, or for both.")
    key = _read_rate(f"{name}.key", value["key"]) if "key" in value else DEFAULTS[name].key
    tenant = _read_rate(f"{name}.tenant", value["tenant"]) if "tenant" in value else key.times(_TENANT_FACTOR)
    return Policy(key=key, tenant=tenant)


def _read_rate(name: str, value: Any) -> Rate:
    least, most = _BOUNDS
    if not isinstance(value, list | tuple) or len(value) != 2 or any(isinstance(each, bool) for each in value):
        raise ValueError(f"{name} is [a second, at once].")
    per_second, burst = value
    if not isinstance(per_second, int | float) or not least <= per_second <= most:
        raise ValueError(f"{name}: a second, {least} to {most}.")
    if not isinstance(burst, int) or not 1 <= burst <= most:
        raise ValueError(f"{name}: at once, a whole number of 1 to {most}.")
    return Rate(per_second=per_second, burst=burst)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A rate and whom it holds for. ``key`` is over all workspaces, so it names one, or an id unique among them."""

    key: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class Level:
    """What a bucket has left, and in how many seconds it is full again."""

    remaining: int
    reset_seconds: float


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether an arrival was admitted, and how its buckets stand; a refused arrival has spent nothing."""

    wait_seconds: float
    levels: tuple[Level, ...]

    @property
    def is_admitted(self) -> bool:
        """Whether it was, and was counted."""
        return self.wait_seconds == 0.0


class LocalLimiter:
    """The limit within one process. Shared by its threads."""

    def __init__(self, *, stopwatch: Callable[[], float] = time.monotonic) -> None:
        self._stopwatch = stopwatch
        self._times: dict[str, int] = {}
        self._lock = threading.Lock()

    def admit_all(self, buckets: Sequence[Bucket]) -> Admission:
        """Admitted by each of these buckets and counted in each, or by none."""
        with self._lock:
            now = round(self._stopwatch() * _MICROSECONDS)
            ahead = [min(max(self._times.get(bucket.key, 0) - now, 0), bucket.rate.tolerance_us) for bucket in buckets]
            wait = max(_wait(bucket.rate, each) for bucket, each in zip(buckets, ahead, strict=True))
            if wait <= 0:
                if len(self._times) >= _MOST_LOCAL_KEYS:
                    self._times = {each: at for each, at in self._times.items() if at > now}
                ahead = [each + bucket.rate.interval_us for bucket, each in zip(buckets, ahead, strict=True)]
                self._times.update((bucket.key, now + each) for bucket, each in zip(buckets, ahead, strict=True))
            return _admission(buckets, wait, ahead)

    def admit(self, *, key: str, rate: Rate) -> float:
        """Seconds until it would be admitted; 0.0 when it is, and was counted."""
        return self.admit_all([Bucket(key, rate)]).wait_seconds

    def give_back(self, buckets: Sequence[Bucket]) -> None:
        """An arrival that was counted in these does not count after all."""
        with self._lock:
            for bucket in buckets:
                if bucket.key in self._times:
                    self._times[bucket.key] -= bucket.rate.interval_us

    def forget_under(self, prefix: str) -> None:
        """Empty the buckets whose keys begin so."""
        with self._lock:
            self._times = {key: at for key, at in self._times.items() if not key.startswith(prefix)}


class Limiter:
    """The limit over all processes, as far as Redis can be asked. Shared by threads; never raises for what it does."""

    def __init__(
        self,
        client: "redis.Redis[bytes]",
        *,
        local: LocalLimiter | None = None,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        # Once more at once, for a connection that a restarted Redis has forgotten; waiting longer is no use here.
        client.set_retry(Retry(NoBackoff(), 1))  # type: ignore[attr-defined]  # newer than the stubs
        self._client = client
        self._admit = client.register_script(_ADMIT)
        self._beat = client.register_script(_BEAT)
        self._give_back = client.register_script(_GIVE_BACK)
        self._local = local or LocalLimiter(stopwatch=stopwatch)
        self._stopwatch = stopwatch
        self._alone_until = 0.0
        self._beat_at = -math.inf
        self._processes = 1

    def admit_all(self, buckets: Sequence[Bucket]) -> Admission:
        """Admitted by each of these buckets and counted in each, or by none; at least one bucket."""
        if self._stopwatch() >= self._alone_until:
            try:
                self._beat_if_due()
                keys = [f"zentra:rate:{bucket.key}" for bucket in buckets]
                numbers = [each for bucket in buckets for each in (bucket.rate.interval_us, bucket.rate.tolerance_us)]
                wait, *ahead = self._admit(keys=keys, args=numbers)
                return _admission(buckets, int(wait), [int(each) for each in ahead])
            except (redis.RedisError, OSError) as error:
                self._leave_alone(error)
        LOCAL_LIMITS.add()
        share = 1 / self.processes
        return self._local.admit_all([Bucket(bucket.key, bucket.rate.times(share)) for bucket in buckets])

    def admit(self, *, key: str, rate: Rate) -> float:
        """Seconds until it would be admitted; 0.0 when it is, and was counted."""
        return self.admit_all([Bucket(key, rate)]).wait_seconds

    def give_back(self, buckets: Sequence[Bucket]) -> None:
        """An arrival that was counted in each of these does not count after all."""
        self._local.give_back(buckets)
        self._ask_mark(
            lambda: self._give_back(
                keys=[f"zentra:rate:{bucket.key}" for bucket in buckets],
                args=[bucket.rate.interval_us for bucket in buckets],
            )
        )

    def forget_all(self, keys: Sequence[str]) -> None:
        """Empty these buckets."""
        for key in keys:
            self._local.forget_under(key)
        self._ask_mark(lambda: self._client.delete(*(f"zentra:rate:{key}" for key in keys)))

    def forget_under(self, prefix: str) -> None:
        """Empty the buckets whose keys begin so; it walks over all of them, so it is for rare occasions."""
        self._local.forget_under(prefix)
        self._ask_mark(lambda: [self._client.delete(key) for key in self._client.scan_iter(f"zentra:rate:{prefix}*")])

    def keep_mark(self, *, key: str, seconds: int) -> None:
        """Mark something for all processes for so long; nothing happens while Redis is away."""
        self._ask_mark(lambda: self._client.set(f"zentra:rate:{key}", 1, ex=seconds))

    def drop_mark(self, *, key: str) -> None:
        """Take a mark away for all processes; nothing happens while Redis is away."""
        self._ask_mark(lambda: self._client.delete(f"zentra:rate:{key}"))

    def has_mark(self, *, key: str) -> bool:
        """Whether it is marked; no while Redis is away."""
        return bool(self._ask_mark(lambda: self._client.exists(f"zentra:rate:{key}")))

    def _ask_mark(self, ask: Callable[[], Any]) -> Any:
        if self._stopwatch() < self._alone_until:
            return None
        try:
            return ask()
        except (redis.RedisError, OSError) as error:
            self._leave_alone(error)
            return None

    def _leave_alone(self, error: Exception) -> None:
        self._alone_until = self._stopwatch() + _LEFT_ALONE_SECONDS
        log.warning("rates.redis_away", error=str(error), processes=self.processes)

    @property
    def processes(self) -> int:
        """How many processes share a limit: those that beat in Redis lately, and at least what the setting says."""
        return max(self._processes, settings.ZENTRA_API_PROCESSES)

    def _beat_if_due(self) -> None:
        now = self._stopwatch()
        if now - self._beat_at >= _BEAT_SECONDS:
            self._beat_at = now
            # Named when it beats and not when it is made: a process may have been forked in between.
            name = f"{socket.gethostname()}:{os.getpid()}"
            self._processes = int(self._beat(keys=[_PROCESSES], args=[name, int(_BEAT_SECONDS)]))


def _wait(rate: Rate, ahead_us: int) -> int:
    return ahead_us + rate.interval_us - rate.tolerance_us


def _admission(buckets: Sequence[Bucket], wait_us: int, ahead_us: Sequence[int]) -> Admission:
    levels = tuple(
        Level(
            remaining=(bucket.rate.tolerance_us - ahead) // bucket.rate.interval_us, reset_seconds=ahead / _MICROSECONDS
        )
        for bucket, ahead in zip(buckets, ahead_us, strict=True)
    )
    return Admission(max(0, wait_us) / _MICROSECONDS, levels)


@cache
def limiter() -> Limiter:
    """The limiter of this process."""
    return Limiter(
        redis.Redis.from_url(
            settings.ZENTRA_REDIS_URL,
            socket_timeout=_REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=_REDIS_TIMEOUT_SECONDS,
        )
    )
