"""Holds as they stand, over all accounts, and the steps of each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

from django.db import connection

from ledger.errors import HoldNotFound
from ledger.queries.accounts import as_json
from ledger.types import HoldEventRecord, HoldRecord, HoldState
from zentra.core import ids

HoldOrder = Literal["newest", "oldest", "expiry"]

_HOLDS: Final = """
SELECT h.id, h.kind, h.reference, h.account_id, a.code, h.destination_id, d.code, h.currency, h.amount_minor,
       h.captured_minor, h.released_minor, h.state, h.intent_id, h.source, h.release_condition, h.expires_at,
       h.placed_by, h.placed_at, h.closed_at, h.release_posting_id, h.reviewed_by, h.reviewed_at, h.review_note,
       h.metadata
  FROM ledger_hold h
  JOIN ledger_account a ON a.id = h.account_id
  JOIN ledger_account d ON d.id = h.destination_id
 WHERE """
# Each order with the comparison of its keyset.
_ORDERS: Final[dict[HoldOrder, tuple[str, str]]] = {
    "newest": ("h.placed_at DESC, h.id DESC", "(h.placed_at, h.id) < (%s, %s)"),
    "oldest": ("h.placed_at, h.id", "(h.placed_at, h.id) > (%s, %s)"),
    "expiry": ("h.expires_at, h.id", "(h.expires_at, h.id) > (%s, %s)"),
}


def get_hold(*, hold_id: str) -> HoldRecord:
    """A hold; raises HoldNotFound, BadId."""
    found = _holds("h.id = %s", [ids.to_uuid(hold_id, prefix="hold")])
    if not found:
        raise HoldNotFound(f"There is no hold {hold_id}.", hold_id=hold_id)
    return found[0]


def read_holds(*, hold_ids: Sequence[str]) -> dict[str, HoldRecord]:
    """Several holds in one statement, by id; an unknown id is left out."""
    found = _holds("h.id = ANY (%s::uuid[])", [[ids.to_uuid(hold_id, prefix="hold") for hold_id in hold_ids]])
    return {hold.id: hold for hold in found}


def list_holds(
    *,
    limit: int,
    after: tuple[datetime, str] | None = None,
    order: HoldOrder = "newest",
    state: HoldState | None = None,
    account_id: str | None = None,
    currency: str | None = None,
    source: str | None = None,
    intent_id: str | None = None,
    due_before: datetime | None = None,
    at_least_minor: int | None = None,
) -> list[HoldRecord]:
    """Holds over all accounts: newest first, oldest first, or by expiry (those that have one).

    ``after`` is the keyset of the last one seen: (placed_at, id), or (expires_at, id) when ordered by expiry.
    ``due_before`` keeps those that expire before a moment.
    """
    ordering, keyset = _ORDERS[order]
    asked: list[tuple[str, Any]] = [
        ("h.state = %s", state),
        ("h.account_id = %s", account_id and ids.to_uuid(account_id, prefix="acct")),
        ("h.currency = %s", currency),
        ("h.source = %s", source),
        ("h.intent_id = %s", intent_id),
        ("h.expires_at < %s", due_before),
        ("h.amount_minor >= %s", at_least_minor),
    ]
    conditions = [text for text, value in asked if value is not None]
    values = [value for _, value in asked if value is not None]
    if order == "expiry":
        conditions.append("h.expires_at IS NOT NULL")
    if after is not None:
        conditions.append(keyset)
        values.extend((after[0], ids.to_uuid(after[1], prefix="hold")))
    where = " AND ".join(conditions) or "true"
    return _holds(f"{where} ORDER BY {ordering} LIMIT %s", [*values, limit])


def hold_events(*, hold_id: str) -> list[HoldEventRecord]:
    """The steps of a hold, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, amount_minor, posting_id, expires_at, reason, actor, recorded_at FROM ledger_hold_event"
            " WHERE hold_id = %s ORDER BY recorded_at, id",
            [ids.to_uuid(hold_id, prefix="hold")],
        )
        return [
            HoldEventRecord(
                kind=kind,
                amount_minor=amount,
                posting_id=posting and ids.to_public("posting", posting),
                expires_at=expires_at,
                reason=reason,
                actor=as_json(actor),
                recorded_at=recorded_at,
            )
            for kind, amount, posting, expires_at, reason, actor, recorded_at in cursor.fetchall()
        ]


def held_by_currency() -> dict[str, tuple[int, int, datetime | None]]:
    """What is held now: by currency how many holds, how much (minor units), and since when the oldest."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT currency, count(*), sum(amount_minor - captured_minor - released_minor), min(placed_at)"
            " FROM ledger_hold WHERE state = 'held' GROUP BY currency ORDER BY currency"
        )
        return {currency: (count, int(amount), oldest) for currency, count, amount, oldest in cursor.fetchall()}


def _holds(where: str, values: list[Any]) -> list[HoldRecord]:
    with connection.cursor() as cursor:
        cursor.execute(_HOLDS + where, values)
        return [_hold(row) for row in cursor.fetchall()]


def _hold(row: Sequence[Any]) -> HoldRecord:
    (key, kind, reference, account, code, destination, destination_code, currency, amount, captured, released, state,
     intent_id, source, condition, expires_at, placed_by, placed_at, closed_at, release_posting, reviewed_by,
     reviewed_at, review_note, metadata) = row  # fmt: skip
    return HoldRecord(
        id=ids.to_public("hold", key),
        kind=kind,
        reference=reference,
        account_id=ids.to_public("acct", account),
        account_code=code,
        destination_id=ids.to_public("acct", destination),
        destination_code=destination_code,
        currency=currency,
        amount_minor=amount,
        captured_minor=captured,
        released_minor=released,
        state=state,
        intent_id=intent_id,
        source=source,
        release_condition=condition,
        expires_at=expires_at,
        placed_by=as_json(placed_by),
        placed_at=placed_at,
        closed_at=closed_at,
        release_posting_id=release_posting and ids.to_public("posting", release_posting),
        reviewed_by=as_json(reviewed_by),
        reviewed_at=reviewed_at,
        review_note=review_note,
        metadata=as_json(metadata),
    )
