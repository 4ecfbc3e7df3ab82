"""A worker that screens the batches of a workspace until it is killed; started by a test, in a process of its own.

``python -m tests.screening.worker <workspace id> <seconds a match takes>``
"""

import sys
import time
from uuid import UUID


def main(workspace_id: str, seconds: float) -> None:
    """Do every batch that waits; each match takes so long that a test can kill us in the middle."""
    import django

    django.setup()
    from django.db import connection

    from policy.screening import matches, operations
    from zentra.core import clock, tenancy
    from zentra.core.tenancy import tenant_work

    def slowly(_facts: object) -> list[object]:
        time.sleep(seconds)
        return []

    matches.find_matches = slowly  # type: ignore[assignment]  # stands in for the lists
    ref = tenancy.resolve(UUID(workspace_id))
    with tenant_work(ref), connection.cursor() as cursor:
        cursor.execute(
            "SELECT ref FROM public.work_item WHERE workspace_id = %s AND kind = 'screening.batch' ORDER BY id",
            [ref.id],
        )
        batches = [batch for (batch,) in cursor.fetchall()]
    for batch in batches:
        with tenant_work(ref):
            operations.screen_batch(batch_id=batch, now=clock.now())
        print("batch", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
