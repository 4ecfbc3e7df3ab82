"""Accounting periods: what may be posted for a time that is over. The one switch of it."""

import json
from datetime import datetime
from typing import Any

from django.db import connection

from ledger.errors import PeriodNeedsTwo
from ledger.refusals import refusals_meant
from ledger.types import PeriodState
from zentra.core import ids
from zentra.core.actors import Actor


def set_period_state(
    *,
    period_id: str,
    starts_at: datetime,
    ends_at: datetime,
    before: PeriodState,
    state: PeriodState,
    actor: Actor,
    now: datetime,
    until: datetime | None = None,
    requested_by: Actor | None = None,
) -> None:
    """Change what may be posted into a period, and wait for the postings in flight that do not know of it yet.

    ``soft`` takes purposes ``adjustment.*`` only, ``closed`` nothing. Once this is committed no posting commits that
    the new state refuses, also none that had begun. Call it in a transaction of its own, or before anything in it is
    posted. A closed period opens again only ``soft``, ``until`` a moment at most 31 days away, asked for by another
    person (``requested_by``) than the one who does it. A period that the ledger does not know yet is open.

    Raises StalePeriodState, PeriodNeedsTwo, PeriodOverlaps, LedgerBusy (postings took longer than two seconds), BadId.
    """
    if before == "closed" and (requested_by is None or requested_by.maker == actor.maker):
        raise PeriodNeedsTwo("Who asks for a locked period to be opened again is not who does it.")
    values: list[Any] = [
        ids.to_uuid(period_id, prefix="prd"),
        starts_at,
        ends_at,
        state,
        before,
        until,
        None if requested_by is None else json.dumps(requested_by.as_dict()),
        json.dumps(actor.as_dict()),
        now,
    ]
    with refusals_meant(), connection.cursor() as cursor:
        cursor.execute("SELECT ledger_set_period_state(%s, %s, %s, %s, %s, %s, %s::jsonb, %s::jsonb, %s)", values)
