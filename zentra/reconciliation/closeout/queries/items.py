"""What has to be looked at one by one: intents in flight, aged items, what came late, and how lines were matched."""

from datetime import datetime
from typing import Final

from ledger.queries import late_postings, turnovers
from zentra.core import ids
from zentra.reconciliation.closeout.store import get_row, rows
from zentra.reconciliation.closeout.types import AgedItem, InFlight, LateItem, RuleShare
from zentra.runtime import queries as runtime

MOST_LATE: Final = 1_000
_AGED: Final = """
SELECT x.kind, x.account_id, a.ledger_account_code, x.currency,
       CASE WHEN x.age <= 1 THEN '0-1' WHEN x.age <= 7 THEN '2-7' WHEN x.age <= 30 THEN '8-30' ELSE '30+' END AS bucket,
       count(*), sum(abs(x.amount_minor))
  FROM (SELECT e.*, %(day)s::date - e.happened_on AS age FROM recon_exception e
         WHERE e.state <> 'resolved' AND e.happened_on <= %(day)s) x
  JOIN recon_account a ON a.id = x.account_id
 GROUP BY 1, 2, 3, 4, 5
 ORDER BY min(x.happened_on), 1, 3, 4, 5
"""
_BY_RULE: Final = """
SELECT coalesce(CASE m.how WHEN 'rule' THEN m.rule ELSE m.how END, ''), count(*)
  FROM recon_line l
  JOIN recon_statement s ON s.id = l.statement_id AND s.is_complete
  LEFT JOIN recon_match_item i ON i.line_id = l.id AND i.stands
  LEFT JOIN recon_match m ON m.id = i.match_id AND m.state = 'confirmed'
 WHERE l.booked_on BETWEEN %(first)s AND %(last)s
 GROUP BY 1 ORDER BY 2 DESC, 1
"""


def list_in_flight(*, period_id: str, limit: int = 200) -> list[InFlight]:
    """The intents in flight at the period's cut-off, with their state then, oldest first. Raises PeriodNotFound."""
    found = runtime.list_in_flight(at=get_row(period_id).ends_at, limit=limit)
    return [InFlight(each.intent_id, each.status, each.amount_minor, each.currency, each.created_at) for each in found]


def count_in_flight(*, at: datetime) -> int:
    """How many intents were in flight at a moment."""
    return runtime.count_in_flight(at=at)


def list_aged(*, period_id: str, now: datetime) -> list[AgedItem]:  # noqa: ARG001  # asked with the moment, as pages are
    """Suspense accounts that are not empty at the period's end, and unresolved exceptions by age on its last day.

    Raises PeriodNotFound, BadId.
    """
    period = get_row(period_id)
    suspense = [
        AgedItem("suspense", each.account_id, each.account_code, each.currency, "balance", 1, each.closing_minor)
        for each in turnovers(start=period.starts_at, end=period.ends_at)
        if each.account_type == "suspense" and each.closing_minor
    ]
    return suspense + [
        AgedItem(kind, ids.to_public("rca", account), code, currency, bucket, int(count), int(amount))
        for kind, account, code, currency, bucket, count, amount in rows(_AGED, {"day": period.ends_on})
    ]


def list_late(*, period_id: str) -> list[LateItem]:
    """Postings that belong to this period, came when it took them no more, and count later; the oldest 1,000."""
    return _late(f"{get_row(period_id).starts_on:%Y-%m}")


def count_late(*, month: str) -> int:
    """How many postings came late for a month; 1,000 means that many or more."""
    return len(_late(month))


def matched_by_rule(*, period_id: str) -> list[RuleShare]:
    """How the lines of a period were matched, the most first; ``rule`` is empty for those that are not.

    ``manual`` and ``forced`` are people's. Raises PeriodNotFound, BadId.
    """
    period = get_row(period_id)
    found = rows(_BY_RULE, {"first": period.starts_on, "last": period.ends_on})
    total = sum(count for _, count in found)
    return [RuleShare(rule, int(count), int(count) * 10_000 // total) for rule, count in found]


def _late(month: str) -> list[LateItem]:
    return [
        LateItem(
            posting_id=each.posting_id,
            belongs_to=each.late_for,
            effective_at=each.effective_at,
            recorded_at=each.recorded_at,
            purpose=each.purpose,
            intent_id=each.intent_id,
            amount_minor=each.amount_minor,
            currency=each.currency,
        )
        for each in late_postings(late_for=month, limit=MOST_LATE)
    ]
