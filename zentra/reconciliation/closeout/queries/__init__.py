"""Everything that reads closeout."""

from zentra.reconciliation.closeout.queries.balances import (
    customer_money,
    customer_money_of,
    flux,
    flux_of,
    list_gl_accounts,
    roll_forward,
)
from zentra.reconciliation.closeout.queries.checklist import list_tasks
from zentra.reconciliation.closeout.queries.items import list_aged, list_in_flight, list_late, matched_by_rule
from zentra.reconciliation.closeout.queries.money_proofs import (
    due_money_days,
    list_money_proofs,
    proofs_of_period,
)
from zentra.reconciliation.closeout.queries.overviews import get_overview, list_overviews
from zentra.reconciliation.closeout.queries.packets import get_packet, list_packets, open_packet
from zentra.reconciliation.closeout.queries.periods import (
    find_period,
    get_period,
    list_expired,
    list_periods,
    period_history,
    watched_periods,
)
from zentra.reconciliation.closeout.queries.samples import audit_sample, drawn_sample
from zentra.reconciliation.closeout.queries.tie_outs import get_tie_out, list_tie_outs

__all__ = [
    "audit_sample",
    "customer_money",
    "customer_money_of",
    "drawn_sample",
    "due_money_days",
    "find_period",
    "flux",
    "flux_of",
    "get_overview",
    "get_packet",
    "get_period",
    "get_tie_out",
    "list_aged",
    "list_expired",
    "list_gl_accounts",
    "list_in_flight",
    "list_late",
    "list_money_proofs",
    "list_overviews",
    "list_packets",
    "list_periods",
    "list_tasks",
    "list_tie_outs",
    "matched_by_rule",
    "open_packet",
    "period_history",
    "proofs_of_period",
    "roll_forward",
    "watched_periods",
]
