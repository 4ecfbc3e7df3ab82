"""Endpoints as people read them: state and health in a line, settings and warnings in words."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from console.marks import mark
from console.presenters.health import share, spark
from console.presenters.words import NONE, age, dated, grouped, percent, stamp, took
from console.types import Mark, Proof
from console.types.endpoints import EndpointRow, Notice
from console.types.ledger import Figure
from webhooks.types import COUNTED_TO, EndpointHealth, EndpointRecord, HealthPoint

# Below this share of what was due, a figure asks for attention.
LOW: Final = 99.0
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "m"))
_BY: Final = {
    "person": "by a person",
    "gone": "because it answered 410",
    "failing": "because nothing but failures came back",
    "unverified": "until it answers its challenge: send a test event",
}


def _counted(number: int) -> str:
    """A count that stops at ``COUNTED_TO``."""
    return f"{grouped(number)}+" if number >= COUNTED_TO else grouped(number)


def state_of(endpoint: EndpointRecord) -> Mark:
    """Enabled, failing, disabled or removed."""
    if endpoint.removed_at is not None:
        return mark("removed")
    if endpoint.state == "disabled":
        return mark("disabled")
    return mark("failing") if endpoint.failing_since is not None else mark("enabled")


def breaker_of(health: EndpointHealth, now: datetime) -> Mark:
    """The circuit breaker: closed lets everything through, open nothing, then one probe at a time."""
    if health.endpoint.state == "disabled":
        return mark("closed circuit", says=NONE)
    if health.breaker != "open":
        return mark("closed circuit", says="closed")
    if health.breaker_until is None or health.breaker_until <= now:
        return mark("probing")
    return mark("open circuit", says=f"open {age(health.breaker_until - now)}")


def events_of(endpoint: EndpointRecord) -> str:
    """What it subscribes to, in a few words."""
    patterns = endpoint.event_filter
    if "*" in patterns:
        return "everything"
    return patterns[0] if len(patterns) == 1 else f"{patterns[0]} +{len(patterns) - 1}"


def endpoint_row(health: EndpointHealth, points: Sequence[HealthPoint], *, base: str, now: datetime) -> EndpointRow:
    """An endpoint in the list."""
    endpoint = health.endpoint
    missed = health.exhausted + health.retained
    return EndpointRow(
        endpoint_id=endpoint.id,
        url=f"{base}webhooks/endpoints/{endpoint.id}/",
        address=endpoint.url,
        description=endpoint.description,
        state=state_of(endpoint),
        events=events_of(endpoint),
        health=share(health.health),
        low=health.health is not None and health.health < LOW,
        spark=spark(points),
        p50=took(health.p50_ms),
        p95=took(health.p95_ms),
        backlog=_counted(health.waiting),
        oldest=age(now - health.oldest_waiting_at) if health.oldest_waiting_at and health.waiting else NONE,
        breaker=breaker_of(health, now),
        missed=_counted(missed) if missed else "",
        missed_url=f"{base}webhooks/replays/new/?endpoint={endpoint.id}",
    )


def room_figures(
    found: Sequence[EndpointHealth], *, resolved: int, first_due: int, value: float | None, now: datetime
) -> tuple[Figure, ...]:
    """The workspace over 24 hours. Health is the operations room's own figure, from the same query."""
    made = sum(each.attempts for each in found)
    failed = sum(each.failed_attempts for each in found)
    waiting = sum(each.waiting for each in found)
    missed = sum(each.exhausted + each.retained for each in found)
    open_breakers = sum(1 for each in found if _is_open(each))
    gone = first_due - sum(each.first_due for each in found)
    return (
        _health_figure(value, resolved, first_due, gone),
        Figure("attempts 24 h", grouped(made), "", f"{grouped(failed)} failed"),
        Figure("backlog", grouped(waiting), "", _oldest(found, now), "alert" if waiting > made and waiting else ""),
        Figure("did not arrive", grouped(missed), "", "kept, ready to replay", "bad" if missed else ""),
        Figure(
            "breakers open",
            grouped(open_breakers),
            "",
            f"of {grouped(len(found))} endpoint{'' if len(found) == 1 else 's'}",
            "bad" if open_breakers else "",
        ),
    )


def _oldest(found: Sequence[EndpointHealth], now: datetime) -> str:
    waiting = [each.oldest_waiting_at for each in found if each.waiting and each.oldest_waiting_at]
    return f"oldest waits {age(now - min(waiting))}" if waiting else "nothing waits"


def _health_figure(value: float | None, resolved: int, first_due: int, gone: int = 0) -> Figure:
    """``gone``: how many of them were due to endpoints that are removed, and so stand in no row of the page."""
    note = f"{grouped(resolved)} of {grouped(first_due)} resolved" if first_due else "nothing was due"
    note += f", {grouped(gone)} of removed endpoints" if gone > 0 else ""
    shown = NONE if value is None else f"{percent(value)} %"
    return Figure("health 24 h", shown, "", note, "alert" if value is not None and value < LOW else "")


