"""Which ledger accounts are reconciled, how their bank or rail names them, and how its CSV files are read."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import holidays
from django.db import IntegrityError, connection, transaction

from evidence.operations import record_events
from ledger.queries import find_account
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.reconciliation.statements import events
from zentra.reconciliation.statements.errors import AccountExists, AccountInUse, AccountInvalid, StaleAccount
from zentra.reconciliation.statements.formats.mapping import CsvMapping
from zentra.reconciliation.statements.models import ReconciledAccount
from zentra.reconciliation.statements.queries.accounts import get_reconciled_account
from zentra.reconciliation.statements.records import account_record
from zentra.reconciliation.statements.settling import is_owed_by_a_rail
from zentra.reconciliation.statements.types import ACCOUNT_KINDS, AccountKind, ReconciledAccountRecord

MAX_SETTLE_DAYS: Final = 60
MAX_REASON: Final = 500
_CALENDAR: Final = re.compile(r"[A-Za-z]{2,20}(-[A-Z0-9]{1,6})?")


def open_reconciled_account(
    *,
    ledger_account: str,
    kind: AccountKind,
    name: str,
    external_id: str,
    actor: Actor,
    now: datetime,
    currency: str | None = None,
    calendar: str = "weekdays",
    settle_days: int = 1,
    mapping: Mapping[str, Any] | None = None,
) -> ReconciledAccountRecord:
    """Reconcile a ledger account from now on. ``ledger_account`` is its id, or its code (with ``currency`` if several).

    What a rail owes is a receivable: its settlements credit that account, so no other can be of kind ``rail``.
    Raises UnknownAccount, AccountInvalid, AccountExists, MappingInvalid.
    """
    if kind not in ACCOUNT_KINDS:
        raise AccountInvalid(f"kind is one of {', '.join(ACCOUNT_KINDS)}.", field="kind")
    account = find_account(ref=ledger_account, currency=currency)
    if kind == "rail" and not is_owed_by_a_rail(type_=account.type, account_type=account.account_type):
        raise AccountInvalid(
            f"{account.code} is an account of type {account.account_type}; a rail owes a receivable.", field="kind"
        )
    values = {
        "name": _name(name),
        "external_id": _external_id(external_id, kind),
        "calendar": _calendar(calendar),
        "settle_days": _settle_days(settle_days),
        "mapping": None if mapping is None else CsvMapping.read(mapping).as_dict(),
    }
    try:
        with transaction.atomic():
            row = ReconciledAccount.objects.create(
                id=ids.new_id("rca"),
                ledger_account_id=account.id,
                ledger_account_code=account.code,
                kind=kind,
                currency=account.currency,
                taken_version=0,
                version=1,
                created_by=actor.as_dict(),
                created_at=now,
                **values,
            )
    except IntegrityError:
        raise AccountExists(
            f"{account.code} ({account.currency}) or {values['external_id']} is reconciled already.",
            ledger_account_id=account.id,
            external_id=values["external_id"],
        ) from None
    return account_record(row)


@transaction.atomic
def change_reconciled_account(
    *,
    account_id: str,
    version: int,
    actor: Actor,
    now: datetime,
    name: str | None = None,
    external_id: str | None = None,
    calendar: str | None = None,
    settle_days: int | None = None,
) -> ReconciledAccountRecord:
    """Change what is given; ``version`` is the one that was read. Recorded as ``reconciliation.account.changed``.

    Raises AccountNotFound, AccountInvalid, AccountExists, StaleAccount, BadId.
    """
    values: dict[str, Any] = {}
    if name is not None:
        values["name"] = _name(name)
    if external_id is not None:
        kind = get_reconciled_account(account_id=account_id).kind
        values["external_id"] = _external_id(external_id, kind)
    if calendar is not None:
        values["calendar"] = _calendar(calendar)
    if settle_days is not None:
        values["settle_days"] = _settle_days(settle_days)
    record = _change(account_id, version, values)
    record_events(events=[events.account_changed(record, changed=sorted(values), actor=actor)], now=now)
    return record


def save_mapping(*, account_id: str, mapping: Mapping[str, Any], version: int | None = None) -> ReconciledAccountRecord:
    """How CSV files of this account are read from now on; ``version`` as in ``change_reconciled_account``, or any.

    Raises AccountNotFound, MappingInvalid, StaleAccount, BadId.
    """
    return _change(account_id, version, {"mapping": CsvMapping.read(mapping).as_dict()})


@transaction.atomic
def close_reconciled_account(
    *, account_id: str, version: int, actor: Actor, reason: str, now: datetime
) -> ReconciledAccountRecord:
    """Import nothing more for it; what is there stays, and is tied out up to the month in which it is closed.

    Recorded as ``reconciliation.account.closed``. Raises AccountNotFound, AccountInvalid (no reason, or closed
    already), AccountInUse (a softly closed month is not tied out with it), StaleAccount, BadId.
    """
    words = " ".join(reason.split())
    if not 3 <= len(words) <= MAX_REASON:
        raise AccountInvalid(f"Say why, in 3 to {MAX_REASON} characters.", field="reason")
    if not get_reconciled_account(account_id=account_id).is_open:
        raise AccountInvalid("The account is closed already.", field="account_id")
    values = {"closed_at": now, "closed_by": actor.as_dict(), "closed_reason": words}
    record = _change(account_id, version, values)
    months = _months_being_closed(account_id)
    if months:
        raise AccountInUse(f"{', '.join(months)}: the tie-out is not approved.", account_id=account_id, months=months)
    record_events(events=[events.account_closed(account_id=account_id, actor=actor)], now=now)
    return record


def _months_being_closed(account_id: str) -> list[str]:
    """Months that are softly closed and whose tie-out of the account nobody approved; closeout's own tables."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_char(p.starts_on, 'YYYY-MM') FROM recon_period p JOIN recon_tie_out t ON t.period_id = p.id"
            " WHERE p.state = 'soft' AND t.account_id = %s AND t.state <> 'approved' ORDER BY 1",
            [ids.to_uuid(account_id, prefix="rca")],
        )
        return [month for (month,) in cursor.fetchall()]


