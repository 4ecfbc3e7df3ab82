"""Weigh an intent against limits and windows, and say what became of it. Amounts are minor units, times UTC."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from policy.limits.asking import Metered, Whom, corridor_of, each_once, key_of, kinds_of, start_of
from policy.limits.queries import read_meters
from policy.limits.zones import time_zone_here
from policy.lists.values import canonical_value
from policy.rules.types import AskedMeter, Weighed
from policy.subjects import PartyFacts, Subject
from zentra.core import ids
from zentra.core.db.hot import defer_hot, execute_hot

EXPIRED_AT_ONCE: Final = 500
SWEPT_AT_ONCE: Final = 200

_WEIGH: Final = (
    "SELECT live_version, used, added, is_reserved, listed, is_first, parties FROM policy_weigh("
    "%s::bigint, %s::text, %s::text, %s::bigint, %s::text, %s::text, %s::text, %s::text, %s::text, %s::text,"
    " %s::timestamptz, %s::timestamptz, %s::text[], %s::text[], %s::text[], %s::int[], %s::text[], %s::text[],"
    " %s::text[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::boolean[], %s::numeric[], %s::text[],"
    " %s::text[], %s::text[])"
)
_KNOWN: Final = (
    "SELECT (SELECT s.version FROM policy_rule_set s ORDER BY s.version DESC LIMIT 1), k.listed, k.is_first, k.parties"
    " FROM policy_known(%s::text, %s::text, %s::text, %s::timestamptz, %s::text[], %s::text[], %s::text[]) k"
)
_LOCK: Final = "SELECT policy_lock_subjects(%s::text[], %s::text[], %s::text[])"
_MOVE: Final = "SELECT policy_move(%s::text, %s::text[], %s::text, %s::timestamptz, %s::timestamptz)"


def weigh(
    *,
    version: int,
    subject: Subject,
    meters: Sequence[AskedMeter],
    listed: Sequence[tuple[str, str]],
    references: Sequence[str],
    is_reserving: bool,
    expires_at: datetime | None,
    now: datetime,
) -> Weighed:
    """Everything that the database knows of an intent; when reserving, its hold on every limit or on none.

    ``meters`` are all of the version that count this intent, whether or not their limit is in scope: counters are kept
    by what is given here. Under a cap a meter has room when it stays at or below it with this intent. A movement
    without ``expires_at`` counts as confirmed at once, which spares the ordinary intent a second write.

    Raises:
        IntegrityError: this intent was weighed before (``movement_once_per_intent``).
    """
    once, places = each_once(meters, subject)
    if not is_reserving:
        return _look(subject, meters, once, places, listed, references, now)
    row = execute_hot(_WEIGH, _values(version, subject, once, listed, references, expires_at, now)).fetchone()
    if row is None or row[0] is None:
        return Weighed(live_version=0)
    live, used, added, is_reserved, found, is_first, parties = row
    if used is None:
        return Weighed(live_version=live)
    return _weighed(
        subject, live, meters, places, [int(each) for each in used], added, is_reserved, listed, found, is_first,
        parties,
    )  # fmt: skip


def _look(
    subject: Subject,
    meters: Sequence[AskedMeter],
    once: Sequence[Metered],
    places: Sequence[int | None],
    listed: Sequence[tuple[str, str]],
    references: Sequence[str],
    now: datetime,
) -> Weighed:
    """What would be found, without the intent's own movement and without a trace in any counter.

    Whom it counts is locked as for weighing, so that of two approvals at once the second sees what the first counted.
    """
    whom = sorted({each.whom for each in once}, key=_order)
    if whom:
        execute_hot(
            _LOCK, [[each.dimension for each in whom], [each.name for each in whom], [each.currency for each in whom]]
        ).fetchone()
    row = execute_hot(
        _KNOWN,
        [
            subject.intent_id, subject.customer, subject.counterparty or None, now,
            [name for name, _ in listed], [canonical_value(value) for _, value in listed], list(references),
        ],
    ).fetchone()  # fmt: skip
    live, found, is_first, parties = row or (0, [], None, [])
    stands = read_meters(
        meters=[(each.whom, each.meter) for each in once],
        now=now,
        without=subject.intent_id,
        counterparty=subject.counterparty,
    )
    added = [_adds(each, subject, is_known=stand.is_known) for each, stand in zip(once, stands, strict=True)]
    return _weighed(
        subject, live, meters, places, [stand.used for stand in stands], added, False, listed, found, is_first, parties
    )


def _adds(each: Metered, subject: Subject, *, is_known: bool) -> int:
    if not each.meter.counts(kind=subject.kind, amount_minor=subject.amount_minor):
        return 0
    if each.meter.measure == "sum":
        return subject.amount_minor
    return int(each.meter.measure == "count" or not is_known)


def _values(
    version: int,
    subject: Subject,
    once: Sequence[Metered],
    listed: Sequence[tuple[str, str]],
    references: Sequence[str],
    expires_at: datetime | None,
    now: datetime,
) -> list[Any]:
    zone = time_zone_here() if once else None
    # One order for everybody: two intents that need the same new subjects make them in the same order.
    whom = sorted({each.whom for each in once}, key=_order)
    place = {each: number for number, each in enumerate(whom, start=1)}
    meters = [each.meter for each in once]
    return [
        version, subject.intent_id, subject.kind, subject.amount_minor, subject.currency,
        subject.account or subject.account_code, subject.customer or None, corridor_of(subject), subject.card or None,
        subject.counterparty or None, expires_at, now,
        [each.dimension for each in whom], [each.name for each in whom], [each.currency for each in whom],
        [place[each.whom] for each in once], [key_of(meter) for meter in meters], [meter.measure for meter in meters],
        [kinds_of(meter) for meter in meters], [meter.from_minor for meter in meters],
        [meter.below_minor for meter in meters], [start_of(meter, now, zone) for meter in meters if zone],
        [meter.counts(kind=subject.kind, amount_minor=subject.amount_minor) for meter in meters],
        [each.cap for each in once],
        [name for name, _ in listed], [canonical_value(value) for _, value in listed], list(references),
    ]  # fmt: skip


def _order(whom: Whom) -> tuple[str, str, str]:
    return whom.dimension, whom.name, whom.currency


def _weighed(
    subject: Subject,
    live: int,
    meters: Sequence[AskedMeter],
    places: Sequence[int | None],
    used: Sequence[int],
    added: Sequence[int],
    is_reserved: bool,
    listed: Sequence[tuple[str, str]],
    found: Sequence[int],
    is_first: bool | None,
    parties: Any,
) -> Weighed:
    """The answer in the order of what was asked; whoever has no such dimension has room."""
    stands = [(0, 0) if place is None else (used[place], added[place]) for place in places]
    return Weighed(
        live_version=live,
        used=tuple(before for before, _ in stands),
        added=tuple(more for _, more in stands),
        has_room=tuple(
            asked.cap is None
            or place is None
            or not asked.meter.counts(kind=subject.kind, amount_minor=subject.amount_minor)
            or before + more <= asked.cap
            for asked, place, (before, more) in zip(meters, places, stands, strict=True)
        ),
        is_reserved=is_reserved,
        listed=frozenset(listed[number - 1] for number in found),
        parties={facts.reference: facts for facts in map(_party, _loads(parties))},
        is_first=is_first,
    )


def _party(facts: dict[str, Any]) -> PartyFacts:
    expires_at = facts["kyc_expires_at"]
    return PartyFacts(
        reference=facts["reference"],
        party_id=ids.to_public("pty", UUID(facts["party_id"])),
        kind=facts["kind"],
        kyc_state=facts["kyc_state"],
        kyc_expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
        screening=facts["screening"],
        risk=facts["risk"],
        country=facts["country"] or "",
        segment=facts["segment"] or "",
    )


def _loads(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str | bytes) else value


def hold_limits(*, intent_id: str, expires_at: datetime, now: datetime) -> None:
    """Keep what a held intent counts reserved until ``expires_at``; one that had no room keeps waiting."""
    defer_hot(_MOVE, [intent_id, ["confirmed"], "reserved", expires_at, now])


def confirm_limits(*, intent_id: str, now: datetime) -> None:
    """A reserved movement counts for good: its intent posted."""
    defer_hot(_MOVE, [intent_id, ["reserved"], "confirmed", None, now])


def release_limits(*, intent_id: str, now: datetime) -> None:
    """Give back what an intent counts: it was declined or failed. Safe to repeat; takes no limit's lock."""
    defer_hot(_MOVE, [intent_id, ["confirmed", "reserved", "waiting"], "released", None, now])


