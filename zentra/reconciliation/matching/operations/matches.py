"""Matches that people make, decide and undo."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core.actors import Actor
from zentra.core.ids import new_id, to_public, to_uuid
from zentra.core.queue import enqueue
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.matching.errors import (
    AlreadyMatched,
    EmptyMatch,
    MatchDiffers,
    MixedCurrencies,
    OtherAccount,
    ProposerApproves,
    ReasonMissing,
    StaleMatch,
)
from zentra.reconciliation.matching.locks import Locked, lock_account
from zentra.reconciliation.matching.models import Match, MatchItem
from zentra.reconciliation.matching.queries.matches import get_match
from zentra.reconciliation.matching.types import RUN, How, MatchRecord, MatchState
from zentra.tenants.configuration.queries import read_settings

MOST_ITEMS: Final = 5_000
LONGEST_REASON: Final = 2_000

_LINES: Final = """
SELECT l.id, l.amount_minor, coalesce(l.gross_minor, l.amount_minor), l.currency, o.line_id IS NOT NULL
  FROM recon_line l LEFT JOIN recon_open_line o ON o.line_id = l.id
 WHERE l.account_id = %s AND l.id = ANY(%s::uuid[]) ORDER BY l.id
"""
_ENTRIES: Final = """
SELECT e.entry_id, e.amount_minor, e.amount_minor, e.currency, o.entry_id IS NOT NULL
  FROM recon_entry e LEFT JOIN recon_open_entry o ON o.entry_id = e.entry_id
 WHERE e.account_id = %s AND e.entry_id = ANY(%s::uuid[]) ORDER BY e.entry_id
"""
_OPEN: Final = """
INSERT INTO recon_open_{item} ({item}_id, account_id)
SELECT i.{item}_id, %(account)s FROM recon_match_item i WHERE i.match_id = %(match)s AND i.{item}_id IS NOT NULL
"""
_HELD: Final = """
  AND x.account_id = %(account)s
  AND (x.line_id = ANY(%(lines)s::uuid[]) OR (x.line_id IS NULL AND x.entry_id = ANY(%(entries)s::uuid[])))
"""
_RESOLVE: Final = f"""
UPDATE recon_exception x
   SET state = 'resolved', resolution = 'matched', match_id = %(match)s, reason = %(reason)s,
       resolved_by = %(actor)s::jsonb, resolved_at = %(now)s, version = x.version + 1
 WHERE x.state <> 'resolved' {_HELD}
RETURNING x.id, x.kind, x.amount_minor, x.difference_minor, x.currency
"""  # noqa: S608  # constants
_WAIT: Final = f"""
UPDATE recon_exception x SET state = 'waiting', match_id = %(match)s, version = x.version + 1
 WHERE x.state = 'open' {_HELD}
"""  # noqa: S608  # constants
_WAIT_NO_MORE: Final = """
UPDATE recon_exception x SET state = 'open', match_id = NULL, version = x.version + 1
 WHERE x.state = 'waiting' AND x.match_id = %(match)s
