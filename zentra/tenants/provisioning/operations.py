"""Ask for a workspace to be made. Nothing is made here: the provisioner does, under the rights of the owner."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from zentra.core import ids, money
from zentra.core.actors import Actor
from zentra.tenants.members.addresses import check_proven
from zentra.tenants.members.errors import InvalidMemberEmail
from zentra.tenants.models import ProvisioningJob, Workspace
from zentra.tenants.operations import SlugTaken, check_slug, ensure_user
from zentra.tenants.provisioning.errors import InvalidWorkspaceName, TwinRefused, UnknownWorkspace
from zentra.tenants.provisioning.queries import find_job
from zentra.tenants.provisioning.types import JobKind, JobRecord

MAX_NAME: Final = 80
MAKING_STEPS: Final = ("Reserve the short name", "Make its tables", "Put in chart, rules and log", "Open it")


def request_workspace(
    *,
    slug: str,
    name: str,
    mode: Literal["sandbox", "live"],
    ledger_currency: str = "USD",
    admin_id: str = "",
    admin_email: str = "",
    actor: Actor,
    now: datetime,
) -> JobRecord:
    """Ask for a workspace; the provisioner makes it within seconds, whole or not at all.

    Its first admin is the person of ``admin_id``, or of ``admin_email``, who gets an account and a link when they have
    none; nobody when both are empty.

    Raises:
        InvalidSlug, InvalidWorkspaceName, UnknownCurrency, InvalidMemberEmail: what was asked for has another form.
        SlugTaken: a workspace has the short name, had it, or is being made under it.
        AddressNotProven: the account of ``admin_email`` may be somebody else's.
    """
    check_slug(slug=slug)
    money.check_currency(ledger_currency)
    title = _check_name(name)
    with transaction.atomic():
        admin = admin_id or (_admin_of(admin_email) if admin_email.strip() else "")
        return _insert("create", slug, title, mode, ledger_currency, None, admin, actor, now)


def request_twin(*, workspace_id: UUID, slug: str = "", name: str = "", actor: Actor, now: datetime) -> JobRecord:
    """Ask for the empty live twin of a sandbox workspace: same currency, same admins, nothing else.

    Without a short name it has the sandbox's, ``-live`` in the place of ``-sandbox``.

    Raises:
        UnknownWorkspace: no workspace of this id.
        TwinRefused: it is no active sandbox, or has a twin.
        InvalidSlug, InvalidWorkspaceName, SlugTaken: as for any workspace.
    """
    with transaction.atomic():
        sandbox = Workspace.objects.select_for_update().filter(id=workspace_id).first()
        if sandbox is None:
            raise UnknownWorkspace
        if sandbox.mode != "sandbox" or sandbox.state != "active":
            raise TwinRefused(f"{sandbox.slug} is no active sandbox workspace.", state=sandbox.state)
        if Workspace.objects.filter(twin_of=workspace_id).exists() or _is_twin_asked_for(workspace_id):
            raise TwinRefused(f"{sandbox.slug} has a live twin.")
        wanted = slug or f"{sandbox.slug.removesuffix('-sandbox')}-live"
        check_slug(slug=wanted)
        title = _check_name(name or sandbox.name)
        return _insert("twin", wanted, title, "live", sandbox.ledger_currency, workspace_id, "", actor, now)


def _is_twin_asked_for(workspace_id: UUID) -> bool:
    return ProvisioningJob.objects.filter(twin_of=workspace_id, state__in=["waiting", "running"]).exists()


def _check_name(name: str) -> str:
    title = " ".join(name.split())
    if not title or len(title) > MAX_NAME or not title.isprintable():
        raise InvalidWorkspaceName(f"Give it a name of 1 to {MAX_NAME} characters.")
    return title


def _admin_of(email: str) -> str:
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise InvalidMemberEmail from error
    user = ensure_user(email=address)
    if user.has_usable_password():
        check_proven(user=user)
    return str(user.id)


def _insert(
    kind: JobKind,
    slug: str,
    name: str,
    mode: str,
    ledger_currency: str,
    twin_of: UUID | None,
    admin_id: str,
    actor: Actor,
    now: datetime,
) -> JobRecord:
    if Workspace.objects.filter(slug=slug).exists():
        raise SlugTaken(f"The short name {slug!r} is taken.")
    job_id = ids.new_id("job")
    try:
        with transaction.atomic():
            ProvisioningJob.objects.create(
                id=job_id, kind=kind, slug=slug, name=name, mode=mode, ledger_currency=ledger_currency,
                workspace_id=ids.new_uuid(), twin_of=twin_of, admin_id=admin_id, requested_by=actor.id,
                steps=len(MAKING_STEPS), created_at=now,
            )  # fmt: skip
    except IntegrityError as twin:
        raise SlugTaken(f"A workspace {slug!r} is being made.") from twin
    found = find_job(job_id=job_id)
    if found is None:
        raise LookupError(f"{job_id} was not written.")
    return found
