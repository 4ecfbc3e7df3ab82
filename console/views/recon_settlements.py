"""Letting a rail's payout be posted to the ledger, by a person who may post."""

from django.http.response import HttpResponseBase

from console.doors import Visit, room
from console.forms import act_once
from console.kept import keeping
from console.presenters.words import grouped
from console.readings.recon import home
from console.views.recon_statements import statement_page
from zentra.reconciliation.statements.operations import post_settlement_of
from zentra.tenants.permissions import Permission


@room(Permission.LEDGER_POST, in_transaction=False, step_up=True)
@keeping(statement_page, act="settle")
def settle(visit: Visit, statement_id: str) -> HttpResponseBase:
    """Post what a rail's report says that it paid out."""

    def effect() -> str:
        found = post_settlement_of(statement_id=statement_id, actor=visit.actor(), now=visit.now)
        if found.state == "posted":
            late = f" {found.late_for} is closed, so it counts in the next open month." if found.late_for else ""
            return f"{found.batch} is posted: {grouped(found.net_minor)} {found.currency} net.{late}"
        return f"The ledger refused {found.batch}; it is tried again by itself. {found.reason}"

    return act_once(visit, operation="recon.settle", effect=effect, to=f"{home(visit)}statements/{statement_id}/")
