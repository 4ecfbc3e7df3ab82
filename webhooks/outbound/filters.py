"""What a search of deliveries or attempts asks for, as SQL conditions that an index answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from webhooks.types import DeliveryState, Purpose, Trigger
from zentra.core import ids

Conditions = tuple[list[str], list[Any]]

# What people paste: the beginning of an id, and the column in which it is looked for.
_COLUMN_OF: Final = {"dlv": "d.id", "evt": "d.event_id", "whe": "d.endpoint_id", "rpl": "d.replay_id"}
_NOTHING: Final = "false"


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries; None means any. ``since`` (included) and ``until`` (not included) bound ``recorded_at``.

    ``text`` is the beginning of the id of a delivery, event, endpoint or replay, or else of an intent's id.
    ``status`` and ``error_class`` are those of the last attempt; ``replay_id`` the last replay that asked for it.
    """

    states: tuple[DeliveryState, ...] | None = None
    endpoint_id: str | None = None
    intent_id: str | None = None
    event_type: str | None = None
    event_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    status: int | None = None
    error_class: str | None = None
    purpose: Purpose | None = None
    replay_id: str | None = None

    def conditions(self) -> Conditions:
        """SQL conditions on ``webhooks_delivery d``, with their values; raises BadId."""
        conditions, values = _joined(
            [
                ("d.state = ANY(%s)", list(self.states) if self.states else None),
                ("d.endpoint_id = %s", _key(self.endpoint_id, "whe")),
                ("d.intent_id = %s", self.intent_id),
                ("d.event_type = %s", self.event_type),
                ("d.event_id = %s", _key(self.event_id, "evt")),
                ("d.recorded_at >= %s", self.since),
                ("d.recorded_at < %s", self.until),
                ("d.last_status = %s", self.status),
                ("d.last_error_class = %s", self.error_class),
                ("d.purpose = %s", self.purpose),
                ("d.replay_id = %s", _key(self.replay_id, "rpl")),
            ]
        )
        said, said_values = begins_with(self.text)
        return [*conditions, *said], [*values, *said_values]

    def by_state(self) -> Sequence["DeliveryFilter"]:
        """The same filter once for each of several states, because an index is in order within one state only."""
        if self.states is None or len(set(self.states)) < 2:
            return [self]
        return [replace(self, states=(state,)) for state in sorted(set(self.states))]


@dataclass(frozen=True, slots=True)
class AttemptFilter:
    """Which attempts; None means any. ``since`` (included) and ``until`` (not included) bound ``recorded_at``.

    ``is_failed`` tells attempts that came to an error from those that were answered 2xx.
    ``text`` is looked for in the answer's body, in the error's words, and in the headers of both sides.
    """

    endpoint_id: str | None = None
    delivery_id: str | None = None
    error_class: str | None = None
    status: int | None = None
    trigger: Trigger | None = None
    replay_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    is_failed: bool | None = None

    def conditions(self) -> Conditions:
        """SQL conditions on ``webhooks_attempt a``, with their values, all but ``text``; raises BadId."""
        conditions, values = _joined(
            [
                ("a.endpoint_id = %s", _key(self.endpoint_id, "whe")),
                ("a.delivery_id = %s", _key(self.delivery_id, "dlv")),
                ("a.error_class = %s", self.error_class),
                ("a.response_status = %s", self.status),
                ("a.trigger = %s", self.trigger),
                ("a.replay_id = %s", _key(self.replay_id, "rpl")),
                ("a.recorded_at >= %s", self.since),
                ("a.recorded_at < %s", self.until),
            ]
        )
        if self.is_failed is not None:
            conditions.append(f"a.error_class IS {'NOT ' if self.is_failed else ''}NULL")
        return conditions, values

    def says(self) -> Conditions:
        """The condition that ``text`` stands for, which no index answers; nothing without a text."""
        words = self.text.strip()
        if not words:
            return [], []
        if "\x00" in words:
            return [_NOTHING], []
        like = f"%{_literally(words)}%"
        text = (
            "(position(%s::bytea IN a.response_body) > 0 OR a.error_detail ILIKE %s"
            " OR a.request_headers::text ILIKE %s OR a.response_headers::text ILIKE %s)"
        )
        return [text], [words.encode(), like, like, like]


def begins_with(text: str) -> Conditions:
    """The condition that an id begins with ``text``: nothing for an empty one, ``false`` for what no id can be."""
    words = text.strip()
    if not words:
        return [], []
    if "\x00" in words:
        return [_NOTHING], []
    prefix, separator, tail = words.partition("_")
    column = _COLUMN_OF.get(prefix) if separator else None
    if column is None:
        return ["d.intent_id LIKE %s"], [f"{_literally(words)}%"]
    between = _range(tail.lower())
    if between is None:
        return [_NOTHING], []
    first, last = between
    return ([f"{column} = %s"], [first]) if first == last else ([f"{column} BETWEEN %s AND %s"], [first, last])


def _range(tail: str) -> tuple[UUID, UUID] | None:
    """The first and the last id that begin with these characters: ids keep the order of their texts."""
    if len(tail) > ids.LENGTH or set(tail) - set(ids.ALPHABET) or tail[:1] > "7":
        return None
    lowest, highest = tail.ljust(ids.LENGTH, "0"), (tail or "7").ljust(ids.LENGTH, "z")
    return ids.to_uuid(f"x_{lowest}", prefix="x"), ids.to_uuid(f"x_{highest}", prefix="x")


def _key(public_id: str | None, prefix: str) -> UUID | None:
    return ids.to_uuid(public_id, prefix=prefix) if public_id else None


def _literally(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _joined(pairs: Sequence[tuple[str, Any]]) -> Conditions:
    used = [(text, value) for text, value in pairs if value is not None]
    return [text for text, _ in used], [value for _, value in used]
