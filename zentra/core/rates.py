"""Rate limits over all processes: the generic cell rate algorithm, in Redis, or in this process while Redis is away.

An arrival is admitted when the theoretical arrival time is at most ``burst`` intervals ahead of now; each admission
moves that time by one interval. So a key costs one number, however many arrive. Source: ITU-T I.371, annex A.

Without Redis each process keeps the same limit by itself: the whole then is the limit times the number of processes,
and never unlimited.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import redis
import structlog
from django.conf import settings

from zentra.core.telemetry import Counter

_REDIS_TIMEOUT_SECONDS: Final = 0.2
# While Redis is away nobody waits for it more than once in this time.
_LEFT_ALONE_SECONDS: Final = 5.0
_MOST_LOCAL_KEYS: Final = 10_000
_MICROSECONDS: Final = 1_000_000

# Redis's own clock: those of several hosts differ. Times in microseconds.
_ADMIT: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2])
local at = tonumber(redis.call('GET', KEYS[1]) or '0')
if at < now then at = now end
local wait = at + interval - now - tolerance
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', at + interval), 'PX', math.ceil((at + interval - now) / 1000) + 1000)
return 0
"""

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
        """Microseconds between two."""
        return max(1, round(_MICROSECONDS / self.per_second))

    @property
    def tolerance_us(self) -> int:
        """How far ahead the theoretical arrival time may be."""
        return self.interval_us * max(1, self.burst)


class LocalLimiter:
    """The limit within one process. Shared by its threads."""

    def __init__(self, *, stopwatch: Callable[[], float] = time.monotonic) -> None:
        self._stopwatch = stopwatch
        self._times: dict[str, int] = {}
        self._lock = threading.Lock()

    def admit(self, *, key: str, rate: Rate) -> float:
        """Seconds until it would be admitted; 0.0 when it is, and was counted."""
        with self._lock:
            now = round(self._stopwatch() * _MICROSECONDS)
            at = max(self._times.get(key, 0), now)
            wait = at + rate.interval_us - now - rate.tolerance_us
            if wait > 0:
                return wait / _MICROSECONDS
            if len(self._times) >= _MOST_LOCAL_KEYS:
                self._times = {each: time for each, time in self._times.items() if time > now}
            self._times[key] = at + rate.interval_us
            return 0.0


class Limiter:
    """The limit over all processes, as far as Redis can be asked. Shared by threads."""

    def __init__(
        self,
        client: "redis.Redis[bytes]",
        *,
        local: LocalLimiter | None = None,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        self._script = client.register_script(_ADMIT)
        self._local = local or LocalLimiter()
        self._stopwatch = stopwatch
        self._alone_until = 0.0

    def admit(self, *, key: str, rate: Rate) -> float:
        """Seconds until it would be admitted; 0.0 when it is, and was counted. Never raises for what Redis does.

        ``key`` is over all workspaces, so it names the workspace or an id that is unique among them.
        """
        if self._stopwatch() >= self._alone_until:
            try:
                wait = self._script(keys=[f"zentra:rate:{key}"], args=[rate.interval_us, rate.tolerance_us])
                return int(wait) / _MICROSECONDS
            except (redis.RedisError, OSError) as error:
                self._alone_until = self._stopwatch() + _LEFT_ALONE_SECONDS
                log.warning("rates.redis_away", error=str(error))
        LOCAL_LIMITS.add()
        return self._local.admit(key=key, rate=rate)


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
