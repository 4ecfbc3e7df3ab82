"""Recorded events as people read them: the name, one line of what it says, who said it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from console.marks import event_tone
from console.presenters.words import clock, delta, grouped, shorten, took
from console.types import StepView, TapeItem
from console.types.events import EventRow
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
    def actor_id(self) -> str:
        """Whose act it is."""
        return str(self.body["actor"]["id"])

    @property
    def who(self) -> str:
        """The service, or a short form of whoever it was."""
        actor = self.actor_id
        return actor if len(actor) <= 16 else f"{actor.partition('_')[0]}_…{actor[-4:]}"

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
    key = str(data.get("idempotency_key") or "")
    schema = f"schema {data['schema']}" if data.get("schema") else ""
    return _join(schema, _amount(data), f"idem {shorten(key, head=18)}" if key else "") or _plain(data)


def _policy(data: Data) -> str:
    version = data.get("rule_set") or data.get("version")
    lane = f"lane {data['lane']}" if data.get("lane") else ""
    return _join(data.get("summary"), f"rule set {version}" if version else "", lane)


def _posting(data: Data) -> str:
    entries = data.get("entries")
    first = entries[0] if isinstance(entries, list) and entries else {}
    amount = first.get("amount_minor") or data.get("amount_minor") or data.get("minor_units")
    moved = f"{data.get('debit_account', '')} → {data.get('credit_account', '')}" if data.get("debit_account") else ""
    count = f"{len(entries)} entries" if isinstance(entries, list) and len(entries) > 2 else ""
    words = f"{grouped(amount)} {data.get('currency', '')}" if isinstance(amount, int) else ""
    return _join(
        words, moved, count, f"hash {shorten(str(data['entry_hash']), head=8)}" if data.get("entry_hash") else ""
    )


def _export(data: Data) -> str:
    return _join(f"{data.get('entries')} entries", data.get("currency"))


def _route(data: Data) -> str:
    number = data.get("attempt")
    failover = f"attempt {number:02d}" if isinstance(number, int) and number > 1 else ""
    return _join(corridor(str(data.get("corridor", ""))), data.get("rail"), failover)


def corridor(label: str) -> str:
    """``US>GB:instant`` as people read it: corridor US → GB · instant."""
    place, _, method = label.partition(":")
    if place in {"", "*>*"}:
        return "any corridor" if method in {"", "*"} else f"any corridor · {method}"
    return f"corridor {place.replace('>', ' → ').replace('*', 'any')}{f' · {method}' if method != '*' else ''}"


def _provider(data: Data) -> str:
    said = data.get("reason") or data.get("detail") or data.get("code")
    return _join(data.get("rail"), said, shorten(str(data.get("provider_reference") or ""), head=14, tail=6))


def _callback(data: Data) -> str:
    arrival = data.get("arrival")
    again = f"arrival {arrival}" if isinstance(arrival, int) and arrival > 1 else ""
    signature = f"signature {data['signature']}" if data.get("signature") else ""
    mutations = f"mutations {data['mutations']}" if "mutations" in data else ""
    return _join(data.get("outcome"), data.get("reason"), signature, again, mutations)


def _delivery(data: Data) -> str:
    number, took_ms = data.get("attempt"), data.get("duration_ms")
    return _join(
        data.get("event_type"),
        f"attempt {number:02d}" if isinstance(number, int) else "",
        data.get("status") or data.get("error_class"),
        took(took_ms) if isinstance(took_ms, int) else "",
        data.get("reason"),
    )


def _synchronized(data: Data) -> str:
    left = data.get("undelivered")
    kept = f"{left} undelivered, replay ready" if left else ""
    return _join(
        data.get("event_stream"), f"provider {data.get('outcome')}", f"mutations {data.get('mutations')}", kept
    )


def _review(data: Data) -> str:
    comparison = data.get("comparison")
    equal = isinstance(comparison, dict) and comparison.get("equal")
    return _join(data.get("rule"), "entries, outcome and amount equal" if equal else "", data.get("reason"))


def _sealed(data: Data) -> str:
    size, revision, digest = data.get("checkpoint_size"), data.get("revision"), data.get("packet_sha256")
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
    "ledger.export.ready": _export,
    "posting": _posting,
    "provider.routed": _route,
    "provider.failover": _route,
    "provider": _provider,
    "callback": _callback,
    "webhook": _delivery,
    "money_runtime": _synchronized,
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


# What fan-out and delivery say is many and alike: of these the last one stands for all since the last milestone.
_FOLDED: Final = ("webhook.delivered", "webhook.retrying", "webhook.queued")
_MILESTONES: Final = ("money_runtime.synchronized", "evidence.sealed")


def timeline(events: Sequence[ReadEvent], *, event_url: Callable[[str], str], sealed: bool) -> tuple[StepView, ...]:
    """The handoff: events in order with Δt since the first, deliveries folded up to each milestone."""
    if not events:
        return ()
    ordered = sorted(events, key=lambda event: (event.at, event.record.id))
    start = ordered[0].at
    steps: list[StepView] = []
    folds: dict[str, list[ReadEvent]] = {}

    def add(event: ReadEvent, count: int) -> None:
        words = _join(f"× {count}", event.words) if count > 1 else event.words
        url, when = event_url(event.record.id), iso(event.at)
        steps.append(StepView(event.name, event_tone(event.name), words, event.who, delta(start, event.at), when, url))

    def unfold() -> None:
        arrived = any(name != "webhook.queued" for name in folds)
        for name, folded in sorted(folds.items(), key=lambda item: item[1][-1].at):
            if name != "webhook.queued" or not arrived:
                add(folded[-1], len(folded))
        folds.clear()

    for event in ordered:
        if event.name in _FOLDED:
            folds.setdefault(event.name, []).append(event)
            continue
        if event.name in _MILESTONES:
            unfold()
        add(event, 1)
    unfold()
    if not sealed:
        steps.append(StepView(type="evidence.sealed", tone="quiet", words="", who="", done=False))
    return tuple(steps)
