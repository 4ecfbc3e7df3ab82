"""``/ledger-checks``: runs of the integrity check, which recomputes everything from entries."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from ledger.integrity.types import CheckRunRecord
from ledger.queries import list_checks
from zentra.api import pagination
from zentra.api.doors import answer_json, caller_of, door
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.v1.file_answers import CheckPage
from zentra.core import clock
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Ledgers"])


@door(router, "GET", "/ledger-checks", permission=Permission.LEDGER_READ, response=CheckPage)
def list_all(request: HttpRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> HttpResponse:
    """Runs of the integrity check, the latest first, each with what it found."""
    tenant = caller_of(request).tenant
    before = pagination.read_cursor(cursor, listing="ledger-checks", workspace_id=tenant.id)
    with tenant_work(tenant):
        page = pagination.build_page(
            list_checks(limit=limit + 1, before=before),
            limit=limit,
            listing="ledger-checks",
            workspace_id=tenant.id,
            position=lambda run: (run.started_at, run.id),
            show=_show,
        )
    return answer_json(page)


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
