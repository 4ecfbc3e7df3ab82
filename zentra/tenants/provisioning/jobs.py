"""Do what was asked for: the only code that makes and drops schemas while Zentra serves. Runs as the database's owner.

A workspace is made in one transaction that nobody sees before it ends, around the schema, which the owner makes in one
of its own. Whoever is killed in between leaves an unseen schema, which the next try replaces.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import psycopg
import structlog
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q
from psycopg import sql

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import actors, ids, schema, tenancy
from zentra.core.clock import now as clock_now
from zentra.core.errors import DomainError
from zentra.core.schema import Owner
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.members.invitations import issue_invitation
from zentra.tenants.members.news import announce_workspace
from zentra.tenants.models import Membership, ProvisioningJob, User, Workspace
from zentra.tenants.operations import add_member, insert_and_provision, schema_name
from zentra.tenants.provisioning import store
from zentra.tenants.provisioning.errors import ClaimEnded, WorkspaceStateRefused
from zentra.tenants.provisioning.operations import MAKING_STEPS
from zentra.tenants.provisioning.queries import find_job, list_due_for_deletion
from zentra.tenants.provisioning.types import Claim, JobRecord
from zentra.tenants.queries import find_workspace, platform_ref, tenant_ref

log = structlog.get_logger(__name__)
DELETING_STEPS: Final = ("Note where its log ended", "Drop its data", "Record it")
_KEPT_TABLES: Final = frozenset(
    {"tenants_provisioning_job", "tenants_setting_change", "tenants_staff_grant", "tenants_workspace_export"}
)
"""What of a deleted workspace stays in public beside its row: who made, configured, entered and exported it."""

_ADMIN: Final = "admin"
_SORRY: Final = "It did not work; the provisioner's log says why."
Tell = Callable[[int], None]


def run_next(*, owner: Owner, now: datetime, job_id: str = "") -> JobRecord | None:
    """Do the oldest job that waits, or the one of an id; None when there is none. ``owner`` is in autocommit.

    Never raises for what goes wrong with a job: it is tried again five times, and then failed, with a sentence.
    """
    claim = store.claim(owner, now=now, job_id=job_id)
    if claim is None:
        return None
    try:
        _WORK[claim.job.kind](owner, claim, now)
    except ClaimEnded:
        log.warning("provisioning.claim_ended", job=claim.job.id)
    except DomainError as refusal:
        _fail(owner, claim, error=refusal.detail, is_last=not refusal.retryable or store.is_last_try(claim))
    except Exception as error:  # noqa: BLE001  # one job's trouble must not stop the others
        log.error("provisioning.failed", job=claim.job.id, slug=claim.job.slug, error=repr(error))
        _fail(owner, claim, error=_SORRY, is_last=store.is_last_try(claim))
    return find_job(job_id=claim.job.id)


def _fail(owner: Owner, claim: Claim, *, error: str, is_last: bool) -> None:
    """What the last try left of a schema goes before the short name is free to be asked for again."""
    try:
        if is_last and claim.job.kind != "delete" and find_workspace(slug=claim.job.slug) is None:
            schema.drop_schema(schema_name(claim.job.slug), owner=owner)
        store.fail(owner, claim, error=error, is_last=is_last, now=clock_now())
    except (ClaimEnded, psycopg.Error) as trouble:
        log.warning("provisioning.not_ended", job=claim.job.id, error=repr(trouble))


def _make(owner: Owner, claim: Claim, now: datetime) -> None:
    """Make the workspace that the job describes."""
    job = claim.job
    ref = TenantRef(job.workspace_id, job.slug, schema_name(job.slug), job.mode, job.ledger_currency)

    def tell(number: int) -> None:
        store.step(owner, claim, number=number, steps=len(MAKING_STEPS), name=MAKING_STEPS[number], now=clock_now())

    def make_schema(name: str) -> None:
        tell(1)
        schema.drop_schema(name, owner=owner)
        schema.clone_schema(name, owner=owner)
        tell(2)

    def open_it() -> None:
        tell(3)
        _give_admins(ref, job, now)

    tell(0)
    # A try of this job that was killed after its commit has made it.
    if tenant_ref(job.workspace_id) is None:
        insert_and_provision(
            ref=ref, name=job.name, now=now, make_schema=make_schema, twin_of=job.twin_of,
            requested_by=job.requested_by, before_it_is_seen=open_it,
        )  # fmt: skip
    store.end(owner, claim, now=clock_now())


def _give_admins(ref: TenantRef, job: JobRecord, now: datetime) -> None:
    """The first admin, invited when they have no password yet; a twin has the admins of its sandbox."""
    for user in _admins_of(job):
        add_member(workspace_id=ref.id, user=user, role=_ADMIN)
        if not user.has_usable_password():
            with tenant_work(ref):
                issue_invitation(workspace=ref, user=user, role=_ADMIN, actor=actors.RUNTIME, now=now)


def _admins_of(job: JobRecord) -> list[User]:
    if job.twin_of is not None:
        admins = Q(role=_ADMIN) | Q(also__contains=[_ADMIN])
        members = Membership.objects.filter(admins, workspace_id=job.twin_of, user__is_active=True)
        return [each.user for each in members.select_related("user").order_by("user_id")]
    return list(User.objects.filter(id=job.admin_id, is_active=True)) if job.admin_id else []


def request_due_deletions(*, now: datetime) -> int:
    """Put in a job for each archived workspace whose time to be kept is over; returns how many were new."""
    made = 0
    for each in list_due_for_deletion(now=now):
        with transaction.atomic():
            if ProvisioningJob.objects.filter(slug=each.slug, state__in=["waiting", "running"]).exists():
                continue
            ProvisioningJob.objects.create(
                id=ids.new_id("job"), kind="delete", slug=each.slug, name=each.name, mode=each.mode,
                ledger_currency=each.ledger_currency, workspace_id=each.id, requested_by=actors.RUNTIME.id,
                steps=len(DELETING_STEPS), created_at=now,
            )  # fmt: skip
            made += 1
    return made


def _delete(owner: Owner, claim: Claim, now: datetime) -> None:
    """Drop the data of an archived workspace whose time is over. Its row stays, and with it its short name."""
    job = claim.job
    workspace = Workspace.objects.get(id=job.workspace_id)

    def tell(number: int) -> None:
        store.step(owner, claim, number=number, steps=len(DELETING_STEPS), name=DELETING_STEPS[number], now=clock_now())

    tell(0)
    if workspace.state != "deleted":
        _drop(owner, workspace, now, tell)
        workspace.refresh_from_db()
    tell(2)
    _record_deleted(claim, workspace, now)
    tenancy.forget(workspace.id)


def _drop(owner: Owner, workspace: Workspace, now: datetime, tell: Tell) -> None:
    """All of it in one transaction of the owner: the workspace is there whole, or gone."""
    last = _last_checkpoint(owner, workspace.schema_name)
    tell(1)
    with owner.transaction():
        owner.execute("SET LOCAL lock_timeout = '5s'")
        done = owner.execute(
            "UPDATE public.tenants_workspace SET state = 'deleted', deleted_at = %s, version = version + 1,"
            " settings = jsonb_build_object('last_root', %s::text, 'last_size', %s::bigint)"
            " WHERE id = %s AND state = 'archived' AND delete_after <= %s",
            [now, *last, workspace.id, now],
        )
        if done.rowcount != 1:
            raise WorkspaceStateRefused(f"{workspace.slug} is not to be deleted any more.")
        owner.execute(
            "UPDATE public.tenants_workspace_export SET state = 'expired' WHERE workspace_id = %s", [workspace.id]
        )
        for table in _public_tables(owner):
            _forget(owner, table, workspace.id)
        schema.drop_schema(workspace.schema_name, owner=owner)
    remove_files(workspace.schema_name)


def _last_checkpoint(owner: Owner, name: str) -> tuple[str | None, int | None]:
    """Root and size of the last signed checkpoint: what a packet that somebody kept is still verified against."""
    row = owner.execute(
        sql.SQL("SELECT encode(root, 'hex'), size FROM {}.evidence_checkpoint ORDER BY size DESC LIMIT 1").format(
            sql.Identifier(name)
        )
    ).fetchone()
    return (str(row[0]), int(str(row[1]))) if row else (None, None)


def _public_tables(owner: Owner) -> list[str]:
    rows = owner.execute(
        "SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = 'workspace_id' ORDER BY table_name"
    ).fetchall()
    return [str(name) for (name,) in rows if name not in _KEPT_TABLES]


def _forget(owner: Owner, table: str, workspace_id: UUID) -> None:
    """Rows of a workspace in a table of public, after those that hang on them and name no workspace themselves."""
    for child, column, key in owner.execute(_HANGING, [f"public.{table}"]).fetchall():
        owner.execute(
            sql.SQL("DELETE FROM public.{} WHERE {} IN (SELECT {} FROM public.{} WHERE workspace_id = %s)").format(
                *(sql.Identifier(str(each)) for each in (child, column, key, table))
            ),
            [workspace_id],
        )
    owner.execute(
        sql.SQL("DELETE FROM public.{} WHERE workspace_id = %s").format(sql.Identifier(table)), [workspace_id]
    )


_HANGING: Final = """
    SELECT c.relname, own.attname, other.attname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
      JOIN pg_attribute own ON own.attrelid = k.conrelid AND own.attnum = k.conkey[1]
      JOIN pg_attribute other ON other.attrelid = k.confrelid AND other.attnum = k.confkey[1]
     WHERE k.contype = 'f' AND k.confrelid = %s::regclass AND c.relnamespace = 'public'::regnamespace
       AND NOT EXISTS (SELECT 1 FROM pg_attribute w WHERE w.attrelid = c.oid AND w.attname = 'workspace_id')
