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
from zentra.reconciliation.matching.desk.people import check_actor, check_person
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
from zentra.tenants.permissions import Permission

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
# What a match moves one way, on the side where that is most: what nets out on a side counts as much as what is left.
_MOVED: Final = """
SELECT greatest(coalesce(sum(l.amount_minor) FILTER (WHERE l.amount_minor > 0), 0),
                coalesce(-sum(l.amount_minor) FILTER (WHERE l.amount_minor < 0), 0),
                coalesce(sum(e.amount_minor) FILTER (WHERE e.amount_minor > 0), 0),
                coalesce(-sum(e.amount_minor) FILTER (WHERE e.amount_minor < 0), 0))
  FROM recon_match_item i LEFT JOIN recon_line l ON l.id = i.line_id LEFT JOIN recon_entry e ON e.entry_id = i.entry_id
 WHERE i.match_id = %s
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
    """The lines or the entries of a match: ids, sum of amounts, of what compares (gross where a line tells it), and
    what of it cancels itself out.
    """

    keys: tuple[UUID, ...]
    total: int
    compared: int
    hidden: int
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

    What cancels out on one side above the workspace's limit is ``proposed`` until a second person approves, and so is a
    fee on a bank's account: both hide as much as what differs. Recorded as ``match.confirmed`` or ``match.proposed``.
    Raises MatchDiffers (with difference_minor), AlreadyMatched, EmptyMatch, MixedCurrencies, OtherAccount,
    DeskRoleRefused, AccountNotFound, BadId.
    """
    check_actor(actor, Permission.RECONCILIATION_MATCH)
    both = _read(account_id, line_ids, entry_ids)
    if both.difference_minor:
        raise MatchDiffers(
            f"The entries are {both.difference_minor} minor units more than the lines.",
            difference_minor=both.difference_minor, line_minor=both.lines.total, entry_minor=both.entries.total,
        )  # fmt: skip
    return _make(both, "manual", _state_of(both, actor), actor, reason, now)


@transaction.atomic
def force_match(
    *, account_id: str, line_ids: Sequence[str], entry_ids: Sequence[str], actor: Actor, reason: str, now: datetime
) -> MatchRecord:
    """Match what differs, with a reason. Above the workspace's limit it is ``proposed`` until a second person approves.

    Recorded as ``match.confirmed`` or ``match.proposed``. Raises ReasonMissing, AlreadyMatched, EmptyMatch,
    MixedCurrencies, OtherAccount, DeskRoleRefused, AccountNotFound, BadId.
    """
    check_person(actor, Permission.RECONCILIATION_MATCH)
    _check_reason(reason)
    both = _read(account_id, line_ids, entry_ids)
    return _make(both, "forced" if both.difference_minor else "manual", _state_of(both, actor), actor, reason, now)


@transaction.atomic
def approve_match(*, match_id: str, actor: Actor, now: datetime) -> MatchRecord:
    """Let a proposed match stand. Recorded as ``match.confirmed``.

    Raises ProposerApproves, StaleMatch, DeskRoleRefused, MatchNotFound, BadId.
    """
    check_person(actor, Permission.RECONCILIATION_APPROVE)
    match = _held(match_id)
    if _is_same(match.made_by, actor):
        raise ProposerApproves("Who proposed a match does not approve it.", match_id=match_id)
    _change(match, "proposed", "confirmed", decided_by=actor.as_dict(), decided_at=now)
    _resolve(match, actor, match.reason, now)
    return _told(match_id, "match.confirmed", actor, now, proposed_by=match.made_by["id"])


@transaction.atomic
def decline_match(*, match_id: str, actor: Actor, reason: str, now: datetime) -> MatchRecord:
    """Refuse a proposed match, or take one's own back: its lines and entries are open again.

    Recorded as ``match.undone``. Raises ReasonMissing, StaleMatch, DeskRoleRefused, MatchNotFound, BadId.
    """
    _check_reason(reason)
    match = _held(match_id)
    is_own = _is_same(match.made_by, actor)
    check_person(actor, Permission.RECONCILIATION_MATCH if is_own else Permission.RECONCILIATION_APPROVE)
    said = {"decided_by": actor.as_dict(), "decided_at": now, "undone_reason": reason.strip()[:LONGEST_REASON]}
    _change(match, "proposed", "declined", **said)
    _free(match, now)
    return _told(match_id, "match.undone", actor, now, state="declined", has_reason=True)


