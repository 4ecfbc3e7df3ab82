"""The chart of accounts: its categories, and the templates from which a workspace takes one."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.charts import CHART_TEMPLATES, DEFAULT_CATEGORIES, ChartCategory, ChartEntry
from ledger.errors import AccountExists, CategoryExists, InvalidCategory, UnknownChart
from ledger.operations.accounts import open_account
from ledger.operations.events import account_created_event
from ledger.queries.accounts import find_account
from ledger.queries.categories import CategoryRecord, category_record, find_category
from ledger.types import AccountRecord
from zentra.core import ids, telemetry
from zentra.core.actors import Actor
from zentra.core.money import check_currency

_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
# So many levels every reader of the tree can walk down, and no chart of accounts needs more.
MOST_LEVELS: Final = 20
_LEVEL: Final = """
WITH RECURSIVE line (parent_id) AS (
  SELECT parent_id FROM ledger_category WHERE id = %s
   UNION ALL
  SELECT c.parent_id FROM ledger_category c JOIN line l ON c.id = l.parent_id
)
SELECT count(*) FROM line
"""
_RETURNING: Final = "RETURNING id, code, name, parent_id, created_at"
_INSERT: Final = f"""
INSERT INTO ledger_category (id, code, name, parent_id, created_at) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT ON CONSTRAINT ledger_category_code_once DO NOTHING {_RETURNING}
"""  # noqa: S608  # constant columns
_RENAME: Final = f"UPDATE ledger_category SET name = %s WHERE id = %s {_RETURNING}"  # noqa: S608  # constant columns
_ASSIGN: Final = """
UPDATE ledger_account a SET category_id = n.category_id, updated_at = %s
  FROM unnest(%s::text[], %s::uuid[]) AS n (code, category_id)
 WHERE a.code = n.code AND a.currency = %s AND a.category_id IS NULL
