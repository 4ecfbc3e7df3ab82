"""``/reconciliation/periods/{period}/trial-balance.csv``: the books of a month as a file."""

import re
from typing import Final

from django.http import HttpRequest, HttpResponse
from ninja import Router

from zentra.api.doors import caller_of, door
from zentra.core.tenancy import tenant_work
from zentra.reconciliation.closeout import exports, queries
from zentra.reconciliation.closeout.errors import PeriodNotFound
from zentra.tenants.permissions import Permission

router = Router(tags=["Closeout"])

_MONTH: Final = re.compile(r"\d{4}-\d{2}")
_CSV: Final = {"content": {"text/csv": {"schema": {"type": "string"}}}}


@door(
    router,
    "GET",
    "/reconciliation/periods/{period}/trial-balance.csv",
    permission=Permission.RECONCILIATION_READ,
    rate="heavy",
    response=None,
    openapi_extra={"responses": {200: {"description": "Every account, and a row of totals a currency.", **_CSV}}},
)
def get_trial_balance_file(request: HttpRequest, period: str) -> HttpResponse:
    """The trial balance of a period with opening, movement and closing, as CSV."""
    with tenant_work(caller_of(request).tenant):
        found = queries.find_period(month=period)
        if found is None and _MONTH.fullmatch(period):
            raise PeriodNotFound(f"There is no period {period}.", month=period)
        found = found or queries.get_period(period_id=period)
        content = exports.trial_balance_csv(period_id=found.id)
    name = f'attachment; filename="trial-balance-{found.month}.csv"'
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": name})
