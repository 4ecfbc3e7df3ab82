"""The rows of jobs: claimed under a lease, stepped on, ended. Private to provisioning.

All but the insertion runs on the owner's own connection in autocommit, so that progress is seen while the work itself
is one transaction that nobody sees before it ends.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from zentra.core import ids
from zentra.core.schema import Owner
from zentra.tenants.provisioning.errors import ClaimEnded
from zentra.tenants.provisioning.types import Claim, JobRecord

LEASE: Final = timedelta(seconds=60)
MOST_ATTEMPTS: Final = 5
PAUSE: Final = timedelta(seconds=2)
"""After a failed try, times the number of tries."""

COLUMNS: Final = (
    "id, kind, slug, name, mode, ledger_currency, workspace_id, twin_of, admin_id, requested_by, state, step, steps,"
    " step_name, error, attempts, created_at, started_at, ended_at"
)
# A job that waits after a failed try keeps the moment in leased_until from which on it may be tried again.
_DUE: Final = "state IN ('waiting', 'running') AND (leased_until IS NULL OR leased_until <= %s)"


def record(row: Sequence[Any]) -> JobRecord:
    """A job of ``COLUMNS``."""
    return JobRecord(ids.to_public("job", row[0]), *row[1:])


def claim(owner: Owner, *, now: datetime, job_id: str = "") -> Claim | None:
    """Take the oldest job that waits or whose lease ran out, or the one of an id; None when there is none."""
    claim_id = ids.new_uuid()
    key = ids.to_uuid(job_id, prefix="job") if job_id else None
    row = owner.execute(
        "UPDATE public.tenants_provisioning_job SET state = 'running', claim_id = %s, leased_until = %s,"  # noqa: S608  # constant words
        " attempts = attempts + 1, started_at = coalesce(started_at, %s), step = 0, error = ''"
        f" WHERE id = (SELECT id FROM public.tenants_provisioning_job WHERE {_DUE} AND (%s::uuid IS NULL OR id = %s)"
        f" ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING {COLUMNS}".encode(),
        [claim_id, now + LEASE, now, now, key, key],
    ).fetchone()
    return Claim(record(row), claim_id) if row else None


def step(owner: Owner, claim: Claim, *, number: int, steps: int, name: str, now: datetime) -> None:
    """Say how far it is, and keep the lease; raises ClaimEnded when it is somebody else's by now."""
    _set(owner, claim, "step = %s, steps = %s, step_name = %s, leased_until = %s", [number, steps, name, now + LEASE])


def end(owner: Owner, claim: Claim, *, now: datetime) -> None:
    """It is done."""
    _set(
        owner, claim,
        "state = 'done', step = steps, step_name = 'Done', ended_at = %s, claim_id = NULL, leased_until = NULL",
        [now],
    )  # fmt: skip


def is_last_try(claim: Claim) -> bool:
    """Whether nobody tries it again when this try does not work."""
    return claim.job.attempts >= MOST_ATTEMPTS


def fail(owner: Owner, claim: Claim, *, error: str, is_last: bool, now: datetime) -> None:
    """It did not work: for good, or to be tried again after a pause."""
    if is_last:
        assignments, moment = "state = 'failed', error = %s, ended_at = %s, claim_id = NULL, leased_until = NULL", now
    else:
        assignments = "state = 'waiting', error = %s, leased_until = %s, claim_id = NULL"
        moment = now + PAUSE * claim.job.attempts
    _set(owner, claim, assignments, [error, moment])


def _set(owner: Owner, claim: Claim, assignments: str, values: list[Any]) -> None:
    """Compare-and-set on the claim: who lost the lease cannot write over another's work."""
    done = owner.execute(
        f"UPDATE public.tenants_provisioning_job SET {assignments} WHERE id = %s AND claim_id = %s".encode(),  # noqa: S608  # constant words of this module
        [*values, ids.to_uuid(claim.job.id, prefix="job"), claim.claim_id],
    )
    if done.rowcount != 1:
        raise ClaimEnded(f"Another process does {claim.job.id} now.")
