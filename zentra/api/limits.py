"""Whether a proven caller may ask now, and whether an unproven address may go on guessing.

Each request of a credential is counted in two buckets at once: the credential's and its workspace's, by the class of
the route; an end user's in a small one of that customer's own and the workspace's. Each answer to a proven caller says
how both stand (to an end user only the first), in the fields ``RateLimit`` and ``RateLimit-Policy``
(draft-ietf-httpapi-ratelimit-headers, structured fields of RFC 9651). What is refused is not recorded one by one: the
first of a minute is, as ``rate.limited``.

Wrong credentials have a budget per address. Once it is spent, an address is told to wait before the database is asked,
but for credentials that were right lately: whoever guesses does not lock out who shares the address.
"""

import hashlib
import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, Literal

from django.conf import settings
from django.http import HttpRequest

from zentra.api.auth.caller import Caller
from zentra.core.addresses import client_address
from zentra.core.errors import DomainError
from zentra.core.rates import DEFAULTS, Admission, Bucket, LocalLimiter, Policy, Rate, limiter, read_policies
from zentra.core.telemetry import Counter

RateClass = Literal["read", "write", "heavy", "token", "sign_in"]
# A refusal is kept once in this time for each credential and class, over all processes.
RECORD_EVERY_SECONDS: Final = 60
# All that one customer's apps may ask, by the class of the route: no end user spends what is the server's own.
END_USER: Final = Rate(per_second=5, burst=20)
_ONCE: Final = Rate(per_second=1 / RECORD_EVERY_SECONDS, burst=1)
_RIGHT_FOR_SECONDS: Final = 86_400
_MOST_REMEMBERED: Final = 10_000
_BUCKETS: Final = ("credential", "workspace")

RATE_LIMITED: Final = Counter("zentra_api_rate_limited_total", "Requests that were answered 429: their credential's, "
                              "workspace's or address's limit was spent.")  # fmt: skip


class RateLimited(DomainError):
    """The credential, its workspace, or an address that sends wrong credentials asks too often. Nothing was done."""

    code = "rate_limited"
    status = 429
    title = "Too many requests"
    retryable = True

    is_first = False
    """Whether it is the one of its minute that is recorded."""


def admit(request: HttpRequest, caller: Caller, rate_class: RateClass) -> None:
    """Count this request against the limits of the caller's credential and workspace; raises RateLimited."""
    policy = policies_of(caller).get(rate_class) or DEFAULTS["token"]
    if caller.end_user is not None:
        policy = replace(policy, key=END_USER)
    workspace = caller.tenant.id.hex
    # One hash tag, so that both buckets are on one server of a Redis cluster.
    buckets = (
        Bucket(f"{{{workspace}}}:{_whose(caller)}:{rate_class}", policy.key),
        Bucket(f"{{{workspace}}}:{rate_class}", policy.tenant),
    )
    admission = limiter().admit_all(buckets)
    shown = len(_BUCKETS) if caller.end_user is None else 1
    headers = describe(admission, policy, rate_class, shown=shown)
    request.rate_headers = headers  # type: ignore[attr-defined]  # read by ApiMiddleware
    if not admission.is_admitted:
        raise _refusal(admission, buckets, rate_class)


def _whose(caller: Caller) -> str:
    credential = caller.credential_id or caller.actor.id
    if caller.end_user is None:
        return credential
    return f"{credential}:{hashlib.sha256(caller.end_user.customer.encode()).hexdigest()[:16]}"


def policies_of(caller: Caller) -> Mapping[str, Policy]:
    """The limits of each class of routes in the caller's workspace."""
    if not caller.rate_policies:
        return DEFAULTS
    try:
        return read_policies(caller.rate_policies)
    except ValueError:  # written round the settings' own check: the defaults hold
        return DEFAULTS


def describe(admission: Admission, policy: Policy, rate_class: str, *, shown: int = len(_BUCKETS)) -> dict[str, str]:
    """The two fields: what each shown bucket allows, what it has left, and in how many seconds it is full again."""
    left = ", ".join(
        f'"{name}-{rate_class}";r={level.remaining};t={math.ceil(level.reset_seconds)}'
        for name, level in zip(_BUCKETS[:shown], admission.levels[:shown], strict=True)
    )
    return {"RateLimit": left, "RateLimit-Policy": _describe_policy(policy, rate_class, shown)}


@lru_cache(maxsize=256)
def _describe_policy(policy: Policy, rate_class: str, shown: int) -> str:
    rates = zip(_BUCKETS[:shown], (policy.key, policy.tenant)[:shown], strict=True)
    return ", ".join(f'"{name}-{rate_class}";q={rate.burst};w={rate.window_seconds}' for name, rate in rates)