"""


@dataclass(frozen=True, slots=True)
class _Side:
    """The lines or the entries of a match: ids, sum of amounts, and of what compares (gross where a line tells it)."""

    keys: tuple[UUID, ...]
    total: int
    compared: int
    currencies: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Both:
    """Both sides; ``fee_minor`` is what lies between net and gross where the gross agrees, ``difference`` the rest."""

    account: Locked
    lines: _Side
    entries: _Side

    @property
    def fee_minor(self) -> int:
        if self.lines.keys and self.lines.total != self.entries.total == self.lines.compared:
            return self.lines.compared - self.lines.total
        return 0

    @property
    def difference_minor(self) -> int:
        return self.entries.total - self.lines.total - self.fee_minor

    @property
    def currency(self) -> str:
        return next(iter(self.lines.currencies | self.entries.currencies))


@transaction.atomic
def confirm_match(
    *, account_id: str, line_ids: Sequence[str], entry_ids: Sequence[str], actor: Actor, reason: str, now: datetime
) -> MatchRecord:
    """Confirm by hand what agrees: both sides sum to the same, or one side alone to zero.

    Recorded as ``match.confirmed``. Raises MatchDiffers (with difference_minor), AlreadyMatched, EmptyMatch,
    MixedCurrencies, OtherAccount, AccountNotFound, BadId.
    """
    both = _read(account_id, line_ids, entry_ids)
    if both.difference_minor:
        raise MatchDiffers(
            f"The entries are {both.difference_minor} minor units more than the lines.",
            difference_minor=both.difference_minor, line_minor=both.lines.total, entry_minor=both.entries.total,
        )  # fmt: skip
    return _make(both, "manual", "confirmed", actor, reason, now)


@transaction.atomic
def force_match(
    *, account_id: str, line_ids: Sequence[str], entry_ids: Sequence[str], actor: Actor, reason: str, now: datetime
) -> MatchRecord:
    """Match what differs, with a reason. Above the workspace's limit it is ``proposed`` until a second person approves.

    Recorded as ``match.confirmed`` or ``match.proposed``. Raises ReasonMissing, AlreadyMatched, EmptyMatch,
    MixedCurrencies, OtherAccount, AccountNotFound, BadId.
    """
    _check_reason(reason)
    both = _read(account_id, line_ids, entry_ids)
    if not both.difference_minor:
        return _make(both, "manual", "confirmed", actor, reason, now)
    limit = read_settings(workspace_id=current_tenant().id).match_approval_minor
    state: MatchState = "proposed" if abs(both.difference_minor) > limit else "confirmed"
    return _make(both, "forced", state, actor, reason, now)


@transaction.atomic
def approve_match(*, match_id: str, actor: Actor, now: datetime) -> MatchRecord:
    """Let a proposed match stand. Recorded as ``match.confirmed``.

    Raises ProposerApproves, StaleMatch, MatchNotFound, BadId.
    """
    match = _held(match_id)
    if match.made_by["id"] in (actor.id, actor.maker) or match.made_by.get("credential") == actor.id:
        raise ProposerApproves("Who proposed a match does not approve it.", match_id=match_id)
    _change(match, "proposed", "confirmed", decided_by=actor.as_dict(), decided_at=now)
    _resolve(match, actor, match.reason, now)
    return _told(match_id, "match.confirmed", actor, now, proposed_by=match.made_by["id"])


@transaction.atomic
def decline_match(*, match_id: str, actor: Actor, reason: str, now: datetime) -> MatchRecord:
    """Refuse a proposed match, or take one's own back: its lines and entries are open again.

    Recorded as ``match.undone``. Raises ReasonMissing, StaleMatch, MatchNotFound, BadId.
    """
    _check_reason(reason)
    match = _held(match_id)
    said = {"decided_by": actor.as_dict(), "decided_at": now, "undone_reason": reason.strip()[:LONGEST_REASON]}
    _change(match, "proposed", "declined", **said)
    _free(match, now)
    return _told(match_id, "match.undone", actor, now, state="declined", has_reason=True)


@transaction.atomic
def undo_match(*, match_id: str, actor: Actor, reason: str, now: datetime) -> MatchRecord:
    """Undo a confirmed match: it stays as history, its lines and entries are open again, and no rule pairs them anew.

    Recorded as ``match.undone``. Raises ReasonMissing, StaleMatch, MatchNotFound, BadId.
    """
    _check_reason(reason)
    match = _held(match_id)
    said = {"undone_by": actor.as_dict(), "undone_at": now, "undone_reason": reason.strip()[:LONGEST_REASON]}
    _change(match, "confirmed", "undone", **said)
    _free(match, now)
    return _told(match_id, "match.undone", actor, now, state="undone", has_reason=True)


def _read(account_id: str, line_ids: Sequence[str], entry_ids: Sequence[str]) -> _Both:
    account = lock_account(account_id=account_id)
    if len(line_ids) + len(entry_ids) > MOST_ITEMS:
        raise EmptyMatch(f"A match made by hand has at most {MOST_ITEMS} lines and entries.")
    lines = _side(account, _LINES, "lin", line_ids)
    entries = _side(account, _ENTRIES, "entry", entry_ids)
    both = _Both(account, lines, entries)
    is_alone = not lines.keys or not entries.keys
    if is_alone and (len(lines.keys) + len(entries.keys) < 2 or both.difference_minor):
        raise EmptyMatch("A match has a line and an entry, or two of one side that cancel each other out.")
    if len(lines.currencies | entries.currencies) > 1:
        raise MixedCurrencies("Lines and entries are of several currencies.")
    return both


def _side(account: Locked, statement: str, prefix: str, wanted: Sequence[str]) -> _Side:
    keys = sorted({to_uuid(each, prefix=prefix) for each in wanted})
    with connection.cursor() as cursor:
        cursor.execute(statement, [account.key, keys])
        rows = cursor.fetchall()
    if len(rows) < len(keys):
        missing = sorted(set(keys) - {row[0] for row in rows})
        raise OtherAccount(f"{to_public(prefix, missing[0])} is not of {account.id}.", account_id=account.id)
    held = [to_public(prefix, row[0]) for row in rows if not row[4]]
    if held:
        raise AlreadyMatched(f"{held[0]} is held by another match.", held=held[:20])
    return _Side(
        tuple(keys), sum(row[1] for row in rows), sum(row[2] for row in rows), frozenset(row[3] for row in rows)
    )


def _make(both: _Both, how: How, state: MatchState, actor: Actor, reason: str, now: datetime) -> MatchRecord:
    explanation = {"line_minor": both.lines.total, "entry_minor": both.entries.total}
    parts = {"fee_minor": both.fee_minor, "difference_minor": both.difference_minor}
    match = Match.objects.create(
        id=new_id("mat"),
        account_id=both.account.id,
        state=state,
        how=how,
        lines=len(both.lines.keys),
        entries=len(both.entries.keys),
        line_minor=both.lines.total,
        entry_minor=both.entries.total,
        fee_minor=both.fee_minor,
        currency=both.currency,
        reason=reason.strip()[:LONGEST_REASON],
        explanation={**explanation, **{name: value for name, value in parts.items() if value}},
        made_by=actor.as_dict(),
        made_at=now,
    )
    MatchItem.objects.bulk_create(_items(match.id, both))
    _close(both)
    if state == "confirmed":
        _resolve(match, actor, reason, now)
        return _told(match.id, "match.confirmed", actor, now)
    with connection.cursor() as cursor:
        cursor.execute(_WAIT, _values(match))
    return _told(match.id, "match.proposed", actor, now)


def _items(match_id: str, both: _Both) -> Iterable[MatchItem]:
    for place, key in enumerate(both.lines.keys):
        yield MatchItem(match_id=match_id, place=place, line_id=key, stands=True)
    for place, key in enumerate(both.entries.keys, start=len(both.lines.keys)):
        yield MatchItem(match_id=match_id, place=place, entry_id=key, stands=True)


def _close(both: _Both) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM recon_open_line WHERE line_id = ANY(%s::uuid[])", [list(both.lines.keys)])
        cursor.execute("DELETE FROM recon_open_entry WHERE entry_id = ANY(%s::uuid[])", [list(both.entries.keys)])


def _held(match_id: str) -> Match:
    """The match, under its account's lock."""
    lock_account(account_id=get_match(match_id=match_id).account_id)
    return Match.objects.get(id=match_id)


