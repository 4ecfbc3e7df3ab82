"""The trial balance: every account's balance in the debit or the credit column, whose totals must be equal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from ledger.queries.moments import Basis, just_after
from ledger.types import AccountClass, AccountState
from zentra.core import ids

CLASS_ORDER: Final[tuple[AccountClass, ...]] = ("asset", "liability", "equity", "income", "expense")

_ROWS: Final = """
SELECT a.id, a.code, a.name, a.account_type, a.type, a.state, a.category_id, m.net
  FROM ledger_account a
  JOIN ({balances}) m ON m.account_id = a.id
 WHERE a.currency = %(currency)s
 ORDER BY array_position(%(classes)s::text[], a.type), a.code
"""
# What waits for the sequencer is added up once for all accounts.
_NOW: Final = """
SELECT b.account_id, b.posted_credits - b.posted_debits + coalesce(w.net, 0) AS net
  FROM ledger_balance b
  LEFT JOIN (SELECT u.account_id, sum(u.delta_minor) AS net FROM ledger_entry_unsequenced u GROUP BY u.account_id) w
    ON w.account_id = b.account_id
"""
_THEN: Final = """
SELECT t.account_id, t.credits - t.debits AS net
  FROM ledger_moments((SELECT array_agg(c.id) FROM ledger_account c WHERE c.currency = %(currency)s),
                      %(before)s, %(basis)s) t
"""
_CATEGORIES: Final = """
WITH RECURSIVE tree AS (
  SELECT c.id, c.code, c.name, c.parent_id, ARRAY[c.code] AS path FROM ledger_category c WHERE c.parent_id IS NULL
   UNION ALL
  SELECT c.id, c.code, c.name, c.parent_id, t.path || c.code FROM ledger_category c JOIN tree t ON c.parent_id = t.id
)
SELECT id, code, name, parent_id, cardinality(path) - 1 FROM tree ORDER BY path
"""


@dataclass(frozen=True, slots=True)
class TrialRow:
    """An account's balance, in the column that it falls into; the other one is 0. Minor units."""

    account_id: str
    account_code: str
    account_name: str
    account_type: str
    type: AccountClass
    state: AccountState
    category_id: str | None
    debit_minor: int
    credit_minor: int


@dataclass(frozen=True, slots=True)
class TrialClass:
    """The accounts of one accounting class, by code, and the totals of their columns."""

    type: AccountClass
    rows: tuple[TrialRow, ...]
    debit_minor: int
    credit_minor: int


@dataclass(frozen=True, slots=True)
class TrialCategory:
    """A category with the totals of its accounts and of all categories below it; ``depth`` 0 has no parent."""

    category_id: str
    code: str
    name: str
    parent_id: str | None
    depth: int
    accounts: int
    debit_minor: int
    credit_minor: int

    @property
    def net_minor(self) -> int:
        """Credits − debits."""
        return self.credit_minor - self.debit_minor


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """All accounts of a currency, now (``at`` null) or as of a moment, which is included."""

    currency: str
    at: datetime | None
    basis: Basis
    rows: tuple[TrialRow, ...]
    classes: tuple[TrialClass, ...]
    categories: tuple[TrialCategory, ...]
    debit_minor: int
    credit_minor: int

    @property
    def difference_minor(self) -> int:
        """Credits − debits: anything but 0 is an error of the ledger, and must be shown as one."""
        return self.credit_minor - self.debit_minor

    @property
    def is_balanced(self) -> bool:
        """Whether both columns add up to the same."""
        return self.difference_minor == 0


def trial_balance(*, currency: str, at: datetime | None = None, basis: Basis = "effective") -> TrialBalance:
    """The trial balance of a currency, now or as of a moment, by class and rolled up by category.

    Balances are one snapshot. Categories are read beside it: they never change their place.
    """
    values: dict[str, Any] = {"currency": currency, "classes": list(CLASS_ORDER), "basis": basis}
    if at is not None:
        values["before"] = just_after(at=at)
    with connection.cursor() as cursor:
        cursor.execute(_ROWS.format(balances=_NOW if at is None else _THEN), values)
        rows = tuple(_row(each) for each in cursor.fetchall())
        cursor.execute(_CATEGORIES)
        nodes = cursor.fetchall()
    return TrialBalance(
        currency=currency,
        at=at,
        basis=basis,
        rows=rows,
        classes=tuple(_classes(rows)),
        categories=_rolled_up(nodes, rows),
        debit_minor=sum(row.debit_minor for row in rows),
        credit_minor=sum(row.credit_minor for row in rows),
    )


def _row(row: Sequence[Any]) -> TrialRow:
    key, code, name, account_type, class_, state, category, net = row
    return TrialRow(
        account_id=ids.to_public("acct", key),
        account_code=code,
        account_name=name,
        account_type=account_type,
        type=class_,
        state=state,
        category_id=None if category is None else ids.to_public("cat", category),
        debit_minor=max(-int(net), 0),
        credit_minor=max(int(net), 0),
    )


def _classes(rows: Sequence[TrialRow]) -> Iterable[TrialClass]:
    for class_ in CLASS_ORDER:
        of_class = tuple(row for row in rows if row.type == class_)
        if of_class:
            debit, credit = sum(row.debit_minor for row in of_class), sum(row.credit_minor for row in of_class)
            yield TrialClass(class_, of_class, debit, credit)


def _rolled_up(nodes: Sequence[Sequence[Any]], rows: Sequence[TrialRow]) -> tuple[TrialCategory, ...]:
    """Categories in the order of the tree. Each adds what it holds to all above it."""
    parents = {node[0]: node[3] for node in nodes}
    totals = {key: [0, 0, 0] for key in parents}
    for row in rows:
        key = None if row.category_id is None else ids.to_uuid(row.category_id, prefix="cat")
        while key in totals:
            for place, amount in enumerate((1, row.debit_minor, row.credit_minor)):
                totals[key][place] += amount
            key = parents[key]
    return tuple(
        TrialCategory(
            category_id=ids.to_public("cat", key),
            code=code,
            name=name,
            parent_id=None if parent is None else ids.to_public("cat", parent),
            depth=depth,
            accounts=totals[key][0],
            debit_minor=totals[key][1],
            credit_minor=totals[key][2],
        )
        for key, code, name, parent, depth in nodes
    )
