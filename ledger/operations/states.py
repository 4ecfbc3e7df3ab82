"""An account's state and limits. Both are changed under the account's lock, so what follows knows them."""

import json
from datetime import datetime

from django.db import connection

from evidence.operations import record_events
from ledger.errors import AccountClosed, InvalidAccount, LimitsNotAllowed
from ledger.operations.accounts import check_limits
from ledger.operations.events import account_event
from ledger.queries.accounts import get_account
from ledger.refusals import refusals_meant
from ledger.types import AccountRecord, AccountState
from zentra.core import ids
from zentra.core.actors import Actor

_REASON_LIMIT = 500


def freeze_account(*, account_id: str, reason: str, actor: Actor, now: datetime) -> AccountRecord:
    """Lock an account for investigation: nothing posts to it; what is held on it may still be given back.

    Once this is committed no posting to it commits any more, also none that had begun. Call it in a transaction of
    its own: after a posting in the same one it would wait for writers who wait for that. Records ``account.frozen``.
    Raises AccountNotFound, AccountClosed, InvalidAccount (no reason), LedgerBusy.
    """
    return _set_state(account_id, "frozen", reason, actor, now, kind="frozen")


def unfreeze_account(*, account_id: str, reason: str, actor: Actor, now: datetime) -> AccountRecord:
    """Allow postings again; records ``account.unfrozen``. Raises what ``freeze_account`` does."""
    return _set_state(account_id, "active", reason, actor, now, kind="unfrozen")


def close_account(*, account_id: str, reason: str, actor: Actor, now: datetime) -> AccountRecord:
    """Close an account for good. Nothing may be posted or pending on it. Records ``account.closed``.

    Raises AccountNotEmpty (with the balances) and what ``freeze_account`` does.
    """
    return _set_state(account_id, "closed", reason, actor, now, kind="closed")


def set_limits(
    *, account_id: str, floor_minor: int | None, ceiling_minor: int | None, reason: str, actor: Actor, now: datetime
) -> AccountRecord:
    """Set the least available and the highest balance, minor units in the account's normal direction; None: no limit.

    Limits hold for what comes: a balance that is beyond them already stays, and can only move towards them. Who, when
    and why stay with the account. Records ``account.limits_changed``. Raises AccountNotFound, AccountClosed,
    LimitsNotAllowed, InvalidAccount.
    """
    _check_reason(reason)
    check_limits(floor_minor=floor_minor, ceiling_minor=ceiling_minor)
    key = ids.to_uuid(account_id, prefix="acct")
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_lock(%s::uuid[])", [[key]])
    before = get_account(account_id=account_id)
    if before.state == "closed":
        raise AccountClosed(f"Account {before.code} is closed.", account=before.code)
    if before.sequencing == "deferred" and (floor_minor is not None or ceiling_minor is not None):
        raise LimitsNotAllowed(
            f"Account {before.code} is deferred: its entries are numbered after their commit.", account=before.code
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ledger_account SET floor_minor = %s, ceiling_minor = %s, limits_reason = %s,"
            " limits_changed_by = %s::jsonb, limits_changed_at = %s, updated_at = %s WHERE id = %s",
            [floor_minor, ceiling_minor, reason, json.dumps(actor.as_dict()), now, now, key],
        )
    account = get_account(account_id=account_id)
    facts = {
        "floor_minor": floor_minor,
        "ceiling_minor": ceiling_minor,
        "floor_before_minor": before.floor_minor,
        "ceiling_before_minor": before.ceiling_minor,
    }
    record_events(
        events=[account_event(account=account, kind="limits_changed", actor=actor, facts=facts, now=now)], now=now
    )
    return account


def _set_state(
    account_id: str, state: AccountState, reason: str, actor: Actor, now: datetime, *, kind: str
) -> AccountRecord:
    _check_reason(reason)
    arguments = [ids.to_uuid(account_id, prefix="acct"), state, reason, json.dumps(actor.as_dict()), now]
    with refusals_meant(), connection.cursor() as cursor:
        cursor.execute("SELECT ledger_set_account_state(%s, %s, %s, %s::jsonb, %s)", arguments)
        (before,) = cursor.fetchone()
    account = get_account(account_id=account_id)
    if before != state:
        facts = {"state_before": before}
        record_events(events=[account_event(account=account, kind=kind, actor=actor, facts=facts, now=now)], now=now)
    return account


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > _REASON_LIMIT:
        raise InvalidAccount(f"Say why, in 1 to {_REASON_LIMIT} characters.")
