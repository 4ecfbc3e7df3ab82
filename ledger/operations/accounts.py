"""Opening accounts, the chart that every workspace is born with, freezing."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import DatabaseError, connection

from ledger.errors import AccountClosed, AccountExists, AccountNotFound, InvalidAccount, UnknownAccountType, refusal_of
from ledger.operations.postings import post_postings
from ledger.queries.accounts import ACCOUNT_COLUMNS, account_record
from ledger.types import ACCOUNT_TYPES, CHART, NO_FLOOR, AccountRecord, AccountState, Line, NewPosting, PostingFacts
from zentra.core import actors, ids
from zentra.core.actors import Actor
from zentra.core.money import MAX_AMOUNT_MINOR, check_currency, exponent
from zentra.core.tenancy import current_tenant

_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_INSERT: Final = (
    """
INSERT INTO ledger_account (id, code, name, account_type, type, normal_balance, currency, customer, external_id,
       floor_minor, state, state_reason, metadata, opened_by, created_at, updated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'active', '', %s::jsonb, %s::jsonb, %s, %s)
    ON CONFLICT ON CONSTRAINT ledger_account_code_once DO NOTHING
RETURNING """
    + ACCOUNT_COLUMNS
)


class _Default:
    """The floor that goes with the account type."""


DEFAULT_FLOOR: Final = _Default()


def open_account(
    *,
    account_type: str,
    currency: str,
    actor: Actor,
    now: datetime,
    code: str | None = None,
    name: str = "",
    customer: str | None = None,
    external_id: str | None = None,
    floor_minor: int | _Default | None = DEFAULT_FLOOR,
    metadata: Mapping[str, object] | None = None,
) -> AccountRecord:
    """Open an account; without a code its own id is its code.

    ``account_type`` fixes class and normal balance. ``floor_minor`` is the least available balance in minor units,
    None for no floor; left out, it is what goes with the type: 0 for operating and customer accounts, none else.
    Raises UnknownAccountType, UnknownCurrency, InvalidAccount, AccountExists. Records no event: ``account.created`` is
    the door's, which knows the trace.
    """
    kind = ACCOUNT_TYPES.get(account_type)
    if kind is None:
        raise UnknownAccountType(
            f"{account_type[:40]!r} is none of the account types.",
            allowed=sorted(word for word, each in ACCOUNT_TYPES.items() if each.opened_by_callers),
        )
    check_currency(currency)
    account_id = ids.new_id("acct")
    code = code or account_id
    floor = kind.floor_minor if isinstance(floor_minor, _Default) else floor_minor
    if not _CODE.fullmatch(code) or (code != account_id and code.startswith("acct_")):
        raise InvalidAccount(f"{code[:90]!r} is no code: 1 to 80 of A-Z a-z 0-9 _ . : -, and not like an id.")
    if floor is not None and not NO_FLOOR <= floor <= MAX_AMOUNT_MINOR:
        raise InvalidAccount(f"A floor lies within 2^53−1, not at {floor}.")
    record = _insert(
        [
            ids.to_uuid(account_id, prefix="acct"),
            code,
            name or code,
            account_type,
            kind.type,
            kind.normal_balance,
            currency,
            customer,
            external_id,
            floor,
            json.dumps(dict(metadata or {})),
            json.dumps(actor.as_dict()),
            now,
            now,
        ]
    )
    if record is None:
        raise AccountExists(f"{code} exists in {currency}.", account=code, currency=currency)
    return record


def create_chart(*, currency: str, now: datetime) -> list[AccountRecord]:
    """Make the accounts of CONTRACT.md 8 for a currency, those that are missing; a sandbox's are funded at birth.

    The opening balances go through ``opening_equity``: what is in the bank, then whose it is.
    """
    check_currency(currency)
    made = [record for entry in CHART if (record := _open_of_chart(entry.code, currency, now)) is not None]
    if current_tenant().mode == "sandbox" and "opening_equity" in {record.code for record in made}:
        _fund(currency, now)
    return made


def freeze_account(*, account_id: str, reason: str, now: datetime) -> AccountRecord:
    """Stop postings to an active account. Raises AccountNotFound, AccountClosed."""
    return _change_state(account_id, "frozen", reason, now)


def unfreeze_account(*, account_id: str, reason: str, now: datetime) -> AccountRecord:
    """Allow postings to a frozen account again. Raises AccountNotFound, AccountClosed."""
    return _change_state(account_id, "active", reason, now)


def _open_of_chart(code: str, currency: str, now: datetime) -> AccountRecord | None:
    entry = next(each for each in CHART if each.code == code)
    kind = ACCOUNT_TYPES[entry.account_type]
    floor = None  # see CHART: nothing that every posting touches may be locked by one
    name = f"{entry.name} {currency}"
    sides = [entry.account_type, kind.type, kind.normal_balance]
    opened_by = json.dumps(actors.LEDGER.as_dict())
    return _insert([ids.new_uuid(), code, name, *sides, currency, None, None, floor, "{}", opened_by, now, now])


def _insert(values: list[Any]) -> AccountRecord | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, values)
            row = cursor.fetchone()
    except DatabaseError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error
    return None if row is None else account_record(row)


def _fund(currency: str, now: datetime) -> None:
    unit = 10 ** exponent(currency)
    openings = [(entry.code, entry.opening_major * unit) for entry in CHART if entry.opening_major]
    total = sum(amount for _, amount in openings)
    owed = (Line("opening_equity", "debit", total), *(Line(code, "credit", amount) for code, amount in openings))
    post_postings(
        postings=[
            _opening(
                "opening.bank", (Line("bank", "debit", total), Line("opening_equity", "credit", total)), currency, now
            ),
            _opening("opening.balances", owed, currency, now),
        ],
        facts=PostingFacts(actor=actors.LEDGER, recorded_at=now, correlation_id=f"opening-{currency}"),
    )


def _opening(purpose: str, lines: tuple[Line, ...], currency: str, now: datetime) -> NewPosting:
    return NewPosting(
        posting_id=ids.new_id("posting"),
        purpose=purpose,
        lines=lines,
        currency=currency,
        effective_at=now,
        description="Opening balances of the sandbox",
    )


def _change_state(account_id: str, state: AccountState, reason: str, now: datetime) -> AccountRecord:
    key = ids.to_uuid(account_id, prefix="acct")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ledger_account SET state = %s, state_reason = %s, updated_at = %s"  # noqa: S608  # constant columns
            f" WHERE id = %s AND state <> 'closed' RETURNING {ACCOUNT_COLUMNS}",
            [state, reason, now, key],
        )
        row = cursor.fetchone()
        if row is not None:
            return account_record(row)
        cursor.execute("SELECT code FROM ledger_account WHERE id = %s", [key])
        found = cursor.fetchone()
    if found is None:
        raise AccountNotFound(f"There is no account {account_id}.", account_id=account_id)
    raise AccountClosed(f"Account {found[0]} is closed.", account=found[0])
