"""Runs of matching."""

from collections.abc import Collection
from datetime import datetime
from typing import Final, cast

from django.db import connection
from django.db.models import Q

from zentra.core.ids import to_public, to_uuid
from zentra.reconciliation.matching.errors import RunNotFound
from zentra.reconciliation.matching.models import Run
from zentra.reconciliation.matching.queries.rules import read_rules
from zentra.reconciliation.matching.types import RuleCount, RunRecord, RunState

_NEWEST: Final = """
SELECT r.id FROM unnest(%s::uuid[]) AS a (id)
 CROSS JOIN LATERAL (SELECT x.id FROM recon_run x WHERE x.account_id = a.id
                      ORDER BY x.created_at DESC, x.id DESC LIMIT 1) r
"""


def get_run(*, run_id: str) -> RunRecord:
    """A run; raises RunNotFound, BadId."""
    found = Run.objects.filter(id=run_id).first()
    if found is None:
        raise RunNotFound(f"There is no run {run_id}.", run_id=run_id)
    return run_record(row=found)


def list_runs(
    *, limit: int, account_id: str | None = None, before: tuple[datetime, str] | None = None
) -> list[RunRecord]:
    """Runs, newest first. ``before`` is (created_at, id) of the last one seen; raises BadId."""
    rows = Run.objects.all() if account_id is None else Run.objects.filter(account_id=account_id)
    if before is not None:
        rows = rows.filter(Q(created_at__lt=before[0]) | Q(created_at=before[0], id__lt=before[1]))
    return [run_record(row=row) for row in rows.order_by("-created_at", "-id")[:limit]]


def last_runs(*, account_ids: Collection[str]) -> dict[str, RunRecord]:
    """The newest run of each of these accounts that has one, by account; raises BadId."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [[to_uuid(each, prefix="rca") for each in account_ids]])
        keys = [to_public("mrn", key) for (key,) in cursor.fetchall()]
    return {row.account_id: run_record(row=row) for row in Run.objects.filter(id__in=keys)}


def run_record(*, row: Run) -> RunRecord:
    """The record of a row."""
    counts = tuple(RuleCount(rule=rule, **count) for rule, count in row.by_rule.items())
    return RunRecord(
        id=row.id, account_id=row.account_id, rules_version=row.rules_version, is_dry_run=row.is_dry_run,
        state=cast(RunState, row.state), lines=row.lines, entries=row.entries, matches=row.matches, by_rule=counts,
        problem=row.problem, started_by=row.started_by, created_at=row.created_at, finished_at=row.finished_at,
        same=row.same, fresh=row.fresh, lost=row.lost,
        rules=None if row.rules is None else read_rules(stored=row.rules),
    )  # fmt: skip
