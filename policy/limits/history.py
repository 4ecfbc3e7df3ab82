"""What somebody moved, as limits saw it: the intents of a customer or counterparty, newest first."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection


@dataclass(frozen=True, slots=True)
class Moved:
    """An intent of somebody. ``is_customer`` says on which side: who paid, or who was paid. Minor units, UTC."""

    intent_id: str
    kind: str
    amount_minor: int
    currency: str
    is_customer: bool
    state: str
    at: datetime


def movements_of_reference(*, reference: str, since: datetime, limit: int = 20) -> list[Moved]:
    """The newest intents in which this customer or counterparty takes part, not before ``since``; no declined ones.

    ``since`` bounds the cost for a counterparty, which has no index of its own.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "(SELECT intent_id, kind, amount_minor, currency, true, state, at FROM policy_movement"
            "  WHERE customer = %(who)s AND at >= %(since)s ORDER BY at DESC LIMIT %(limit)s)"
            " UNION ALL"
            " (SELECT intent_id, kind, amount_minor, currency, false, state, at FROM policy_movement"
            "  WHERE counterparty = %(who)s AND customer IS DISTINCT FROM %(who)s AND at >= %(since)s"
            "  ORDER BY at DESC LIMIT %(limit)s)"
            " ORDER BY at DESC, intent_id LIMIT %(limit)s",
            {"who": reference, "since": since, "limit": limit},
        )
        return [Moved(*row) for row in cursor.fetchall()]