@transaction.atomic
def undo_match(*, match_id: str, actor: Actor, reason: str, now: datetime) -> MatchRecord:
    """Undo a confirmed match: it stays as history, its lines and entries are open again, and no rule pairs them anew.

    One larger than the workspace's limit takes two people: the first call asks (``undo_asked_by``), and another person
    who may approve undoes it by the same call. Recorded as ``match.undone``. Raises ReasonMissing, StaleMatch,
    ProposerApproves, DeskRoleRefused, MatchNotFound, BadId.
    """
    check_person(actor, Permission.RECONCILIATION_MATCH)
    _check_reason(reason)
    match = _held(match_id)
    if _takes_two(match):
        if match.undo_asked_by is None:
            return _ask_to_undo(match, actor, reason, now)
        check_person(actor, Permission.RECONCILIATION_APPROVE)
        if _is_same(match.undo_asked_by, actor):
            raise ProposerApproves("You asked for it; another person undoes it.", match_id=match_id)
    said = {"undone_by": actor.as_dict(), "undone_at": now, "undone_reason": reason.strip()[:LONGEST_REASON]}
    _change(match, "confirmed", "undone", **said)
    _free(match, now)
    return _told(match_id, "match.undone", actor, now, state="undone", has_reason=True)


@transaction.atomic
def keep_match(*, match_id: str, actor: Actor, reason: str, now: datetime) -> MatchRecord:
    """Refuse to undo a match that somebody asked to undo, or take one's own asking back: it stands as before.

    Recorded as ``match.kept``. Raises ReasonMissing, StaleMatch (nobody asked, or it is undone), DeskRoleRefused,
    MatchNotFound, BadId.
    """
    check_person(actor, Permission.RECONCILIATION_MATCH)
    _check_reason(reason)
    match = _held(match_id)
    rows = Match.objects.filter(id=match.id, state="confirmed", undo_asked_by__isnull=False)
    if rows.update(undo_asked_by=None, undo_asked_at=now, undo_asked_reason=reason.strip()[:LONGEST_REASON]) != 1:
        raise StaleMatch("Nobody asks to undo it.", match_id=match.id, state=match.state)
    return _told(match_id, "match.kept", actor, now, asked_by=(match.undo_asked_by or {}).get("id"))


def _takes_two(match: Match) -> bool:
    """Whether a person alone does not undo it: one that was asked about before stays so."""
    limit = read_settings(workspace_id=current_tenant().id).undo_approval_minor
    if match.undo_asked_by is not None:
        return True
    with connection.cursor() as cursor:
        cursor.execute(_MOVED, [to_uuid(match.id, prefix="mat")])
        return bool(cursor.fetchone()[0] > limit)


def _ask_to_undo(match: Match, actor: Actor, reason: str, now: datetime) -> MatchRecord:
    rows = Match.objects.filter(id=match.id, state="confirmed", undo_asked_by__isnull=True)
    words = reason.strip()[:LONGEST_REASON]
    if rows.update(undo_asked_by=actor.as_dict(), undo_asked_at=now, undo_asked_reason=words) != 1:
        raise StaleMatch(f"The match is {match.state}, not confirmed.", match_id=match.id, state=match.state)
    return _told(match.id, "match.undo_proposed", actor, now)


def _is_same(said: dict[str, Any], actor: Actor) -> bool:
    """Whether somebody who is written down is who acts now, by themselves or by what they made."""
    return said["id"] in (actor.id, actor.maker) or said.get("credential") == actor.id


def _state_of(both: _Both, actor: Actor) -> MatchState:
    """Whether a match stands at once: what differs, or nets out of sight, beyond the limit takes a second person."""
    if actor.kind == "service":
        return "confirmed"
    limit = read_settings(workspace_id=current_tenant().id).match_approval_minor
    fee = 0 if both.account.kind == "rail" else both.fee_minor  # a rail's is posted with its batch, a bank's by nobody
    parts = (both.difference_minor, both.lines.hidden, both.entries.hidden, fee)
    return "proposed" if max(abs(part) for part in parts) > limit else "confirmed"


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
        tuple(keys),
        sum(row[1] for row in rows),
        sum(row[2] for row in rows),
        min(sum(max(0, row[1]) for row in rows), sum(max(0, -row[1]) for row in rows)),
        frozenset(row[3] for row in rows),
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
