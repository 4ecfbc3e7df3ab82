"""Beancount text (v2 and v3) of postings. Beancount itself is never imported; its checker is run on it in a test."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date
from decimal import Decimal
from typing import Final

from ledger.queries.postings import StoredPosting
from ledger.types import AccountRecord, PostedEntry
from zentra.core.money import exponent

_ROOT: Final = {
    "asset": "Assets",
    "liability": "Liabilities",
    "equity": "Equity",
    "income": "Income",
    "expense": "Expenses",
}
_NOT_OF_NAME: Final = re.compile(r"[^A-Za-z0-9-]+")


def render_beancount_head(*, accounts: Sequence[AccountRecord]) -> bytes:
    """The options, and an ``open`` for each account: on the first day there is, since postings may count from any."""
    names = account_names(accounts)
    currencies = sorted({account.currency for account in accounts})
    lines = [
        'option "title" "Zentra ledger"',
        *(f'option "operating_currency" "{currency}"' for currency in currencies),
        'option "booking_method" "NONE"',
        "",
        *(_opened(account, names[account.id]) for account in accounts),
        "",
    ]
    return ("\n".join(lines) + "\n").encode()


def render_beancount(postings: Iterable[StoredPosting], *, accounts: Sequence[AccountRecord]) -> bytes:
    """Posted postings as transactions. What is pending moves no money yet and stands there as a comment."""
    names = account_names(accounts)
    return "".join(_transaction(stored, names) for stored in postings).encode()


def account_names(accounts: Sequence[AccountRecord]) -> dict[str, str]:
    """A Beancount name of each account id: its class, its currency, its code; codes that become equal get a number."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for account in accounts:
        word = _NOT_OF_NAME.sub("-", account.code).strip("-") or "Account"
        base = f"{_ROOT[account.type]}:{account.currency}:{word[0].upper()}{word[1:]}"
        name, number = base, 1
        while name in taken:
            number += 1
            name = f"{base}-{number}"
        taken.add(name)
        names[account.id] = name
    return names


def _opened(account: AccountRecord, name: str) -> str:
    return f"{date(1970, 1, 1).isoformat()} open {name} {account.currency}\n  code: {_quoted(account.code)}"


def _transaction(stored: StoredPosting, names: dict[str, str]) -> str:
    posted = stored.posted
    if posted.state != "posted":
        return f"; {posted.posting_id} is {posted.state} and moves no balance\n\n"
    day = max(posted.effective_at.astimezone(UTC).date(), date(1970, 1, 1))
    lines = [
        f"{day.isoformat()} * {_quoted(stored.asked.description or posted.purpose)}",
        f"  posting: {_quoted(posted.posting_id)}",
        f"  entry-hash: {_quoted(posted.entry_hash)}",
        *(f"  {names[entry.account_id]}  {_amount(entry)} {entry.currency}" for entry in posted.entries),
    ]
    return "\n".join(lines) + "\n\n"


def _amount(entry: PostedEntry) -> str:
    """Debits are positive in Beancount, credits negative, both in major units."""
    return f"{Decimal(-entry.signed_minor).scaleb(-exponent(entry.currency)):f}"


def _quoted(text: str) -> str:
    plain = " ".join(text.split())
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
