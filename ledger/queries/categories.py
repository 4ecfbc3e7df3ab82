"""The chart of accounts as a tree, with what its accounts hold rolled up.

A category may hold accounts of both normal sides, so roll-ups are net: credits − debits. A tree of assets is therefore
negative and one of liabilities positive, and all trees of a currency together, with the accounts that are in none, are
zero. Where all accounts below share a side, ``normal_balance`` names it and the figures can be shown in its direction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

from ledger.errors import UnknownCategory
from ledger.types import Direction
from zentra.core import ids

_COLUMNS: Final = "SELECT id, code, name, parent_id, created_at FROM ledger_category"
_INSTANT: Final = timedelta(microseconds=1)  # the database's resolution: "as of", that moment included

_NOW: Final = """
  SELECT a.category_id, a.normal_balance, b.posted_credits - b.posted_debits + coalesce(w.net, 0) AS net,
         b.pending_debits + coalesce(w.debits, 0) AS debits, b.pending_credits + coalesce(w.credits, 0) AS credits
    FROM ledger_account a
    JOIN ledger_balance b ON b.account_id = a.id
    LEFT JOIN (SELECT u.account_id, sum(u.delta_minor) AS net, sum(u.pending_debits) AS debits,
                      sum(u.pending_credits) AS credits
                 FROM ledger_entry_unsequenced u GROUP BY u.account_id) w ON w.account_id = a.id
   WHERE a.currency = %(currency)s
"""
_THEN: Final = """
  SELECT a.category_id, a.normal_balance, m.credits - m.debits AS net, m.pending_debits AS debits,
         m.pending_credits AS credits
    FROM ledger_moments((SELECT array_agg(c.id) FROM ledger_account c WHERE c.currency = %(currency)s), %(before)s,
                        'effective') m
    JOIN ledger_account a ON a.id = m.account_id
"""
# Own figures of each category, and the same of everything below it. The last row is of the accounts in no category.
_TREE: Final = """
WITH RECURSIVE line (top, id) AS (
  SELECT c.id, c.id FROM ledger_category c
  UNION ALL
  SELECT l.top, c.id FROM line l JOIN ledger_category c ON c.parent_id = l.id
), account AS ({accounts}), own AS (
  SELECT a.category_id, count(*) AS accounts, count(*) FILTER (WHERE a.normal_balance = 'debit') AS debit_normal,
         sum(a.net) AS posted, sum(a.credits - a.debits) AS pending,
         sum(CASE a.normal_balance WHEN 'credit' THEN a.net - a.debits ELSE a.net + a.credits END) AS available
    FROM account a GROUP BY a.category_id
), total AS (
  SELECT l.top, sum(o.accounts)::bigint AS accounts, sum(o.debit_normal)::bigint AS debit_normal,
         sum(o.posted) AS posted, sum(o.pending) AS pending, sum(o.available) AS available
    FROM line l JOIN own o ON o.category_id = l.id GROUP BY l.top
)
SELECT c.id, c.code, c.name, c.parent_id, o.accounts, o.debit_normal, o.posted, o.pending, o.available,
       t.accounts, t.debit_normal, t.posted, t.pending, t.available
  FROM (SELECT id, code, name, parent_id FROM ledger_category UNION ALL SELECT NULL, NULL, NULL, NULL) c
  LEFT JOIN own o ON o.category_id IS NOT DISTINCT FROM c.id
  LEFT JOIN total t ON t.top = c.id
 ORDER BY c.id IS NULL, c.code
