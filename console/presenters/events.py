"""Recorded events as people read them: the name, one line of what it says, who said it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from console.marks import event_tone
from console.presenters.words import clock, delta, grouped, shorten, took
from console.types import EventRow, StepView, TapeItem
from evidence.catalogue import CATALOGUE
from evidence.types import RecordedEvent
from zentra.core.clock import iso

Data = Mapping[str, Any]

# Of the names under which one fact is announced, the one that says most comes first.
_SPECIFIC: Final = ("ledger.reserved", "ledger.reversed")


@dataclass(frozen=True)
class ReadEvent:
    """An event with its body parsed once."""

    record: RecordedEvent

    @cached_property
    def body(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.record.body)
        return parsed

    @property
    def data(self) -> Data:
        found = self.body.get("data")
        return found if isinstance(found, dict) else {}

    @property
    def name(self) -> str:
        """The most specific name under which it is announced."""
        return next((name for name in _SPECIFIC if name in self.record.names), self.record.type)

    @property
    def at(self) -> datetime:
        """When it happened, as its bytes say."""
        return datetime.fromisoformat(self.body["occurred_at"])

    @property
    def who(self) -> str:
        return str(self.body["actor"]["id"])

    @property
    def words(self) -> str:
        return describe(self.name, self.data)


def describe(name: str, data: Data) -> str:
    """One line of what an event says."""
    teller = _TELLERS.get(name) or _TELLERS.get(name.partition(".")[0]) or _plain
    return teller(data)


def _plain(data: Data) -> str:
    for key in ("reason", "detail", "state", "outcome", "action"):
        if isinstance(data.get(key), str) and data[key]:
            return str(data[key])
    return ""


def _join(*parts: object) -> str:
    return " · ".join(str(part) for part in parts if part not in (None, "", (), []))


def _amount(data: Data) -> str:
    amount = data.get("amount_minor")
    return f"{grouped(amount)} {data.get('currency', '')}".strip() if isinstance(amount, int) else ""


def _ingress(data: Data) -> str:
    key = data.get("idempotency_key")
    return _join(
        f"schema {data['schema']}" if data.get("schema") else "",
        _amount(data),
        f"idem {shorten(str(key), head=18)}" if key else "",
    )


def _policy(data: Data) -> str:
    version = data.get("rule_set_version") or data.get("version") or data.get("rule_set")
    checks = "limit_check.passed" if data.get("limit_check") == "passed" or data.get("limits") == "passed" else ""
    return _join(
        data.get("reason") or checks or data.get("rule"),
        f"rule set {version}" if isinstance(version, int | str) else "",
    )


def _posting(data: Data) -> str:
    entries = data.get("entries")
    total = ""
    if isinstance(entries, list) and entries:
        amount = sum(entry.get("amount_minor", 0) for entry in entries if entry.get("direction") == "debit")
        total = f"{grouped(amount)} {entries[0].get('currency', '')} minor units".replace("  ", " ")
    hash_ = data.get("entry_hash")
    return _join(data.get("purpose"), total, f"hash {shorten(str(hash_), head=8, tail=4)}" if hash_ else "")


def _route(data: Data) -> str:
    corridor = data.get("corridor")
    place = ""
    if isinstance(corridor, dict):
        place = f"corridor {corridor.get('source', '?')} → {corridor.get('destination', '?')}"
    return _join(
        place, data.get("rail") or data.get("rail_name") or data.get("chosen"), data.get("why") or data.get("reason")
    )


def _provider(data: Data) -> str:
    took_ms = data.get("duration_ms")
    return _join(
        data.get("rail") or data.get("rail_name"),
        data.get("reason") or data.get("detail") or data.get("code"),
        data.get("provider_reference"),
        took(took_ms) if isinstance(took_ms, int) else "",
    )


def _delivery(data: Data) -> str:
    number = data.get("attempt") or data.get("attempts") or data.get("number")
    took_ms = data.get("duration_ms")
    return _join(
        data.get("event_type"),
        f"attempt {number:02d}" if isinstance(number, int) else "",
        data.get("status") or data.get("response_status") or data.get("error_class") or data.get("error"),
        took(took_ms) if isinstance(took_ms, int) else "",
    )


def _review(data: Data) -> str:
    return _join(data.get("owner_name") or data.get("owner"), data.get("decision"), data.get("reason"))


def _sealed(data: Data) -> str:
    size = data.get("tree_size") or data.get("checkpoint_size")
    revision = data.get("revision")
    digest = data.get("packet_sha256")
    return _join(
        f"revision {revision}" if revision else "",
        f"tree {grouped(size)}" if isinstance(size, int) else "",
        shorten(str(digest), head=8) if digest else "",
    )


def _denied(data: Data) -> str:
    return _join(data.get("action"), data.get("reason") or data.get("code"))


_TELLERS: Final[dict[str, Callable[[Data], str]]] = {
    "ingress": _ingress,
    "policy": _policy,
    "ledger": _posting,
    "posting": _posting,
    "provider.routed": _route,
    "provider.failover": _route,
    "provider": _provider,
    "webhook": _delivery,
    "review": _review,
    "evidence.sealed": _sealed,
    "access": _denied,
}


def tape_item(event: ReadEvent, *, intent_url: str) -> TapeItem:
    """The event on the tape."""
    record = event.record
    return TapeItem(
        time=clock(event.at),
        type=event.name,
        tone=event_tone(event.name),
        subject=record.intent_id or "",
        url=intent_url if record.intent_id else "",
        detail=event.words,
    )


def event_row(event: ReadEvent, *, url: str, intent_url: str) -> EventRow:
    """The event in a list."""
    record = event.record
    known = CATALOGUE.get(event.name)
    return EventRow(
        event_id=record.id,
        url=url,
        type=event.name,
        title=known.title if known else event.name,
        tone=event_tone(event.name),
        sequence=grouped(record.index) if record.index is not None else "—",
        who=event.who,
        subject=record.intent_id or "",
        subject_url=intent_url if record.intent_id else "",
        detail=event.words,
        time=f"{event.at:%d %b} {clock(event.at)}",
        iso=iso(event.at),
    )


def timeline(events: Sequence[ReadEvent], *, event_url: Callable[[str], str], sealed: bool) -> tuple[StepView, ...]:
    """The handoff: every event in order with Δt since the first, repeats of one kind folded into the last of them."""
    if not events:
        return ()
    start = events[0].at
    steps: list[StepView] = []
    folded = 1
    for position, event in enumerate(events):
        following = events[position + 1] if position + 1 < len(events) else None
        if following is not None and following.name == event.name:
            folded += 1
            continue
        words = _join(f"× {folded}" if folded > 1 else "", event.words)
        steps.append(
            StepView(
                type=event.name,
                tone=event_tone(event.name),
                words=words,
                who=event.who,
                delta=delta(start, event.at),
                iso=iso(event.at),
                url=event_url(event.record.id),
            )
        )
        folded = 1
    if not sealed:
        steps.append(StepView(type="evidence.sealed", tone="quiet", words="", who="", done=False))
    return tuple(steps)
