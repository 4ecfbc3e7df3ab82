"""``/ledger-checks``: runs of the integrity check, which recomputes everything from entries."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from ledger.integrity.types import CheckRunRecord
from ledger.queries import list_checks
from zentra.api.doors import answer_page, door
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.v1.file_answers import CheckPage
from zentra.core import clock
from zentra.tenants.permissions import Permission

router = Router(tags=["Ledgers"])


@door(router, "GET", "/ledger-checks", permission=Permission.LEDGER_READ, response=CheckPage)
def list_all(request: HttpRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> HttpResponse:
    """Runs of the integrity check, the latest first, each with what it found."""
    return answer_page(
        request,
        listing="ledger-checks",
        limit=limit,
        cursor=cursor,
        read=lambda rows, before: list_checks(limit=rows, before=before),
        position=lambda run: (run.started_at, run.id),
        show=_show,
    )


def _show(run: CheckRunRecord) -> dict[str, Any]:
    return {
        "id": run.id,
        "object": "ledger_check",
        "started_by": run.started_by,
        "status": run.state,
        "postings": run.postings,
        "entries": run.entries,
        "accounts": run.accounts,
        "findings": [finding.as_dict() for finding in run.findings],
        "started_at": clock.iso(run.started_at),
        "finished_at": None if run.finished_at is None else clock.iso(run.finished_at),
    }