"""


@dataclass(frozen=True, slots=True)
class CategoryRecord:
    """A node of the chart of accounts."""

    id: str
    code: str
    name: str
    parent_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RollUp:
    """What a number of accounts of one currency hold together, in minor units, net: credits − debits.

    ``available_net_minor`` is posted less what is pending out: of a credit-normal account that lowers the sum, of a
    debit-normal one it brings it nearer to zero. Pending in is never available.
    """

    accounts: int = 0
    debit_normal: int = 0
    posted_net_minor: int = 0
    pending_net_minor: int = 0
    available_net_minor: int = 0

    @property
    def normal_balance(self) -> Direction | None:
        """The side that all the accounts share; None when they do not, or there are none."""
        if self.accounts == 0 or 0 < self.debit_normal < self.accounts:
            return None
        return "debit" if self.debit_normal else "credit"

    @property
    def posted_minor(self) -> int:
        """Posted in the direction of the side that all share, else net."""
        return self._directed(self.posted_net_minor)

    @property
    def pending_minor(self) -> int:
        """Pending, in less out, in the direction of the side that all share, else net."""
        return self._directed(self.pending_net_minor)

    @property
    def available_minor(self) -> int:
        """Available in the direction of the side that all share, else net."""
        return self._directed(self.available_net_minor)

    def _directed(self, net: int) -> int:
        return -net if self.normal_balance == "debit" else net


@dataclass(frozen=True, slots=True)
class CategoryNode:
    """A category with what its own accounts hold, what all below it hold, and its children by code.

    ``id`` is None of the node that stands last, for the accounts that are in no category.
    """

    id: str | None
    code: str
    name: str
    parent_id: str | None
    own: RollUp
    total: RollUp
    children: tuple["CategoryNode", ...] = ()


def find_category(*, ref: str) -> CategoryRecord:
    """The category of an id or a code; raises UnknownCategory."""
    is_id = ref.startswith("cat_") and len(ref) == len("cat_") + ids.LENGTH
    found = _records(*((" WHERE id = %s", [ids.to_uuid(ref, prefix="cat")]) if is_id else (" WHERE code = %s", [ref])))
    if not found:
        raise UnknownCategory(f"There is no category {ref[:100]}.", category=ref[:100])
    return found[0]


def list_categories() -> list[CategoryRecord]:
    """All categories, by code."""
    return _records(" ORDER BY code", [])


def category_tree(*, currency: str, at: datetime | None = None) -> list[CategoryNode]:
    """The chart of accounts with the balances of one currency, now or as of a moment (effective, that included).

    One statement, so one snapshot: the totals of the list add up to zero. Amounts of two currencies are never added;
    ask for each. Accounts without a category make a last node of their own, when there are any.
    """
    values: dict[str, Any] = {"currency": currency}
    if at is not None:
        values["before"] = at + _INSTANT
    with connection.cursor() as cursor:
        cursor.execute(_TREE.format(accounts=_NOW if at is None else _THEN), values)
        rows = cursor.fetchall()
    children: dict[UUID | None, list[Sequence[Any]]] = {}
    for row in rows:
        if row[0] is not None:
            children.setdefault(row[3], []).append(row)
    tree = [_node(row, children) for row in children.get(None, [])]
    rest = _roll_up(rows[-1][4:9])
    return [*tree, CategoryNode(None, "", "No category", None, rest, rest)] if rest.accounts else tree


def _node(row: Sequence[Any], children: Mapping[UUID | None, list[Sequence[Any]]]) -> CategoryNode:
    return CategoryNode(
        id=ids.to_public("cat", row[0]),
        code=row[1],
        name=row[2],
        parent_id=None if row[3] is None else ids.to_public("cat", row[3]),
        own=_roll_up(row[4:9]),
        total=_roll_up(row[9:14]),
        children=tuple(_node(child, children) for child in children.get(row[0], [])),
    )


def _roll_up(figures: Sequence[Any]) -> RollUp:
    return RollUp(*(0 if figure is None else int(figure) for figure in figures))


def _records(tail: str, values: Sequence[Any]) -> list[CategoryRecord]:
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS + tail, values)
        return [category_record(row=row) for row in cursor.fetchall()]


def category_record(*, row: Sequence[Any]) -> CategoryRecord:
    """The record of a row: id, code, name, parent's id, time of creation."""
    key, code, name, parent, created_at = row
    return CategoryRecord(
        id=ids.to_public("cat", key),
        code=code,
        name=name,
        parent_id=None if parent is None else ids.to_public("cat", parent),
        created_at=created_at,
    )
