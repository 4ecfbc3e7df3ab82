"""What is open on both sides of an account, for people who match by hand: oldest first, narrowed by what they type."""

from datetime import date

from django.db import connection

from zentra.core import ids
from zentra.reconciliation.matching.queries.entries import get_entries
from zentra.reconciliation.matching.types import EntryRecord
from zentra.reconciliation.statements.queries import get_lines
from zentra.reconciliation.statements.types import LineRecord

_LINES = """
    SELECT l.id FROM recon_open_line o JOIN recon_line l ON l.id = o.line_id
     WHERE o.account_id = %(account)s
       AND (%(on)s::date IS NULL OR (l.booked_on, l.id) > (%(on)s::date, %(id)s::uuid))
       AND (%(text)s = '' OR l.reference LIKE %(start)s OR l.batch LIKE %(start)s OR l.amount_minor::text = %(text)s
            OR l.description ILIKE %(inside)s OR l.counterparty ILIKE %(inside)s)
     ORDER BY l.booked_on, l.id LIMIT %(limit)s
"""
_ENTRIES = """
    SELECT e.entry_id FROM recon_open_entry o JOIN recon_entry e ON e.entry_id = o.entry_id
     WHERE o.account_id = %(account)s
       AND (%(on)s::date IS NULL OR (e.effective_on, e.entry_id) > (%(on)s::date, %(id)s::uuid))
       AND (%(text)s = '' OR e.reference LIKE %(start)s OR e.batch LIKE %(start)s OR e.amount_minor::text = %(text)s
            OR e.intent_id ILIKE %(inside)s)
     ORDER BY e.effective_on, e.entry_id LIMIT %(limit)s
"""


def list_open_lines(
    *, account_id: str, limit: int, text: str = "", after: tuple[date, str] | None = None
) -> list[LineRecord]:
    """Lines of an account that no match holds, oldest first. ``text`` is how a reference begins, what a text holds, or
    an amount in minor units; ``after`` is (booked_on, id) of the last one seen. Raises BadId.
    """
    return get_lines(line_ids=_ids(_LINES, "lin", account_id, limit, text, after))


def list_open_entries(
    *, account_id: str, limit: int, text: str = "", after: tuple[date, str] | None = None
) -> list[EntryRecord]:
    """Entries of an account that no match holds, oldest first; ``after`` is (effective_on, id). Raises BadId."""
    return get_entries(entry_ids=_ids(_ENTRIES, "entry", account_id, limit, text, after))


def _ids(
    statement: str, prefix: str, account_id: str, limit: int, text: str, after: tuple[date, str] | None
) -> list[str]:
    plain = "".join(char for char in text if char.isalnum()).upper().lstrip("0") if text else ""
    inside = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "account": ids.to_uuid(account_id, prefix="rca"),
                "on": after[0] if after else None,
                "id": ids.to_uuid(after[1], prefix=prefix) if after else None,
                "text": text.replace(",", ""),
                "start": f"{plain}%" if plain else "",
                "inside": f"%{inside}%",
                "limit": limit,
            },
        )
        return [ids.to_public(prefix, found) for (found,) in cursor.fetchall()]


def count_unresolved() -> int:
    """How many exceptions somebody has to act on or waits for, over all accounts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM recon_exception WHERE state <> 'resolved'")
        (count,) = cursor.fetchone()
    return int(count)
