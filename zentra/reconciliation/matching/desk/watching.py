"""The watcher: providers, ledger and settlement compared as things happen, so that a break shows within seconds.

It follows the event log by leaf index, as everything here does that follows. Whatever happened to an intent puts it on
a small list; what is on it is compared once the sides have had time to agree, and looked at again while they do not.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from evidence.operations import record_events
from evidence.queries import intents_after, next_index
from evidence.types import NewEvent
from zentra.core import actors, ids
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.matching.desk import events, store
from zentra.reconciliation.matching.desk.comparing import EXCEPTION_KINDS, GRACE, breaks_of
from zentra.reconciliation.matching.desk.facts import Facts, gather
from zentra.reconciliation.matching.desk.types import ExceptionRecord, StoryBreak
from zentra.tenants.configuration.queries import settings_at_hand

LEAVES_A_ROUND: Final = 2_000
INTENTS_A_ROUND: Final = 200
LOOKS_AGAIN: Final = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
"""When a broken intent is compared again without anything new about it; any news begins anew."""

_NAME: Final = "intents"


@dataclass(frozen=True, slots=True)
class Watched:
    """What one round did."""

    followed: int
    compared: int
    opened: int
    gone: int
    more: bool
    """Whether there is more to do at once."""


def watch(*, now: datetime) -> Watched:
    """One round: follow the log, compare what is due, open and resolve exceptions. A few statements for all of it.

    Does nothing in a workspace without a reconciled account, and nothing while another process is at it.
    """
    position = _take_position(now)
    if position is None:
        return Watched(0, 0, 0, 0, more=False)
    followed = _follow(position, now)
    due = _due(now)
    opened, gone = _compare(due, now) if due else (0, 0)
    return Watched(followed, len(due), opened, gone, more=followed == LEAVES_A_ROUND or len(due) == INTENTS_A_ROUND)


def _take_position(now: datetime) -> int | None:
    """The next leaf index, held by us; None when somebody else has it, or nothing is reconciled here.

    The first time, it begins at the log's end: what lies behind is matching's.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT leaf_index FROM recon_watch_position WHERE name = %s FOR UPDATE SKIP LOCKED", [_NAME])
        row = cursor.fetchone()
        if row is not None:
            return int(row[0])
        cursor.execute(
            "INSERT INTO recon_watch_position (name, leaf_index, at) SELECT %s, %s, %s"
            " WHERE EXISTS (SELECT FROM recon_account WHERE closed_at IS NULL) ON CONFLICT DO NOTHING"
            " RETURNING leaf_index",
            [_NAME, next_index(), now],
        )
        row = cursor.fetchone()
    return int(row[0]) if row is not None else None


def _follow(position: int, now: datetime) -> int:
    """Put the intents of the next leaves on the list; how many leaves there were."""
    following, names = intents_after(index=position - 1, limit=LEAVES_A_ROUND)
    if following == position:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE recon_watch_position SET leaf_index = %s, at = %s WHERE name = %s", [following, now, _NAME]
        )
        cursor.execute(
            "INSERT INTO recon_watched_intent (intent_id, since, look_at, looks)"
            " SELECT unnest(%s::text[]), %s, %s, 0"
            " ON CONFLICT (intent_id) DO UPDATE SET look_at = excluded.look_at, looks = 0",
            [names, now, now + GRACE + timedelta(milliseconds=1)],
        )
    return following - position


def _due(now: datetime) -> dict[str, int]:
    """The intents whose moment has come, held by us, with how often each was looked at."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT intent_id, looks FROM recon_watched_intent WHERE look_at <= %s ORDER BY look_at, intent_id LIMIT %s"
            " FOR UPDATE SKIP LOCKED",
            [now, INTENTS_A_ROUND],
        )
        return dict(cursor.fetchall())


def _compare(due: dict[str, int], now: datetime) -> tuple[int, int]:
    day = store.today(now)
    gathered = {key: each for key, each in gather(intent_ids=list(due)).items() if not each.intent.is_rehearsal}
    broken = {key: found for key, each in gathered.items() if (found := breaks_of(each, now=now, today=day))}
    opened = _open(broken, gathered, now)
    gone = _resolve_gone(list(due), broken, now)
    if opened or gone:
        record_events(events=[*opened, *gone], now=now)
    _look_again({key: due[key] for key in broken}, now)
    _forget([key for key in due if key not in broken or due[key] >= len(LOOKS_AGAIN)])
    return len(opened), len(gone)


def _open(broken: dict[str, tuple[StoryBreak, ...]], facts: dict[str, Facts], now: datetime) -> list[NewEvent]:
    """An exception for each break that nothing open tells of yet: neither one of ours, nor one of a line about it."""
    if not broken:
        return []
    accounts = _rail_accounts()
    due_at = now + timedelta(hours=settings_at_hand(workspace_id=current_tenant().id).exception_hours)
    lines = {key: [line.id for line in facts[key].lines if line.is_own] for key in broken}
    told = _told(list(broken), [each for found in lines.values() for each in found])
    made: list[str] = []
    for intent_id, found in broken.items():
        account = accounts.get(facts[intent_id].intent.currency)
        if account is None or any(line in told for line in lines[intent_id]):
            continue
        for kind, each in {EXCEPTION_KINDS[each.kind]: each for each in reversed(found)}.items():
            if (intent_id, kind) not in told:
                made += _insert(intent_id, kind, each, account, facts[intent_id], due_at, now)
    found_now = store.select("WHERE x.id = ANY(%s) ORDER BY x.id", [[store.key_of(each) for each in made]], now=now)
    return [events.opened_event(each, actor=actors.RECONCILIATION) for each in found_now]


def _rail_accounts() -> dict[str, str]:
    """The account whose exceptions these are, by currency: the rail's, else the first one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (currency) currency, id FROM recon_account WHERE closed_at IS NULL"
            " ORDER BY currency, kind DESC, created_at, id"
        )
        return {currency: ids.to_public("rca", key) for currency, key in cursor.fetchall()}


