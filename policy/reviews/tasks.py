"""What time does to cases, for each active workspace; each round a transaction, and all of it harmless twice."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from policy.reviews.operations import breach_overdue, escalate_unanswered, expire_claims, wake_snoozed
from policy.reviews.operations.leaving import reown_abandoned
from zentra.core.clock import now
from zentra.core.queue import periodic
from zentra.core.tenancy import TenantRef, tenant_work

MOST_ROUNDS: Final = 50
"""In one beat; after an outage the next beat goes on where this one stopped."""


def _until_none(ws: TenantRef, work: Callable[..., int]) -> None:
    for _ in range(MOST_ROUNDS):
        moment: datetime = now()
        with tenant_work(ws):
            done = work(now=moment)
        if not done:
            return


@periodic("policy.reviews", every_seconds=5.0)
def follow_time(ws: TenantRef) -> None:
    """Free what nobody works on any more, bring back what slept, breach what is due: exactly once each.

    What somebody owns who is gone gets another owner.
    """
    _until_none(ws, expire_claims)
    _until_none(ws, reown_abandoned)
    _until_none(ws, wake_snoozed)
    _until_none(ws, breach_overdue)
    _until_none(ws, escalate_unanswered)