def _refusal(admission: Admission, buckets: tuple[Bucket, Bucket], rate_class: str) -> RateLimited:
    RATE_LIMITED.add()
    spent = 0 if admission.levels[0].remaining < 1 else 1
    rate, name = buckets[spent].rate, _BUCKETS[spent]
    whose = "This credential" if spent == 0 else "This workspace, over all its credentials,"
    refusal = RateLimited(
        f"{whose} may send {rate.per_second:g} requests of the class {rate_class} a second, {rate.burst} at once.",
        rate_class=rate_class, bucket=name, quota=rate.burst, window_seconds=rate.window_seconds,
    )  # fmt: skip
    refusal.retry_after = max(1, math.ceil(admission.wait_seconds))
    key = f"said:{buckets[0].key}"
    refusal.is_first = _said.admit(key=key, rate=_ONCE) == 0.0 and limiter().admit(key=key, rate=_ONCE) == 0.0
    return refusal


_said: Final = LocalLimiter()


# -- Who guesses -------------------------------------------------------------------------------------------------------


def check_address(request: HttpRequest, proof: bytes) -> None:
    """Before the database is asked for a credential: raises RateLimited for an address that guessed too often.

    ``proof`` is a digest of what was shown; one that was right lately passes, from wherever it comes.
    """
    wait = _guesses.wait_of(_network(client_address(request)))
    if wait <= 0 or _right.knows(proof):
        return
    RATE_LIMITED.add()
    refusal = RateLimited("Too many wrong credentials came from this address.")
    refusal.retry_after = max(1, math.ceil(wait))
    raise refusal


def note_wrong(request: HttpRequest) -> None:
    """A credential was wrong: it is counted against its address."""
    _guesses.count(_network(client_address(request)))


def note_right(proof: bytes) -> None:
    """A credential was right: it passes for a day also from an address that guesses."""
    _right.remember(proof)


def forget_right(proof: bytes) -> None:
    """A credential is refused: it passes no more from an address that guesses, until it is right again."""
    _right.forget(proof)


def _network(address: str) -> str:
    """An IPv4 address itself, and the /64 of an IPv6 one: who has one has all of them."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network(f"{address}/64", strict=False))


class Guesses:
    """The addresses whose budget of wrong credentials is spent, as this process knows them. Shared by threads.

    Redis counts over all processes, at each wrong credential; a right one costs a look into a dictionary.
    """

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def wait_of(self, network: str) -> float:
        """Seconds until the next guess from there is looked at; 0.0 or less when it is now."""
        until = self._until.get(network)
        return 0.0 if until is None else until - time.monotonic()

    def count(self, network: str) -> None:
        """One more wrong credential from there."""
        most = settings.ZENTRA_WRONG_CREDENTIALS
        rate = Rate(per_second=most / 60, burst=most)
        admission = limiter().admit_all([Bucket(f"wrong:{network}", rate)])
        if admission.is_admitted and admission.levels[0].remaining > 0:
            return
        now = time.monotonic()
        with self._lock:
            if len(self._until) >= _MOST_REMEMBERED:
                self._until = {each: until for each, until in self._until.items() if until > now}
            self._until[network] = now + (admission.wait_seconds or 1 / rate.per_second)


class RightLately:
    """Digests of credentials that were right within a day: the newest in this process, all of them in Redis."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, proof: bytes) -> None:
        """It was right; Redis is told once in a quarter of the time for which it counts."""
        now = time.monotonic()
        known = self._known.get(proof)
        if known is not None and now - known < _RIGHT_FOR_SECONDS / 4:
            return
        with self._lock:
            self._known[proof] = now
            self._known.move_to_end(proof)
            while len(self._known) > _MOST_REMEMBERED:
                self._known.popitem(last=False)
        limiter().keep_mark(key=_mark_of(proof), seconds=_RIGHT_FOR_SECONDS)

    def forget(self, proof: bytes) -> None:
        """It is refused now; another process that knew it learns so by its own refusal."""
        with self._lock:
            self._known.pop(proof, None)
        limiter().drop_mark(key=_mark_of(proof))

    def knows(self, proof: bytes) -> bool:
        """Whether it was right lately, here or in another process."""
        known = self._known.get(proof)
        if known is not None and time.monotonic() - known < _RIGHT_FOR_SECONDS:
            return True
        return limiter().has_mark(key=_mark_of(proof))


def _mark_of(proof: bytes) -> str:
    # Not the digest that the credential's row keeps.
    return "right:" + hashlib.sha256(b"right lately" + proof).hexdigest()[:32]


_guesses: Final = Guesses()
_right: Final = RightLately()


def limited_facts(error: RateLimited) -> dict[str, Any]:
    """What the record of a refused burst says, beside who and where."""
    return dict(error.extra)