def _change(account_id: str, version: int | None, values: dict[str, Any]) -> ReconciledAccountRecord:
    record = get_reconciled_account(account_id=account_id)
    rows = ReconciledAccount.objects.filter(id=account_id, version=record.version if version is None else version)
    try:
        with transaction.atomic():
            changed = rows.update(**values, version=(record.version if version is None else version) + 1)
    except IntegrityError:
        raise AccountExists(
            f"{values['external_id']} is reconciled already.", external_id=values["external_id"]
        ) from None
    if changed != 1:
        raise StaleAccount(f"{account_id} is at version {record.version}.", account_id=account_id,
                           version=record.version)  # fmt: skip
    return get_reconciled_account(account_id=account_id)


def _name(name: str) -> str:
    plain = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    if not 1 <= len(plain) <= 100:
        raise AccountInvalid("A name has 1 to 100 characters.", field="name")
    return plain


def _external_id(text: str, kind: AccountKind) -> str:
    """As files write it, without spaces: an IBAN is printed in groups of four or in one piece. A bank's: upper case."""
    joined = "".join(text.split())
    plain = joined.upper() if kind == "bank" else joined
    if not 1 <= len(plain) <= 64 or not plain.isprintable():
        raise AccountInvalid("An external id has 1 to 64 characters.", field="external_id")
    return plain


def _calendar(text: str) -> str:
    """``weekdays``, or a market or country of the ``holidays`` package, as ``ECB``, ``NYSE``, ``DE``, ``DE-BY``."""
    if text == "weekdays":
        return text
    market, _, part = text.partition("-")
    markets, countries = holidays.list_supported_financial(), holidays.list_supported_countries()
    is_known = text in markets or (market in countries and (not part or part in countries[market]))
    if not _CALENDAR.fullmatch(text) or not is_known:
        raise AccountInvalid(f"There is no calendar {text[:20]!r}.", field="calendar")
    return text


def _settle_days(days: int) -> int:
    if type(days) is not int or not 0 <= days <= MAX_SETTLE_DAYS:
        raise AccountInvalid(f"settle_days is 0 to {MAX_SETTLE_DAYS} business days.", field="settle_days")
    return days