def count_approved(*, subject: Subject, now: datetime) -> None:
    """Count an approved intent in all its limits, room or not: from now, or from when it was reserved. Repeatable."""
    execute_hot(
        "SELECT policy_count_approved(%s::text, %s::text, %s::bigint, %s::text, %s::text, %s::text, %s::text, %s::text,"
        " %s::text, %s::timestamptz)",
        [
            subject.intent_id, subject.kind, subject.amount_minor, subject.currency,
            subject.account or subject.account_code, subject.customer or None, corridor_of(subject),
            subject.card or None, subject.counterparty or None, now,
        ],
    )  # fmt: skip


def expire_reservations(*, now: datetime, limit: int = EXPIRED_AT_ONCE) -> int:
    """Say of reservations whose time is over that they are released; how many. They stopped counting by themselves."""
    row = execute_hot("SELECT policy_expire_reservations(%s::timestamptz, %s::int)", [now, limit]).fetchone()
    return int(row[0]) if row else 0


def sweep_counters(*, now: datetime, limit: int = SWEPT_AT_ONCE) -> int:
    """Take away what nobody counts by any more: counters of older rules, changes of quiet subjects; how many."""
    row = execute_hot("SELECT policy_sweep_counters(%s::timestamptz, %s::int)", [now, limit]).fetchone()
    return int(row[0]) if row else 0
