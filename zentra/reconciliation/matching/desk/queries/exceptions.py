"""Exceptions: one, several, a page of them, and how many of which age."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from django.db import connection

from zentra.core import ids
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.matching.desk import store
from zentra.reconciliation.matching.desk.errors import NoSuchException
from zentra.reconciliation.matching.desk.filters import where_of
from zentra.reconciliation.matching.desk.types import (
    MOST,
    AgeCount,
    ExceptionCounts,
    ExceptionFilter,
    ExceptionRecord,
    Order,
)
from zentra.tenants.permissions import Permission
from zentra.tenants.roles.queries import list_holders

_ORDERS: Final[dict[str, tuple[str, str, str]]] = {
    "oldest": ("x.happened_on", ">", "x.happened_on, x.id"),
    "newest": ("x.opened_at", "<", "x.opened_at DESC, x.id DESC"),
}
"""What each order goes by, which way it goes on, and the order itself."""


def get_exception(*, exception_id: str, now: datetime) -> ExceptionRecord:
    """The exception of an id ``exc_…``; raises NoSuchException."""
    return store.get(exception_id, now=now)


def exceptions_by_id(*, exception_ids: Sequence[str], now: datetime) -> dict[str, ExceptionRecord]:
    """The exceptions of these ids; what is no id of one here is left out."""
    keys = []
    for each in exception_ids:
        try:
            keys.append(store.key_of(each))
        except NoSuchException:
            continue
    return {found.id: found for found in store.select("WHERE x.id = ANY(%s)", [keys], now=now)} if keys else {}


def list_exceptions(
    *,
    where: ExceptionFilter,
    now: datetime,
    order: Order = "oldest",
    after: tuple[date | datetime, str] | None = None,
    limit: int = 50,
) -> list[ExceptionRecord]:
    """A page of exceptions: the oldest (by the day it happened) or the newest (by when it was opened) first.

    ``after`` is ``key_of`` the last row. At most 200.
    """
    condition, values = where_of(where, now=now, today=store.today(now))
    column, way, sorted_by = _ORDERS[order]
    if after is not None:
        moment, last = after
        condition += f" AND ({column}, x.id) {way} (%s, %s)"
        values += [moment, store.key_of(last)]
    return store.select(
        f"WHERE {condition} ORDER BY {sorted_by} LIMIT %s", [*values, max(1, min(limit, MOST))], now=now
    )


def key_of(*, record: ExceptionRecord, order: Order = "oldest") -> tuple[date | datetime, str]:
    """After which the next page of a list in this order starts."""
    return (record.happened_on if order == "oldest" else record.opened_at), record.id


def count_by_kind_and_age(*, now: datetime, account_id: str | None = None) -> tuple[AgeCount, ...]:
    """How many unresolved exceptions there are by kind, age and currency, with their sums in minor units.

    Ages are whole days of the workspace: 0–1, 2–7, 8–30, more than 30. Raises BadId.
    """
    day = store.today(now)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, CASE WHEN age <= 1 THEN '0-1' WHEN age <= 7 THEN '2-7' WHEN age <= 30 THEN '8-30'"
            "  ELSE '30+' END AS bucket, currency, count(*), sum(amount)::bigint FROM"
            " (SELECT kind, %s::date - happened_on AS age, currency, abs(amount_minor) AS amount FROM recon_exception"
            "   WHERE state <> 'resolved' AND (%s::uuid IS NULL OR account_id = %s)) AS open"
            " GROUP BY 1, 2, 3 ORDER BY 1, min(age), 3",
            [day, *[ids.to_uuid(account_id, prefix="rca") if account_id else None] * 2],
        )
        return tuple(AgeCount(*row) for row in cursor.fetchall())


def count_exceptions(*, now: datetime, user_id: str, account_id: str | None = None) -> ExceptionCounts:
    """The desk in numbers, and how it stands to one person, in one statement. Raises BadId."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE state = 'open'), count(*) FILTER (WHERE state = 'waiting'),"
            " count(*) FILTER (WHERE due_at < %(now)s), count(*) FILTER (WHERE owner_id IS NULL),"
            " count(*) FILTER (WHERE owner_id = %(key)s),"
            " count(*) FILTER (WHERE state = 'waiting' AND EXISTS (SELECT FROM recon_adjustment j"
            "   WHERE j.exception_id = x.id AND j.state = 'proposed' AND j.proposed_by ->> 'id' <> %(user)s))"
            " FROM recon_exception x WHERE state <> 'resolved'"
            " AND (%(account)s::uuid IS NULL OR account_id = %(account)s)",
            {
                "now": now, "user": user_id, "key": ids.to_uuid(user_id, prefix="usr"),
                "account": ids.to_uuid(account_id, prefix="rca") if account_id else None,
            },
        )  # fmt: skip
        return ExceptionCounts(*cursor.fetchone())


def list_owners() -> list[tuple[str, str]]:
    """Who may own exceptions: the people who may match here, (user id, main role)."""
    holders = list_holders(workspace_id=current_tenant().id, having=[Permission.RECONCILIATION_MATCH])
    return [(person, role) for person, role, _there in holders]
