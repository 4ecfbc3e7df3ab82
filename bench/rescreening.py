"""How long a run over all parties takes when a list changes: batches as the worker does them, one after the other.

Of the parties one in a hundred is on the list. They are made in one statement each for speed, and then screened by a
run, which reads what each is, matches it, and keeps a check, its hits and its case. ``bench.screening`` calls it.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zentra.core.tenancy import TenantRef

TOLD_EVERY: Final = 5


def rescreen(workspace: "TenantRef", people: Sequence[tuple[str, str]]) -> None:
    """Screen these parties, given by kind and name, in one run; print its progress and how long it took."""
    from policy.screening import operations, queries
    from policy.screening.operations.runs import WORK
    from zentra.core import clock
    from zentra.core.actors import POLICY
    from zentra.core.tenancy import tenant_work

    _make(workspace, people)
    with tenant_work(workspace):
        run = operations.start_run(reason="manual", actor=POLICY, now=clock.now())
    began = time.perf_counter()
    batches = _work(workspace, WORK)
    for number, batch_id in enumerate(batches, start=1):
        with tenant_work(workspace):
            operations.screen_batch(batch_id=batch_id, now=clock.now())
        if number * TOLD_EVERY % len(batches) < TOLD_EVERY:
            with tenant_work(workspace):
                percent = queries.get_run(run_id=run.id).percent
            print(f"  {percent} % after {time.perf_counter() - began:.0f} s", flush=True)
    took = time.perf_counter() - began
    with tenant_work(workspace):
        run = queries.get_run(run_id=run.id)
    print(
        f"a run over {run.total:,} parties, one worker: {took:.0f} s, {run.total / took:.0f} parties/s,"
        f" {run.new_hits:,} hits with their cases; {run.state}",
        flush=True,
    )


def _make(workspace: "TenantRef", people: Sequence[tuple[str, str]]) -> None:
    from policy.screening.models import Party
    from zentra.core import clock, ids
    from zentra.core.tenancy import tenant_work

    now = clock.now()
    with tenant_work(workspace):
        Party.objects.bulk_create(
            [
                Party(
                    id=ids.new_id("pty"), kind=kind, reference=f"bench_{number}", name=name, created_at=now,
                    created_by="bench", changed_at=now,
                )
                for number, (kind, name) in enumerate(people)
            ],
            batch_size=1_000,
        )  # fmt: skip


def _work(workspace: "TenantRef", kind: str) -> list[str]:
    from django.db import connection

    from zentra.core.tenancy import tenant_work

    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(
            "SELECT ref FROM public.work_item WHERE workspace_id = %s AND kind = %s AND done_at IS NULL ORDER BY id",
            [workspace.id, kind],
        )
        return [ref for (ref,) in cursor.fetchall()]
