"""The daily proof of customers' money: days that are over become due, and a due day is computed and kept.

Nothing here is overwritten. A day is proven once its cut-off is over, and again when something came that counts in it:
a posting with an earlier effective time, or a bank's statement. What has changed makes the next revision.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Q

from evidence.types import NewEvent
from ledger.queries import earliest_effective_since
from zentra.core import clock, ids
from zentra.core.actors import RECONCILIATION
from zentra.reconciliation.closeout import calendar
from zentra.reconciliation.closeout.models import MoneyDay, MoneyProof, MoneyWatch, Period
from zentra.reconciliation.closeout.money import figures_of, stored_parts
from zentra.reconciliation.closeout.money_types import MoneyFigures, MoneyProofRecord
from zentra.reconciliation.closeout.queries.money_proofs import due_money_days, read_proof
from zentra.reconciliation.closeout.store import record_of_period

SETTLING: Final = timedelta(minutes=2)
"""So long after a moment every posting that was written before it can be read: no transaction is longer."""
MOST_AT_ONCE: Final = 62
"""So many due days are named at once; the others come with the next look."""
BACK: Final = timedelta(days=31)
"""Days that nobody looked at are made up for from the month in which the day so long ago lies."""

_MARK_LATE: Final = """
UPDATE recon_money_day d SET is_due = true
  FROM recon_period p
 WHERE p.id = d.period_id AND d.cut_off_at > %(earliest)s AND NOT d.is_due
   AND NOT (p.state = 'closed' AND d.looked_at > p.locked_at + %(settling)s)
"""
# Every bank statement of the import: a file may hold a month of them.
_MARK_STATED: Final = """
UPDATE recon_money_day d SET is_due = true
  FROM recon_statement o
  JOIN recon_statement s ON s.import_id = o.import_id AND s.is_complete
  JOIN recon_account a ON a.id = s.account_id AND a.kind = 'bank', recon_period p
 WHERE o.id = %(statement)s AND d.business_day BETWEEN s.starts_on AND s.ends_on AND NOT d.is_due
   AND p.id = d.period_id AND p.state <> 'closed'
"""


@transaction.atomic
def open_money_days(*, now: datetime, period_id: str | None = None) -> list[date]:
    """Make the business days that are over, and mark those again in which something counts that came since the last
    look; the days that are due now, the oldest first, at most 62.

    Two at once wait for each other, and do it once. Days before the month of 31 days ago are not made up for, but for
    those of ``period_id``; then only its days are named.
    """
    MoneyWatch.objects.bulk_create([MoneyWatch(id=1, seen_at=now)], ignore_conflicts=True)
    watch = MoneyWatch.objects.select_for_update().get(id=1)
    of = Q(cut_off_at__gt=now - 3 * BACK) | Q(period_id=period_id)
    known = set(MoneyDay.objects.filter(of).values_list("business_day", flat=True))
    MoneyDay.objects.bulk_create(
        (each for each in _over(now, period_id) if each.business_day not in known), ignore_conflicts=True
    )
    earliest = earliest_effective_since(recorded_at=watch.seen_at - SETTLING)
    if earliest is not None:
        _run(_MARK_LATE, {"earliest": earliest, "settling": SETTLING})
    watch.seen_at = max(now, watch.seen_at)
    watch.save(update_fields=["seen_at"])
    return due_money_days(limit=MOST_AT_ONCE, period_id=period_id)


def mark_stated_days(*, statement_id: str) -> None:
    """A bank's statement is complete: the days that its import covers are proven again, but for those of locked months.

    Raises BadId.
    """
    _run(_MARK_STATED, {"statement": ids.to_uuid(statement_id, prefix="stm")})


@transaction.atomic
def prove_money_day(*, day: date, now: datetime) -> list[MoneyProofRecord]:
    """Compute the customer money of a due day in every currency, and keep what is new of it; the proofs just made.

    Records ``customer_money.proven`` for each, and ``customer_money.short`` where less is held than owed. A day that is
    not due any more, because another worker was first, is left as it is.
    """
    row = MoneyDay.objects.select_for_update().filter(business_day=day).first()
    if row is None or not row.is_due or now < row.cut_off_at:
        return []
    before = _latest(day)
    known = set(before) | _known_before(day)
    made = []
    for each in figures_of(day=day, cut_off=row.cut_off_at):
        last = before.get(each.currency)
        if _is_new(each, last, is_known=each.currency in known):
            proof = _keep(row, each, 1 if last is None else last.revision + 1, now)
            made += [] if proof is None else [proof]
    row.is_due, row.looked_at = False, now
    row.save(update_fields=["is_due", "looked_at"])
    record_of_period(row.period_id, [event for proof in made for event in _events(proof)], now=now)
    return made


def _over(now: datetime, period_id: str | None) -> Iterator[MoneyDay]:
    """The business days that are over and settled, in the zone and at the cut-off of the month that each is in."""
    oldest = (now - BACK).date().replace(day=1)
    for period in Period.objects.filter(Q(starts_on__gte=oldest) | Q(id=period_id)):
        begun, day = period.starts_at, period.starts_on
        while day <= period.ends_on:
            end = (
                period.ends_at
                if day == period.ends_on
                else calendar.end_of_day(day=day, zone=period.time_zone, hour=period.cut_off_hour)
            )
            if end + SETTLING > now:
                break
            if begun < end <= period.ends_at:
                yield MoneyDay(business_day=day, period_id=period.id, cut_off_at=end, is_due=True)
                begun = end
            day += timedelta(days=1)


def _latest(day: date) -> dict[str, MoneyProof]:
    found = MoneyProof.objects.filter(business_day=day).order_by("revision")
    return {row.currency: row for row in found}


def _known_before(day: date) -> set[str]:
    return set(MoneyProof.objects.filter(business_day__lt=day).order_by().values_list("currency", flat=True).distinct())


def _is_new(figures: MoneyFigures, last: MoneyProof | None, *, is_known: bool) -> bool:
    """Whether it says something that the last revision does not; a currency begins when something is owed or held."""
    if last is None:
        return is_known or bool(figures.parts) or bool(figures.bank_minor)
    return read_proof(row=last).facts() != figures.facts()


def _keep(row: MoneyDay, figures: MoneyFigures, revision: int, now: datetime) -> MoneyProofRecord | None:
    made = MoneyProof(
        id=ids.new_id("mpr"),
        business_day=row.business_day,
        currency=figures.currency,
        revision=revision,
        period_id=row.period_id,
        parts=stored_parts(figures=figures),
        cut_off_at=row.cut_off_at,
        computed_at=now,
        **figures.amounts(),
    )
    kept = MoneyProof.objects.bulk_create([made], ignore_conflicts=True)
    return read_proof(row=made) if MoneyProof.objects.filter(id=kept[0].id).exists() else None


def _events(proof: MoneyProofRecord) -> Iterator[NewEvent]:
    data = {
        "proof_id": proof.id,
        "period_id": proof.period_id,
        "business_day": proof.business_day.isoformat(),
        "currency": proof.currency,
        "revision": proof.revision,
        **proof.amounts(),
        "cut_off_at": clock.iso(proof.cut_off_at),
    }
    yield NewEvent(type="customer_money.proven", actor=RECONCILIATION, data=data)
    if proof.is_short:
        yield NewEvent(type="customer_money.short", actor=RECONCILIATION, data=data)


def _run(statement: str, values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
