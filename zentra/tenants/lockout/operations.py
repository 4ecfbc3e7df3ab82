"""Count tries of a password. What is counted is given back when the password was right."""

import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core.actors import ANONYMOUS
from zentra.core.errors import DomainError
from zentra.core.rates import Bucket, Rate, limiter
from zentra.core.tenancy import tenant_work
from zentra.tenants.lockout.devices import account_mark
from zentra.tenants.queries import platform_ref

DEVICE: Final = Rate(per_second=1 / 30, burst=10)
"""Of a browser in which the person signed in before."""
PAIR: Final = Rate(per_second=1 / 60, burst=5)
"""Of one account from one address. Slower than the next, so that one address alone never spends it."""
ACCOUNT: Final = Rate(per_second=1 / 30, burst=20)
"""Of one account from everywhere, browsers that are known aside."""
ADDRESS: Final = Rate(per_second=5, burst=200)
"""Of one address, whatever the account: what checking passwords may cost us, far above what an office needs."""
RECORDED: Final = Rate(per_second=1, burst=60)
"""Failures that are written down, over the whole installation: the log is for ever and nobody fills it by guessing."""

_SCOPES: Final = ("address and account", "account", "address")
_QUIET_SECONDS: Final = 60


class SignInLimited(DomainError):
    """So many wrong passwords that none is looked at for a while. Said the same of accounts that do not exist."""

    code = "sign_in_limited"
    status = 429
    title = "Too many tries"
    retryable = True


@dataclass(frozen=True, slots=True)
class Try:
    """A try that was counted."""

    buckets: tuple[Bucket, ...]


def begin_try(*, email: str, address: str, device: str, now: datetime) -> Try:
    """Count a try before the password is looked at; ``device`` is empty for a browser that is not known.

    Raises:
        SignInLimited: none is looked at now; ``retry_after`` says for how many seconds.
    """
    buckets = _buckets(email, address, device)
    admission = limiter().admit_all(buckets)
    if not admission.is_admitted:
        spent = next((place for place, level in enumerate(admission.levels) if not level.remaining), 0)
        _record_limited(buckets[spent].key, "device" if device else _SCOPES[spent], now)
        refusal = SignInLimited("Wait a while, or set another password by mail.")
        refusal.retry_after = math.ceil(admission.wait_seconds)
        raise refusal
    return Try(buckets)


def give_back(*, attempt: Try) -> None:
    """The password was right: the try does not count. Those that were wrong before still do."""
    limiter().give_back(attempt.buckets)


def forget_tries(*, email: str, devices: tuple[str, ...] = ()) -> None:
    """Unlock an account, after its person proved by mail who they are. Tries of an address alone stay counted."""
    account = account_mark(email)
    limiter().forget_all([f"sign_in:account:{account}", *(f"sign_in:device:{account}:{each}" for each in devices)])
    limiter().forget_under(f"sign_in:pair:{account}:")


def may_record(*, kind: str) -> bool:
    """Whether one more failure is written down."""
    return limiter().admit(key=f"sign_in:recorded:{kind}", rate=RECORDED) == 0.0


def _buckets(email: str, address: str, device: str) -> tuple[Bucket, ...]:
    account, place = account_mark(email), _network(address)
    if device:
        return (Bucket(f"sign_in:device:{account}:{device}", DEVICE),)
    return (
        Bucket(f"sign_in:pair:{account}:{place}", PAIR),
        Bucket(f"sign_in:account:{account}", ACCOUNT),
        Bucket(f"sign_in:address:{place}", ADDRESS),
    )


def _network(address: str) -> str:
    """An IPv4 address; of IPv6 the /64, since a whole one is given to whoever asks for one address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def _record_limited(key: str, scope: str, now: datetime) -> None:
    """At most once a minute for one bucket, and as often as failures altogether."""
    mark = f"told:{key}"
    if limiter().has_mark(key=mark) or not may_record(kind="limited"):
        return
    limiter().keep_mark(key=mark, seconds=_QUIET_SECONDS)
    with tenant_work(platform_ref()):
        record_events(events=[NewEvent(type="sign_in.limited", actor=ANONYMOUS, data={"scope": scope})], now=now)