def _told(intent_ids: Sequence[str], line_ids: Sequence[str]) -> set[Any]:
    """(intent, kind) of what is open or was explained already, and the lines that have an exception of their own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT intent_id, kind, line_id FROM recon_exception"
            " WHERE (intent_id = ANY(%s) AND (state <> 'resolved' OR resolution IN ('explained', 'disputed')))"
            " OR (line_id = ANY(%s) AND state <> 'resolved')",
            [list(intent_ids), [store.key_of_line(each) for each in line_ids]],
        )
        rows = cursor.fetchall()
    told: set[Any] = {(intent_id, kind) for intent_id, kind, _ in rows}
    return told | {ids.to_public("lin", line) for _, _, line in rows if line is not None}


def _insert(
    intent_id: str, kind: str, found: StoryBreak, account_id: str, facts: Facts, due_at: datetime, now: datetime
) -> list[str]:
    """The id of the new exception; nothing when another process was first."""
    exception_id = ids.new_id("exc")
    amount = facts.intent.amount_minor
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO recon_exception (id, account_id, kind, state, intent_id, amount_minor, difference_minor,"
            " currency, facts, happened_on, due_at, resolution, reason_code, reason, version, opened_at)"
            " VALUES (%s, %s, %s, 'open', %s, %s, %s, %s, %s::jsonb, %s, %s, '', '', '', 1, %s)"
            " ON CONFLICT DO NOTHING",
            [
                ids.to_uuid(exception_id, prefix="exc"), ids.to_uuid(account_id, prefix="rca"), kind, intent_id, amount,
                (found.found_minor or 0) - (found.expected_minor or 0), facts.intent.currency,
                json.dumps({"live": found.kind, "between": list(found.between), "words": found.words,
                            "rail": facts.intent.rail or ""}),
                store.today(found.since), due_at, now,
            ],
        )  # fmt: skip
        return [exception_id] if cursor.rowcount == 1 else []


def _resolve_gone(
    intent_ids: Sequence[str], broken: dict[str, tuple[StoryBreak, ...]], now: datetime
) -> list[NewEvent]:
    """End what the watcher opened and what is no more; what somebody has to answer for stays."""
    live = store.select(
        "WHERE x.intent_id = ANY(%s) AND x.state = 'open' AND x.line_id IS NULL AND x.entry_id IS NULL"
        " AND x.expected_id IS NULL AND x.facts ? 'live' ORDER BY x.id FOR UPDATE OF x",
        [list(intent_ids)],
        now=now,
    )
    gone = [each for each in live if not _still(each, broken.get(each.intent_id or "", ()))]
    ended = [
        store.change(
            each, now=now, state="resolved", resolution="gone", resolved_by=actors.RECONCILIATION.as_dict(),
            resolved_at=now,
        )
        for each in gone
    ]  # fmt: skip
    return [events.resolved_event(each, actor=actors.RECONCILIATION) for each in ended]


def _still(found: ExceptionRecord, broken: Sequence[StoryBreak]) -> bool:
    return any(EXCEPTION_KINDS[each.kind] == found.kind for each in broken)


def _look_again(broken: dict[str, int], now: datetime) -> None:
    rows = [(key, now + LOOKS_AGAIN[looks], looks + 1) for key, looks in broken.items() if looks < len(LOOKS_AGAIN)]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE recon_watched_intent w SET look_at = r.look_at, looks = r.looks"
            " FROM unnest(%s::text[], %s::timestamptz[], %s::int[]) AS r(intent_id, look_at, looks)"
            " WHERE w.intent_id = r.intent_id",
            [list(column) for column in zip(*rows, strict=True)],
        )


def _forget(intent_ids: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM recon_watched_intent WHERE intent_id = ANY(%s)", [list(intent_ids)])
