"""Reads of screenings: hits, runs, checks, and what monitoring found."""

from datetime import datetime
from typing import Final

from django.db.models import Count, Q

from policy.screening import store
from policy.screening.models import Check, Finding, Hit, Run
from policy.screening.operations.settings import read_settings
from policy.screening.types import CheckRecord, FindingRecord, HitRecord, RunRecord, Settings
from zentra.core import ids
from zentra.core.errors import DomainError

DEFAULT_LIMIT: Final = 50
PageKey = tuple[datetime, str]


class RunNotFound(DomainError):
    """There is no such run in this workspace."""

    code = "screening_run_not_found"
    status = 404
    title = "There is no such run"


def get_hit(*, hit_id: str) -> HitRecord:
    """One hit. Raises HitNotFound, BadId."""
    row = Hit.objects.filter(id=hit_id).first()
    if row is None:
        raise store.HitNotFound(f"There is no hit {hit_id[:40]}.")
    return store.hit_record(row)


def hits_of(*, party_id: str, state: str | None = None) -> list[HitRecord]:
    """A party's hits: those that wait first, then the best score."""
    rows = Hit.objects.filter(party__id=party_id, **({"state": state} if state else {})).order_by("-score", "-id")
    return sorted((store.hit_record(row) for row in rows), key=lambda hit: hit.state != "open")


def list_hits(
    *,
    state: str | None = None,
    list_id: str | None = None,
    party_id: str | None = None,
    before: PageKey | None = None,
    limit: int = DEFAULT_LIMIT,
) -> list[HitRecord]:
    """Hits of all parties, newest first; ``before`` is the ``page_key`` of the last row seen."""
    wanted = {"state": state, "list_id": list_id, "party__id": party_id}
    rows = Hit.objects.filter(**{name: value for name, value in wanted.items() if value}).order_by("-found_at", "-id")
    if before is not None:
        rows = rows.filter(
            Q(found_at__lt=before[0]) | Q(found_at=before[0], id__lt=ids.to_uuid(before[1], prefix="hit"))
        )
    return [store.hit_record(row) for row in rows[:limit]]


def count_hits() -> dict[str, int]:
    """How many hits are in each state."""
    return dict(Hit.objects.values_list("state").annotate(count=Count("id")).order_by("state"))


def get_run(*, run_id: str) -> RunRecord:
    """One run over all parties. Raises RunNotFound, BadId."""
    row = Run.objects.filter(id=run_id).first()
    if row is None:
        raise RunNotFound(f"There is no run {run_id[:40]}.")
    return store.run_record(row)


def list_runs(*, limit: int = 20, before: int | None = None) -> list[RunRecord]:
    """Runs, newest first; ``before`` is the number of the last one seen."""
    rows = Run.objects.order_by("-number")
    return [store.run_record(row) for row in (rows.filter(number__lt=before) if before else rows)[:limit]]


def running_run() -> RunRecord | None:
    """The run that is under way, the oldest where there are several."""
    row = Run.objects.filter(state="running").order_by("number").first()
    return None if row is None else store.run_record(row)


def list_checks(*, party_id: str, limit: int = DEFAULT_LIMIT) -> list[CheckRecord]:
    """When a party was screened and what came of it, newest first."""
    rows = Check.objects.filter(party__id=party_id).order_by("-at", "-id")[:limit]
    return [store.check_record(row) for row in rows]


def list_findings(
    *,
    party_id: str | None = None,
    reference: str | None = None,
    scenario: str | None = None,
    before: PageKey | None = None,
    limit: int = DEFAULT_LIMIT,
) -> list[FindingRecord]:
    """What monitoring found, newest first; ``before`` is the ``page_key`` of the last row seen."""
    wanted = {"party__id": party_id, "reference": reference, "scenario": scenario}
    rows = Finding.objects.filter(**{name: value for name, value in wanted.items() if value})
    rows = rows.order_by("-found_at", "-id")
    if before is not None:
        rows = rows.filter(
            Q(found_at__lt=before[0]) | Q(found_at=before[0], id__lt=ids.to_uuid(before[1], prefix="aml"))
        )
    return [
        FindingRecord(
            row.id, row.reference, row.party_id, row.scenario, row.period, row.currency, row.score, row.facts,
            row.review_id, row.found_at,
        )
        for row in rows[:limit]
    ]  # fmt: skip


def screening_settings() -> Settings:
    """How this workspace screens."""
    return read_settings()