def figures(health: EndpointHealth, *, now: datetime) -> tuple[Figure, ...]:
    """One endpoint at a glance."""
    breaker = breaker_of(health, now)
    missed = health.exhausted + health.retained
    oldest = f"oldest {age(now - health.oldest_waiting_at)}" if health.oldest_waiting_at and health.waiting else ""
    return (
        _health_figure(health.health, health.resolved, health.first_due),
        Figure("attempts 24 h", grouped(health.attempts), "", f"{grouped(health.failed_attempts)} failed"),
        Figure("answer p50", took(health.p50_ms), "", f"p95 {took(health.p95_ms)}"),
        Figure("backlog", _counted(health.waiting), "", oldest or "nothing waits"),
        Figure("in flight", grouped(health.in_flight), "", f"at most {health.endpoint.max_in_flight} at once"),
        Figure("breaker", breaker.word, "", _breaker_note(health), "bad" if _is_open(health) else ""),
        Figure("did not arrive", _counted(missed), "", "kept, ready to replay", "bad" if missed else ""),
    )


def _is_open(health: EndpointHealth) -> bool:
    """Whether the breaker holds something back; a disabled endpoint is sent nothing anyway."""
    return health.breaker == "open" and health.endpoint.state == "enabled"


def _breaker_note(health: EndpointHealth) -> str:
    if health.endpoint.state == "disabled":
        return "nothing is sent"
    if health.breaker == "open":
        return f"until {stamp(health.breaker_until)}"
    failures = health.endpoint.consecutive_failures
    return f"{grouped(failures)} failed in a row" if failures else "everything goes through"


def notices(
    health: EndpointHealth, *, now: datetime, disable_after: timedelta | None, replay_url: str
) -> tuple[Notice, ...]:
    """What a person should know before anything else."""
    endpoint = health.endpoint
    said: list[Notice] = []
    missed = health.exhausted + health.retained
    if endpoint.removed_at is not None:
        said.append(
            Notice(
                mark("removed"),
                "This endpoint is removed",
                f"since {stamp(endpoint.removed_at)} UTC. Its history stays; nothing goes there any more.",
            )
        )
    elif endpoint.state == "disabled":
        said.append(_disabled(endpoint, missed, replay_url))
    else:
        if health.breaker == "open":
            said.append(
                Notice(
                    mark("open circuit", says="breaker open"),
                    "The breaker is open",
                    f"{grouped(endpoint.consecutive_failures)} attempts failed in a row. Nothing is sent until"
                    f" {stamp(health.breaker_until)} UTC, then one at a time until one arrives. Nothing is lost.",
                )
            )
        if endpoint.failing_since is not None:
            said.append(_failing(endpoint, now, disable_after))
    return tuple(said)


def _disabled(endpoint: EndpointRecord, missed: int, replay_url: str) -> Notice:
    reason = endpoint.disabled_reason or "no reason was given"
    words = f"since {stamp(endpoint.disabled_at)} UTC: {reason}."
    if missed:
        words += f" {_counted(missed)} deliveries are kept, ready to replay once it is enabled."
    if endpoint.probe_at:
        words += f" It is probed next at {stamp(endpoint.probe_at)} UTC, and enabled when it answers."
    return Notice(
        mark("disabled"),
        f"Disabled {_BY.get(endpoint.disabled_by, '')}".strip(),
        words,
        replay_url if missed else "",
        "What it missed" if missed else "",
    )


def _failing(endpoint: EndpointRecord, now: datetime, disable_after: timedelta | None) -> Notice:
    since = endpoint.failing_since or now
    end = ""
    if disable_after is not None:
        left = since + disable_after - now
        end = f" It is disabled by itself in {age(left)} unless something arrives." if left > timedelta(0) else ""
    return Notice(
        mark("failing"),
        "Nothing but failures",
        f"for {age(now - since)}, {grouped(endpoint.consecutive_failures)} in a row.{end}",
    )


def settings(endpoint: EndpointRecord, *, schedule: str) -> tuple[Proof, ...]:
    """The settings in words."""
    return (
        Proof(
            "events",
            ", ".join(endpoint.event_filter) if "*" not in endpoint.event_filter else "everything that is delivered",
        ),
        Proof("rate", f"{grouped(endpoint.rate_per_second)} a second" if endpoint.rate_per_second else "no limit"),
        Proof("in flight", f"{endpoint.max_in_flight} at once"),
        Proof("timeout", f"{endpoint.timeout_seconds} s"),
        Proof("schedule", schedule),
        Proof("version", endpoint.api_version),
    )


def facts(endpoint: EndpointRecord) -> tuple[Proof, ...]:
    """Who and when."""
    return (
        Proof("endpoint", endpoint.id, endpoint.id),
        Proof("URL", endpoint.url, endpoint.url),
        Proof("created", f"{dated(endpoint.created_at)} UTC"),
        Proof("changed", f"{dated(endpoint.changed_at)} UTC" if endpoint.changed_at else NONE),
        Proof("revision", str(endpoint.version)),
    )


def schedule_words(delays: Sequence[int]) -> str:
    """Delays before each attempt as people write them: "0, 5 s, 5 m, 2 h"."""
    return ", ".join(delay_words(seconds) for seconds in delays)


def delay_words(seconds: int) -> str:
    """A delay in its largest whole unit."""
    for size, unit in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s" if seconds else "0"