"""


@dataclass(frozen=True, slots=True)
class AppliedChart:
    """What applying a template made, and the accounts of it that stood already."""

    template: str
    currency: str
    categories: tuple[CategoryRecord, ...]
    accounts: tuple[AccountRecord, ...]
    kept: tuple[AccountRecord, ...]


def create_category(*, code: str, name: str, actor: Actor, now: datetime, parent: str | None = None) -> CategoryRecord:
    """Add a category below ``parent`` (id or code), or at the top. Its place never changes.

    Raises InvalidCategory, UnknownCategory (the parent), CategoryExists. Event: category.created.
    """
    if not _CODE.fullmatch(code) or code.startswith("cat_"):
        raise InvalidCategory(f"{code[:90]!r} is no code: 1 to 80 of A-Z a-z 0-9 _ . : -, and not like an id.")
    above = None if parent is None else ids.to_uuid(find_category(ref=parent).id, prefix="cat")
    if above is not None and _level(above) >= MOST_LEVELS:
        raise InvalidCategory(f"Categories have {MOST_LEVELS} levels at most.", parent=parent, most_levels=MOST_LEVELS)
    made = _insert(code, _name(name), above, now)
    if made is None:
        raise CategoryExists(f"There is a category {code}.", category=code)
    record_events(events=[_event("category.created", made, actor)], now=now)
    return made


def rename_category(*, category: str, name: str, actor: Actor, now: datetime) -> CategoryRecord:
    """Give a category (id or code) another name. Raises InvalidCategory, UnknownCategory. Event: category.renamed."""
    key = ids.to_uuid(find_category(ref=category).id, prefix="cat")
    with connection.cursor() as cursor:
        cursor.execute(_RENAME, [_name(name), key])
        renamed = category_record(row=cursor.fetchone())
    record_events(events=[_event("category.renamed", renamed, actor)], now=now)
    return renamed


def apply_chart(*, template: str, currency: str, actor: Actor, now: datetime) -> AppliedChart:
    """Make the categories and accounts of a template in a currency, those that are missing.

    May be repeated, and race itself: whoever comes second finds what the first made. An account that stands already is
    left as it is, save that it gets the template's category when it has none; one of another type under the same code
    is refused. Raises UnknownChart, UnknownCurrency, AccountExists. Events: category.created, account.created.
    """
    chart = CHART_TEMPLATES.get(template)
    if chart is None:
        raise UnknownChart(f"{template[:60]!r} is no chart template.", allowed=sorted(CHART_TEMPLATES))
    check_currency(currency)
    made, keys = _make_categories(chart.categories, now)
    opened, kept = list[AccountRecord](), list[AccountRecord]()
    # In the order of codes, as categories: two that apply charts at once never wait for each other in a circle.
    for entry in sorted(chart.accounts, key=lambda each: each.code):
        record, is_new = _open(entry, currency, keys, actor, now)
        (opened if is_new else kept).append(record)
    _assign({entry.code: keys[entry.category] for entry in chart.accounts}, currency, now)
    events = [_event("category.created", category, actor) for category in made]
    events += [account_created_event(account=account, actor=actor) for account in opened]
    record_events(events=events, now=now)
    return AppliedChart(template, currency, tuple(made), tuple(opened), tuple(kept))


def assign_default_categories(*, currency: str, now: datetime) -> None:
    """Give the accounts that every workspace has in a currency their categories, where they have none.

    Part of provisioning, which records no events of its own.
    """
    categories = [category for category, _ in DEFAULT_CATEGORIES]
    _, keys = _make_categories(categories, now)
    _assign({code: keys[category.code] for category, codes in DEFAULT_CATEGORIES for code in codes}, currency, now)


def _make_categories(
    categories: Iterable[ChartCategory], now: datetime
) -> tuple[list[CategoryRecord], Mapping[str, UUID]]:
    """Those that were missing, and the keys of all by code."""
    made, keys = [], dict[str, UUID]()
    # By code: a parent's code is the beginning of its children's, so it comes before them.
    for category in sorted(categories, key=lambda each: each.code):
        above = None if category.parent is None else keys[category.parent]
        record = _insert(category.code, category.name, above, now)
        if record is not None:
            made.append(record)
        else:
            record = find_category(ref=category.code)
        keys[category.code] = ids.to_uuid(record.id, prefix="cat")
    return made, keys


def _open(
    entry: ChartEntry, currency: str, keys: Mapping[str, UUID], actor: Actor, now: datetime
) -> tuple[AccountRecord, bool]:
    try:
        record = open_account(
            code=entry.code,
            name=f"{entry.name} {currency}",
            account_type=entry.account_type,
            currency=currency,
            category_id=ids.to_public("cat", keys[entry.category]),
            # As of the chart that every workspace has: pooled accounts are hot, and what is hot is not locked.
            sequencing="deferred",
            floor_minor=None,
            actor=actor,
            now=now,
        )
    except AccountExists:
        standing = find_account(ref=entry.code, currency=currency)
        if standing.account_type != entry.account_type:
            raise AccountExists(
                f"{entry.code} exists in {currency} as {standing.account_type}, not {entry.account_type}.",
                account=entry.code,
                currency=currency,
                account_type=standing.account_type,
                expected=entry.account_type,
            ) from None
        return standing, False
    return record, True


def _insert(code: str, name: str, parent: UUID | None, now: datetime) -> CategoryRecord | None:
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [ids.new_uuid(), code, name, parent, now])
        row = cursor.fetchone()
    return None if row is None else category_record(row=row)


def _assign(categories: Mapping[str, UUID], currency: str, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ASSIGN, [now, list(categories), list(categories.values()), currency])


def _level(category: UUID) -> int:
    """How many categories stand from the top down to this one. None changes its place, so no lock is needed."""
    with connection.cursor() as cursor:
        cursor.execute(_LEVEL, [category])
        (levels,) = cursor.fetchone()
    return int(levels)


def _name(name: str) -> str:
    stripped = name.strip()
    if not 1 <= len(stripped) <= 120:
        raise InvalidCategory("A category's name has 1 to 120 characters.")
    return stripped


def _event(kind: str, category: CategoryRecord, actor: Actor) -> NewEvent:
    # Without the name: a leaf is for ever, and people write names.
    facts: dict[str, object] = {"category_id": category.id, "code": category.code, "parent_id": category.parent_id}
    return NewEvent(kind, actor, facts, trace_id=telemetry.trace_id())
