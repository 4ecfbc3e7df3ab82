"""The daily proofs of customers' money."""

from datetime import date, datetime
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet

from zentra.core import ids
from zentra.reconciliation.closeout.models import MoneyDay, MoneyProof
from zentra.reconciliation.closeout.money_types import MoneyProofRecord, money_parts

MOST: Final = 5_000
"""So many proofs at most are read at once."""


def list_money_proofs(
    *,
    first: date | None = None,
    last: date | None = None,
    currency: str | None = None,
    revisions: bool = False,
    before: tuple[datetime, str] | None = None,
    limit: int = MOST,
) -> list[MoneyProofRecord]:
    """The proofs of the business days from ``first`` to ``last``, both included, the newest first.

    Of each day and currency the newest revision, or with ``revisions`` every one. ``before`` is (cut_off_at, id) of
    the last one seen.
    """
    found = MoneyProof.objects.all() if revisions else _newest()
    if first is not None:
        found = found.filter(business_day__gte=first)
    if last is not None:
        found = found.filter(business_day__lte=last)
    if currency is not None:
        found = found.filter(currency=currency)
    if before is not None:
        moment, key = before
        ids.to_uuid(key, prefix="mpr")
        found = found.filter(cut_off_at__lte=moment).exclude(cut_off_at=moment, id__gte=key)
    return [read_proof(row=row) for row in found.order_by("-cut_off_at", "-id")[: min(limit, MOST)]]


def proofs_of_period(*, period_id: str) -> list[MoneyProofRecord]:
    """Every proof of a period in every revision: by currency, day and revision. Raises BadId."""
    ids.to_uuid(period_id, prefix="prd")
    found = MoneyProof.objects.filter(period_id=period_id)
    return [read_proof(row=row) for row in found.order_by("currency", "business_day", "revision")]


def due_money_days(*, limit: int, period_id: str | None = None) -> list[date]:
    """Business days that are to be proven, or again, the oldest first; only those of a period."""
    found = MoneyDay.objects.filter(is_due=True)
    if period_id is not None:
        found = found.filter(period_id=period_id)
    return list(found.order_by("business_day").values_list("business_day", flat=True)[:limit])


def read_proof(*, row: MoneyProof) -> MoneyProofRecord:
    """A proof's row as others see it."""
    parts, banks = money_parts(stored=row.parts)
    return MoneyProofRecord(
        currency=row.currency,
        owed_minor=row.owed_minor,
        held_minor=row.held_minor,
        in_transit_minor=row.in_transit_minor,
        advanced_minor=row.advanced_minor,
        bank_minor=row.bank_minor,
        bank_ledger_minor=row.bank_ledger_minor,
        parts=parts,
        banks=banks,
        id=row.id,
        business_day=row.business_day,
        revision=row.revision,
        period_id=row.period_id,
        cut_off_at=row.cut_off_at,
        computed_at=row.computed_at,
    )


def _newest() -> QuerySet[MoneyProof]:
    later = MoneyProof.objects.filter(
        business_day=OuterRef("business_day"), currency=OuterRef("currency"), revision=OuterRef("revision") + 1
    )
    return MoneyProof.objects.filter(~Exists(later))
