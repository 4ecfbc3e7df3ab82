"""Opening accounts, what describes them, and the chart that every workspace is born with."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from ledger.errors import (
    AccountClosed,
    AccountExists,
    InvalidAccount,
    LimitsNotAllowed,
    UnknownAccountType,
    UnknownCategory,
)
from ledger.operations.postings import post_postings
from ledger.queries.accounts import ACCOUNT_COLUMNS, account_record, get_account
from ledger.refusals import refusals_meant
from ledger.types import (
    ACCOUNT_TYPES,
    CHART,
    NO_FLOOR,
    AccountRecord,
    AccountType,
    Line,
    NewPosting,
    PostingFacts,
    Sequencing,
)
from zentra.core import actors, ids
from zentra.core.actors import Actor
from zentra.core.money import MAX_AMOUNT_MINOR, check_currency, exponent
from zentra.core.tenancy import current_tenant

_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_INSERT: Final = (
    """
INSERT INTO ledger_account (id, code, name, account_type, type, normal_balance, currency, customer, external_id,
       category_id, sequencing, floor_minor, ceiling_minor, state, state_reason, metadata, opened_by, created_at,
       updated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'active', '', %s::jsonb, %s::jsonb, %s, %s)
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
    category_id: str | None = None,
    sequencing: Sequencing | None = None,
    floor_minor: int | _Default | None = DEFAULT_FLOOR,
    ceiling_minor: int | None = None,
    metadata: Mapping[str, object] | None = None,
) -> AccountRecord:
    """Open an account; without a code its own id is its code.

    ``account_type`` fixes class and normal balance. ``floor_minor`` is the least available balance in minor units,
    None for no floor; left out, it is what goes with the type: 0 for operating and customer accounts, none else.
    ``ceiling_minor`` is the most that it may hold, pending in included. ``sequencing`` never changes: ``immediate``
    accounts are locked by each posting and may have limits, ``deferred`` ones can be hot and have none; left out, it
    follows from the limits and the type.

    Raises UnknownAccountType, UnknownCurrency, InvalidAccount, LimitsNotAllowed, UnknownCategory, AccountExists.
    Records no event: ``account.created`` is the door's, which knows the trace.
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
    if not _CODE.fullmatch(code) or (code != account_id and code.startswith("acct_")):
        raise InvalidAccount(f"{code[:90]!r} is no code: 1 to 80 of A-Z a-z 0-9 _ . : -, and not like an id.")
    floor, chosen = _floor_and_sequencing(kind, floor_minor, ceiling_minor, sequencing)
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
            _category(category_id),
            chosen,
            floor,
            ceiling_minor,
            json.dumps(dict(metadata or {})),
            json.dumps(actor.as_dict()),
            now,
            now,
        ]
    )
    if record is None:
        raise AccountExists(f"{code} exists in {currency}.", account=code, currency=currency)
    return record


def change_account(
    *,
    account_id: str,
    now: datetime,
    name: str | None = None,
    customer: str | None = None,
    external_id: str | None = None,
    category_id: str | None = None,
    metadata: Mapping[str, object] | None = None,
) -> AccountRecord:
    """Change what describes an account; what is left out stays. Code, type and currency never change.

    Raises AccountNotFound, AccountClosed, UnknownCategory.
    """
    account = get_account(account_id=account_id)
    if account.state == "closed":
        raise AccountClosed(f"Account {account.code} is closed.", account=account.code)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ledger_account SET name = coalesce(%s, name), customer = coalesce(%s, customer),"  # noqa: S608  # constants
            " external_id = coalesce(%s, external_id), category_id = coalesce(%s, category_id),"
            " metadata = coalesce(%s::jsonb, metadata), updated_at = %s"
            f" WHERE id = %s RETURNING {ACCOUNT_COLUMNS}",
            [
                name,
                customer,
                external_id,
                _category(category_id),
                None if metadata is None else json.dumps(dict(metadata)),
                now,
                ids.to_uuid(account_id, prefix="acct"),
            ],
        )
        return account_record(cursor.fetchone())


def check_limits(*, floor_minor: int | None, ceiling_minor: int | None) -> None:
    """Refuse limits that no balance can meet; raises InvalidAccount."""
    for word, limit in (("floor", floor_minor), ("ceiling", ceiling_minor)):
        if limit is not None and not NO_FLOOR <= limit <= MAX_AMOUNT_MINOR:
            raise InvalidAccount(f"A {word} lies within 2^53−1, not at {limit}.")
    if floor_minor is not None and ceiling_minor is not None and floor_minor > ceiling_minor:
        raise InvalidAccount(
            f"The floor {floor_minor} lies above the ceiling {ceiling_minor}.",
            floor_minor=floor_minor,
            ceiling_minor=ceiling_minor,
        )


def create_chart(*, currency: str, now: datetime) -> list[AccountRecord]:
    """Make the accounts of ``CHART`` in a currency, those that are missing; a sandbox's are funded at birth.

    The opening balances go through ``opening_equity``: what is in the bank, then whose it is.
    """
    check_currency(currency)
    made = [record for entry in CHART if (record := _open_of_chart(entry.code, currency, now)) is not None]
    if current_tenant().mode == "sandbox" and "opening_equity" in {record.code for record in made}:
        _fund(currency, now)
    return made


def _floor_and_sequencing(
    kind: AccountType, floor_minor: int | _Default | None, ceiling_minor: int | None, asked: Sequencing | None
) -> tuple[int | None, Sequencing]:
    """What is asked, else what goes with the type. Raises InvalidAccount, LimitsNotAllowed."""
    is_default = isinstance(floor_minor, _Default)
    floor = floor_minor if not isinstance(floor_minor, _Default) else None if asked == "deferred" else kind.floor_minor
    check_limits(floor_minor=floor, ceiling_minor=ceiling_minor)
    is_limited = floor is not None or ceiling_minor is not None
    chosen = asked or ("immediate" if is_limited else kind.sequencing if is_default else "deferred")
    if chosen == "deferred" and is_limited:
        raise LimitsNotAllowed("A deferred account has no limits: its entries are numbered after their commit.")
    return floor, chosen


def _category(category_id: str | None) -> UUID | None:
    if category_id is None:
        return None
    key = ids.to_uuid(category_id, prefix="cat")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM ledger_category WHERE id = %s", [key])
        if cursor.fetchone() is None:
            raise UnknownCategory(f"There is no category {category_id}.", category_id=category_id)
    return key


def _open_of_chart(code: str, currency: str, now: datetime) -> AccountRecord | None:
    entry = next(each for each in CHART if each.code == code)
    kind = ACCOUNT_TYPES[entry.account_type]
    name = f"{entry.name} {currency}"
    sides = [entry.account_type, kind.type, kind.normal_balance]
    # Deferred, see CHART: nothing that every posting touches may be locked by one.
    none = [None, None, None, "deferred", None, None]
    opened_by = json.dumps(actors.LEDGER.as_dict())
    return _insert([ids.new_uuid(), code, name, *sides, currency, *none, "{}", opened_by, now, now])


def _insert(values: list[Any]) -> AccountRecord | None:
    with refusals_meant(), connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        row = cursor.fetchone()
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
        facts=PostingFacts(
            actor=actors.LEDGER,
            recorded_at=now,
            correlation_id=f"opening-{currency}",
            external_reference=f"opening-{currency}",
        ),
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
