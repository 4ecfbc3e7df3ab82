"""The books over a period: trial balance with roll-forward, flux, and whether customers' money is there."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from ledger.queries import list_accounts, turnovers
from ledger.types import Turnover
from zentra.core.canonical import dumps, sha256_hex
from zentra.reconciliation.closeout.models import GlAccount, Period
from zentra.reconciliation.closeout.store import get_row
from zentra.reconciliation.closeout.types import CustomerMoney, FluxRow, ProofRow, RollForward, RollRow
from zentra.reconciliation.closeout.types import GlAccount as GlAccountRecord

OWED: Final = ("customer", "reserved", "settlement", "merchant", "payout")
"""Account types that hold other people's money."""
HELD: Final = ("bank", "receivable", "payable")
"""Where it is: at banks and with rails, less what is owed to rails."""
MOST_ACCOUNTS: Final = 5_000
_INSTANT: Final = timedelta(microseconds=1)


def roll_forward(*, period_id: str) -> list[RollForward]:
    """The trial balance of a period with opening, movement and closing of every account, one for each currency.

    One snapshot. Raises PeriodNotFound, BadId.
    """
    period = get_row(period_id)
    codes = {row.ledger_account_id: row.gl_code for row in GlAccount.objects.all()}
    by_currency: defaultdict[str, list[RollRow]] = defaultdict(list)
    for each in turnovers(start=period.starts_at, end=period.ends_at):
        by_currency[each.currency].append(_row(each, codes.get(each.account_id, "")))
    return [
        RollForward(currency=currency, rows=tuple(rows), sha256=roll_forward_hash(currency=currency, rows=rows))
        for currency, rows in sorted(by_currency.items())
    ]


def roll_forward_json(*, found: RollForward) -> dict[str, object]:
    """A roll-forward as packets keep it and its hash covers it."""
    return _as_json(found.currency, found.rows)


def roll_forward_hash(*, currency: str, rows: Sequence[RollRow]) -> str:
    """SHA-256 of the canonical form of a roll-forward."""
    return sha256_hex(dumps(_as_json(currency, rows)))


def flux(*, period_id: str) -> list[FluxRow]:
    """What every account moved in a period beside what it moved in the one before; those that moved in neither are out.

    Raises PeriodNotFound, BadId.
    """
    return flux_of(period_id=period_id, books=roll_forward(period_id=period_id))


def flux_of(*, period_id: str, books: Sequence[RollForward]) -> list[FluxRow]:
    """The same, of a period's roll-forward that was read already; raises PeriodNotFound, BadId."""
    period = get_row(period_id)
    before = Period.objects.filter(starts_on__lt=period.starts_on).order_by("-starts_on").first()
    earlier = {} if before is None else _movements(before)
    found = [
        FluxRow(
            row.account_id, row.account_code, book.currency, row.credits_minor - row.debits_minor,
            earlier.get(row.account_id, 0),
        )
        for book in books
        for row in book.rows
    ]  # fmt: skip
    return [each for each in found if each.movement_minor or each.before_minor]


def customer_money(*, at: datetime) -> list[CustomerMoney]:
    """The customer-money proof of every currency at a moment (the moment itself is not in it), by effective time.

    Owed are accounts of the types customer, reserved, settlement, merchant and payout, credits − debits. Held are
    bank and receivable accounts less payable ones. All other accounts are our own part; the three add up.
    """
    by_currency: defaultdict[str, list[Turnover]] = defaultdict(list)
    for each in turnovers(start=at - _INSTANT, end=at):
        by_currency[each.currency].append(each)
    return [_proof(currency, accounts, at) for currency, accounts in sorted(by_currency.items())]


def customer_money_of(*, books: Sequence[RollForward], at: datetime) -> list[CustomerMoney]:
    """The same at the end of a period (``at``), of its roll-forward that was read already."""
    return [_proof(book.currency, book.rows, at) for book in books]


def list_gl_accounts() -> list[GlAccountRecord]:
    """The newest 5,000 ledger accounts by code, with the general-ledger account each goes to; empty: not mapped yet."""
    codes = {row.ledger_account_id: row for row in GlAccount.objects.all()}
    found = sorted(list_accounts(limit=MOST_ACCOUNTS), key=lambda each: (each.code, each.currency))
    return [
        GlAccountRecord(
            each.id,
            each.code,
            each.currency,
            codes[each.id].gl_code if each.id in codes else "",
            codes[each.id].gl_name if each.id in codes else "",
        )
        for each in found
    ]


def _proof(currency: str, accounts: Sequence[Turnover | RollRow], at: datetime) -> CustomerMoney:
    owed = tuple(_part(each, 1) for each in accounts if each.account_type in OWED)
    held = tuple(_part(each, -1) for each in accounts if each.account_type in HELD)
    own = tuple(_part(each, 1) for each in accounts if each.account_type not in (*OWED, *HELD))
    return CustomerMoney(
        currency=currency,
        at=at,
        owed=owed,
        held=held,
        own=own,
        owed_minor=sum(each.amount_minor for each in owed),
        held_minor=sum(each.amount_minor for each in held),
        own_minor=sum(each.amount_minor for each in own),
        advanced_minor=-sum(
            each.amount_minor for each in owed if each.account_type == "customer" and each.amount_minor < 0
        ),
    )


def _part(each: Turnover | RollRow, sign: int) -> ProofRow:
    return ProofRow(each.account_id, each.account_code, each.account_type, sign * each.closing_minor)


def _movements(period: Period) -> dict[str, int]:
    return {
        each.account_id: each.credits_minor - each.debits_minor
        for each in turnovers(start=period.starts_at, end=period.ends_at)
    }


def _row(each: Turnover, gl_code: str) -> RollRow:
    return RollRow(
        account_id=each.account_id,
        account_code=each.account_code,
        account_name=each.account_name,
        account_type=each.account_type,
        type=each.type,
        gl_code=gl_code,
        opening_minor=each.opening_minor,
        debits_minor=each.debits_minor,
        credits_minor=each.credits_minor,
        closing_minor=each.closing_minor,
    )


def _as_json(currency: str, rows: Sequence[RollRow]) -> dict[str, object]:
    return {
        "currency": currency,
        "rows": [
            {
                "account_id": row.account_id,
                "account": row.account_code,
                "account_type": row.account_type,
                "type": row.type,
                "opening_minor": row.opening_minor,
                "debits_minor": row.debits_minor,
                "credits_minor": row.credits_minor,
                "closing_minor": row.closing_minor,
            }
            for row in rows
        ],
    }