def _change(match: Match, before: MatchState, after: MatchState, **said: Any) -> None:
    if Match.objects.filter(id=match.id, state=before).update(state=after, **said) != 1:
        raise StaleMatch(f"The match is {match.state}, not {before}.", match_id=match.id, state=match.state)


def _values(match: Match) -> dict[str, Any]:
    items = list(MatchItem.objects.filter(match_id=match.id))
    return {
        "match": to_uuid(match.id, prefix="mat"),
        "account": to_uuid(match.account_id, prefix="rca"),
        "lines": [to_uuid(item.line_id, prefix="lin") for item in items if item.line_id],
        "entries": [to_uuid(item.entry_id, prefix="entry") for item in items if item.entry_id],
    }


def _resolve(match: Match, actor: Actor, reason: str, now: datetime) -> None:
    """What the match explains is no exception any more."""
    more: dict[str, Any] = {"actor": json.dumps(actor.as_dict()), "now": now, "reason": reason.strip()[:LONGEST_REASON]}
    with connection.cursor() as cursor:
        cursor.execute(_RESOLVE, {**_values(match), **more})
        rows = cursor.fetchall()
    record_events(events=[_resolved(match, actor, row) for row in rows], now=now)


def _resolved(match: Match, actor: Actor, row: tuple[Any, ...]) -> NewEvent:
    key, kind, amount, difference, currency = row
    data: dict[str, object] = {
        "exception_id": to_public("exc", key), "account_id": match.account_id, "kind": kind, "resolution": "matched",
        "amount_minor": amount, "difference_minor": difference, "currency": currency, "match_id": match.id,
    }  # fmt: skip
    return NewEvent(type="exception.resolved", actor=actor, data=data)


def _free(match: Match, now: datetime) -> None:
    """Its lines and entries are open again, and a run tells what they are now."""
    values = _values(match)
    MatchItem.objects.filter(match_id=match.id, stands=True).update(stands=False)
    with connection.cursor() as cursor:
        for item in ("line", "entry"):
            cursor.execute(_OPEN.format(item=item), values)
        cursor.execute(_WAIT_NO_MORE, values)
    enqueue(workspace_id=current_tenant().id, kind=RUN, ref=match.account_id, due_at=now)


def _told(match_id: str, event: str, actor: Actor, now: datetime, **more: object) -> MatchRecord:
    match = get_match(match_id=match_id)
    data: dict[str, object] = {
        "match_id": match.id, "account_id": match.account_id, "how": match.how, "rule": match.rule,
        "lines": match.lines, "entries": match.entries, "line_minor": match.line_minor,
        "entry_minor": match.entry_minor, "fee_minor": match.fee_minor,
        "difference_minor": match.difference_minor, "currency": match.currency, **more,
    }  # fmt: skip
    record_events(events=[NewEvent(type=event, actor=actor, data=data)], now=now)
    return match


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise ReasonMissing("Say why.")
