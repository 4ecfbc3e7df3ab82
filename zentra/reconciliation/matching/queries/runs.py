"""Runs of matching."""

from datetime import datetime

from zentra.reconciliation.matching.types import RunRecord


def get_run(*, run_id: str) -> RunRecord:
    """A run; raises RunNotFound, BadId."""
    raise NotImplementedError


def list_runs(
    *, limit: int, account_id: str | None = None, before: tuple[datetime, str] | None = None
) -> list[RunRecord]:
    """Runs, newest first. ``before`` is (created_at, id) of the last one seen."""
    raise NotImplementedError
