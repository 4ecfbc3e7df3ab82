"""Replays as people read them: what they cover, and how far they are."""

from collections.abc import Mapping
from datetime import datetime

from console.marks import mark
from console.presenters.accounts import Names, person
from console.presenters.words import NONE, age, dated, grouped, moment, stamp
from console.types import Mark, Proof
from console.types.ledger import Figure
from console.types.replays import ReplayPreviewView, ReplayRow
from webhooks.queries import FAILED, ReplayPreview, ReplayRecord, ReplayScope


def scope_words(scope: ReplayScope, urls: Mapping[str, str]) -> str:
    """A range in one line: "everything that failed · since 21 Nov 14:00 · hooks.example.com"."""
    parts = [_states(scope)]
    if scope.event_type:
        parts.append(scope.event_type)
    if scope.event_id:
        parts.append(f"event …{scope.event_id[-6:]}")
    if scope.since:
        parts.append(f"since {stamp(scope.since)}")
    if scope.until:
        parts.append(f"until {stamp(scope.until)}")
    parts.append(
        urls.get(scope.endpoint_id, f"endpoint …{scope.endpoint_id[-6:]}") if scope.endpoint_id else "every endpoint"
    )
    return " · ".join(parts)


def _states(scope: ReplayScope) -> str:
    if scope.states is None:
        return "everything, also what arrived"
    return "everything that failed" if set(scope.states) == set(FAILED) else ", ".join(scope.states)


def replay_row(record: ReplayRecord, *, base: str, now: datetime, names: Names, urls: Mapping[str, str]) -> ReplayRow:
    """A replay in the list."""
    return ReplayRow(
        replay_id=record.id,
        url=f"{base}webhooks/replays/{record.id}/",
        scope=scope_words(record.scope, urls),
        mark=mark(record.state),
        percent=int(record.percent),
        matched=grouped(record.matched),
        resolved=grouped(record.resolved),
        failed=grouped(record.failed),
        by=person(record.actor, names),
        reason=record.reason,
        moment=moment(record.created_at, now),
    )


def figures(record: ReplayRecord) -> tuple[Figure, ...]:
    """How far it is, and what came of what was sent."""
    left = record.seconds_left
    return (
        Figure("covered", grouped(record.matched), "", "when it started"),
        Figure("put on their way", grouped(record.requested), "", f"at {grouped(record.rate_per_second)} a second"),
        Figure("arrived", grouped(record.resolved), "", f"{grouped(record.waiting)} still on their way"),
        Figure("gave up", grouped(record.failed), "", "kept, ready again", "bad" if record.failed else ""),
        Figure("skipped", grouped(record.skipped), "", _skipped(record)),
        Figure("left", grouped(record.not_requested) if left is None else f"{grouped(left)} s", "", _left(record)),
    )


def _skipped(record: ReplayRecord) -> str:
    if not record.skipped:
        return "none"
    return f"{grouped(record.skipped_disabled)} disabled, {grouped(record.skipped_in_flight)} on their way"


def _left(record: ReplayRecord) -> str:
    if record.state == "running":
        return "at this rate"
    return "not asked for any more" if record.not_requested else "nothing"


def facts(record: ReplayRecord, *, names: Names) -> tuple[Proof, ...]:
    """Who, why, when."""
    ended = f"{dated(record.ended_at)} UTC" if record.ended_at else NONE
    canceled = (
        (Proof("canceled by", person(record.canceled_by, names)), Proof("because", record.cancel_reason))
        if record.canceled_by
        else ()
    )
    return (
        Proof("replay", record.id, record.id),
        Proof("by", person(record.actor, names)),
        Proof("reason", record.reason),
        Proof("started", f"{dated(record.created_at)} UTC"),
        Proof("ended", ended),
        *canceled,
    )


def preview(found: ReplayPreview, *, base: str, now: datetime, urls: Mapping[str, str]) -> ReplayPreviewView:
    """What it would send, before anything is sent."""
    span = NONE
    if found.oldest_at and found.newest_at:
        span = f"{stamp(found.oldest_at)} to {stamp(found.newest_at)}"
    return ReplayPreviewView(
        figures=(
            Figure("would be sent", grouped(found.requestable), "", f"of {grouped(found.matched)} in the range"),
            Figure("takes", _duration(found.seconds_at_rate), "", f"at {grouped(found.rate_per_second)} a second"),
            Figure("oldest", age(now - found.oldest_at) if found.oldest_at else NONE, "", span),
            Figure(
                "left out",
                grouped(found.skipped_disabled + found.in_flight),
                "",
                f"{grouped(found.skipped_disabled)} at disabled endpoints, {grouped(found.in_flight)} on their way",
                "alert" if found.skipped_disabled else "",
            ),
        ),
        endpoints=tuple(
            (urls.get(key, f"…{key[-6:]}"), f"{base}webhooks/endpoints/{key}/", grouped(count))
            for key, count in sorted(found.by_endpoint.items(), key=lambda item: -item[1])
        ),
        states=tuple(_state(key, count) for key, count in sorted(found.by_state.items(), key=lambda item: -item[1])),
        words="Nothing was sent yet. Each keeps its event id, so that a consumer can tell what it had already.",
        may_start=found.requestable > 0,
    )


def _state(key: str, count: int) -> tuple[Mark, str]:
    return mark(key), grouped(count)


def _duration(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
