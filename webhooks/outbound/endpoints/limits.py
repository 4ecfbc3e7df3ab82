"""What the settings of an endpoint may be. The database holds the same bounds as named constraints."""

from collections.abc import Sequence
from typing import Final

from zentra.core.errors import DomainError

API_VERSIONS: Final = ("v2026.04",)
DEFAULT_TIMEOUT_SECONDS: Final = 10
DEFAULT_IN_FLIGHT: Final = 10
MAX_DESCRIPTION: Final = 500
_MAX_TIMEOUT: Final = 30
_MAX_RATE: Final = 1000
_MAX_IN_FLIGHT: Final = 100
_MAX_ATTEMPTS: Final = 20
_MAX_DELAY: Final = 604_800  # a week


class InvalidEndpointTimeout(DomainError):
    """A timeout is 1 to 30 whole seconds."""

    code = "invalid_endpoint_timeout"
    status = 422
    title = "The timeout must be between 1 and 30 seconds"


class InvalidEndpointRate(DomainError):
    """A rate limit is 1 to 1,000 attempts a second, or none."""

    code = "invalid_endpoint_rate"
    status = 422
    title = "The rate limit must be between 1 and 1,000 a second"


class InvalidEndpointInFlight(DomainError):
    """An endpoint takes 1 to 100 attempts at once."""

    code = "invalid_endpoint_in_flight"
    status = 422
    title = "The number of attempts at once must be between 1 and 100"


class InvalidEndpointSchedule(DomainError):
    """A schedule is 1 to 20 delays of 0 to 604,800 whole seconds, one before each attempt."""

    code = "invalid_endpoint_schedule"
    status = 422
    title = "The schedule of attempts cannot be used"


class InvalidEndpointVersion(DomainError):
    """The version to which an endpoint is pinned is one that exists."""

    code = "invalid_endpoint_version"
    status = 422
    title = "There is no such API version"


def check_timeout(seconds: int) -> int:
    """The timeout itself; raises InvalidEndpointTimeout."""
    if not _is_within(seconds, 1, _MAX_TIMEOUT):
        raise InvalidEndpointTimeout(f"{seconds!r:.40} is not 1 to {_MAX_TIMEOUT} seconds.")
    return seconds


def check_rate(per_second: int | None) -> int | None:
    """The rate itself, attempts a second; raises InvalidEndpointRate."""
    if per_second is not None and not _is_within(per_second, 1, _MAX_RATE):
        raise InvalidEndpointRate(f"{per_second!r:.40} is not 1 to {_MAX_RATE} a second.")
    return per_second


def check_in_flight(count: int) -> int:
    """The number itself; raises InvalidEndpointInFlight."""
    if not _is_within(count, 1, _MAX_IN_FLIGHT):
        raise InvalidEndpointInFlight(f"{count!r:.40} is not 1 to {_MAX_IN_FLIGHT}.")
    return count


def check_schedule(delays: Sequence[int] | None) -> list[int] | None:
    """The delays before the attempts, in seconds; None is the workspace's. Raises InvalidEndpointSchedule."""
    if delays is None:
        return None
    if not 1 <= len(delays) <= _MAX_ATTEMPTS:
        raise InvalidEndpointSchedule(f"{len(delays)} is not 1 to {_MAX_ATTEMPTS} attempts.")
    for delay in delays:
        if not _is_within(delay, 0, _MAX_DELAY):
            raise InvalidEndpointSchedule(f"{delay!r:.40} is not 0 to {_MAX_DELAY} seconds.")
    return list(delays)


def check_version(version: str) -> str:
    """The version itself; raises InvalidEndpointVersion."""
    if version not in API_VERSIONS:
        raise InvalidEndpointVersion(f"{version[:40]!r} is not offered; there is {', '.join(API_VERSIONS)}.")
    return version


def check_description(text: str) -> str:
    """A description as far as it is kept; PostgreSQL's text holds no NUL."""
    return text.replace("\x00", "")[:MAX_DESCRIPTION]


def _is_within(value: object, least: int, most: int) -> bool:
    # True is an int to Python, and to nobody else.
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