"""


def remove_files(folder: str) -> None:
    """Everything under a workspace's folder of the file storage."""
    if not default_storage.exists(folder):
        return
    folders, files = default_storage.listdir(folder)
    for name in files:
        default_storage.delete(f"{folder}/{name}")
    for name in folders:
        remove_files(f"{folder}/{name}")
    default_storage.delete(folder)


def _record_deleted(claim: Claim, workspace: Workspace, now: datetime) -> None:
    """In the platform's log, once: a try that was killed after the drop comes here again."""
    data: dict[str, object] = {
        "workspace_id": ids.to_public("ws", workspace.id),
        "slug": workspace.slug,
        "version": workspace.version,
        "last_root": workspace.settings.get("last_root"),
    }
    if workspace.settings.get("last_size") is not None:
        data["last_size"] = workspace.settings["last_size"]
    with tenant_work(platform_ref()):
        job = ProvisioningJob.objects.select_for_update().get(id=claim.job.id)
        if job.claim_id != claim.claim_id:
            raise ClaimEnded
        record_events(events=[NewEvent(type="workspace.deleted", actor=actors.RUNTIME, data=data)], now=now)
        announce_workspace(workspace_id=workspace.id)
        ProvisioningJob.objects.filter(id=job.id).update(
            state="done", step=len(DELETING_STEPS), step_name="Done", ended_at=now, claim_id=None, leased_until=None
        )


_WORK: Final[dict[str, Callable[[Owner, Claim, datetime], None]]] = {"create": _make, "twin": _make, "delete": _delete}


def run_all(*, now: Callable[[], datetime] = clock_now) -> list[JobRecord]:
    """Do everything that waits, one after the other, on a connection of our own. For commands and tests."""
    done = []
    with schema.connect_as_owner() as owner:
        owner.autocommit = True
        request_due_deletions(now=now())
        while found := run_next(owner=owner, now=now()):
            done.append(found)
    return done


def run_job(*, job_id: str, now: datetime) -> JobRecord | None:
    """Do one job on a connection of our own; None when another process does it, or it waits for its next try."""
    with schema.connect_as_owner() as owner:
        owner.autocommit = True
        return run_next(owner=owner, now=now, job_id=job_id)
