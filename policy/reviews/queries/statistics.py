"""How people judged what rules raised: what tunes a rule is how often it was right."""

from datetime import datetime

from django.db import connection

from policy.reviews.types import RuleStatistics


def review_statistics(*, since: datetime, until: datetime, rule: str | None = None) -> list[RuleStatistics]:
    """Per rule: cases raised in a span, how many of them are decided, and how many were what the rule feared.

    Declined and ``confirmed`` cases were; approved and ``cleared`` ones were not; the others count as undecided.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.name, count(DISTINCT r.id),"
            " count(DISTINCT r.id) FILTER (WHERE r.state IN ('approved', 'declined')"
            "   OR r.outcome_code IN ('confirmed', 'cleared')),"
            " count(DISTINCT r.id) FILTER (WHERE r.state = 'declined' OR r.outcome_code = 'confirmed')"
            " FROM policy_review_alert a JOIN policy_review r ON r.id = a.review_id"
            " WHERE a.raised_at >= %s AND a.raised_at < %s AND (%s::text IS NULL OR a.name = %s)"
            " GROUP BY a.name ORDER BY 2 DESC, a.name",
            [since, until, rule, rule],
        )
        return [RuleStatistics(*row) for row in cursor.fetchall()]
