"""Make workspaces, people and keys."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, connection, transaction

from evidence.operations import ensure_log, record_events
from evidence.types import NewEvent
from zentra.core import actors, clock, ids, money, schema
from zentra.core.errors import DomainError
from zentra.core.tenancy import PLATFORM_SCHEMA, TenantRef, tenant_work
from zentra.tenants.access import MembershipRequired
from zentra.tenants.members.news import announce_change
from zentra.tenants.models import Membership, User, Workspace
from zentra.tenants.permissions import permissions_of_role
from zentra.tenants.queries import find_membership, platform_ref
from zentra.tenants.services.operations.keys import issue_key as issue_key  # noqa: PLC0414  # found here too
from zentra.tenants.services.operations.keys import revoke_key as revoke_key  # noqa: PLC0414  # found here too
from zentra.tenants.types import Member

_SLUG: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MAX_SLUG: Final = 40

Provisioner = Callable[[TenantRef, datetime], None]
_provisioners: list[Provisioner] = []


class InvalidSlug(DomainError):
    """A slug is lower-case words joined by single hyphens, at most 40 characters."""

    code = "invalid_slug"
    status = 422
    title = "The workspace's short name has another form"


class SlugTaken(DomainError):
    """Another workspace has this slug."""

    code = "slug_taken"
    status = 409
    title = "Another workspace has this short name"


def register_provisioner(provisioner: Provisioner) -> None:
    """Have an app prepare each new workspace (its chart of accounts, its rules), inside its first transaction."""
    _provisioners.append(provisioner)


def schema_name(slug: str) -> str:
    """The PostgreSQL schema of a slug. Hyphens are the only characters mapped, so two slugs never share a schema."""
    return PLATFORM_SCHEMA if slug == PLATFORM_SCHEMA else "ws_" + slug.replace("-", "_")


def create_workspace(
    *, slug: str, name: str, mode: Literal["sandbox", "live"], ledger_currency: str = "USD", now: datetime
) -> TenantRef:
    """Create a workspace: its row, its schema by clone, and what each app puts into a new one.

    The row is written first and not yet committed, so that a twin waits on its slug and never touches our schema. The
    schema is made by the database owner in a transaction of its own. The commit of the row makes it visible last: a
    crash in between leaves an unseen schema, which the next try replaces.

    Raises:
        InvalidSlug: the slug has another form.
        SlugTaken: another workspace has it.
    """
    check_slug(slug=slug)
    money.check_currency(ledger_currency)
    if Workspace.objects.filter(slug=slug).exists():
        raise SlugTaken(f"The short name {slug!r} is taken.")
    ref = TenantRef(ids.new_uuid(), slug, schema_name(slug), mode, ledger_currency)
    insert_and_provision(ref=ref, name=name, now=now, make_schema=_clone)
    return ref


def _clone(name: str) -> None:
    """Make the schema, in the place of what a killed try left of it."""
    with schema.connect_as_owner() as owner:
        schema.drop_schema(name, owner=owner)
        schema.clone_schema(name, owner=owner)


def insert_and_provision(
    *,
    ref: TenantRef,
    name: str,
    now: datetime,
    make_schema: Callable[[str], None],
    twin_of: UUID | None = None,
    requested_by: str = "",
    before_it_is_seen: Callable[[], None] = lambda: None,
) -> None:
    """The workspace's row, its schema and what each app puts into it, seen all at once; raises SlugTaken."""
    try:
        with transaction.atomic():
            Workspace.objects.create(
                id=ref.id, slug=ref.slug, name=name, schema_name=ref.schema, mode=ref.mode,
                ledger_currency=ref.ledger_currency, settings={}, created_at=now, twin_of=twin_of,
            )  # fmt: skip
            make_schema(ref.schema)
            with tenant_work(ref):
                ensure_log(now=now)
                for provision in _provisioners:
                    provision(ref, now)
            _record_created(ref, twin_of, requested_by, now)
            before_it_is_seen()
    except IntegrityError as error:
        raise SlugTaken(f"The short name {ref.slug!r} is taken.") from error


def _record_created(ref: TenantRef, twin_of: UUID | None, requested_by: str, now: datetime) -> None:
    """Kept in ``platform``: the workspace's own log begins with what happens in it."""
    data: dict[str, object] = {"workspace_id": ids.to_public("ws", ref.id), "slug": ref.slug, "mode": ref.mode}
    if twin_of is not None:
        data["twin_of"] = ids.to_public("ws", twin_of)
    if requested_by:
        data["requested_by"] = requested_by
    with tenant_work(platform_ref()):
        record_events(events=[NewEvent(type="workspace.created", actor=actors.RUNTIME, data=data)], now=now)


def check_slug(*, slug: str) -> None:
    """Whether a workspace may be called so; raises InvalidSlug."""
    if not _SLUG.fullmatch(slug) or len(slug) > MAX_SLUG or slug == PLATFORM_SCHEMA:
        raise InvalidSlug(f"{slug[:60]!r}: use lower-case letters and digits, words joined by single hyphens.")


def create_user(*, email: str, password: str, name: str = "") -> User:
    """A person who signs in with this password; it replaces the one they had, if they were there."""
    return ensure_user(email=email, name=name, password_hash=make_password(password))


def ensure_user(*, email: str, name: str = "", password_hash: str | None = None) -> User:
    """The person of this address, made when missing; ``password_hash`` replaces the one kept, None leaves it.

    Whoever runs the installation gives a password, and so answers for whose the address is.
    """
    address = email.strip().lower()
    user = User.objects.filter(email=address).first() or User(email=address, name=name, password=make_password(None))
    if password_hash is not None:
        user.password, user.address_proven_at = password_hash, user.address_proven_at or clock.now()
    user.save()
    return user


def add_member(*, workspace_id: UUID, user: User, role: str, on_shift: bool = True) -> None:
    """Give a person a role in a workspace, or change it: for commands. People do it by ``members.operations``."""
    Membership.objects.update_or_create(
        workspace_id=workspace_id, user=user, defaults={"role": role, "on_shift": on_shift}
    )
    announce_change(workspace_id=workspace_id, user_id=user.id)


def remember_workspace(*, user_id: str, slug: str) -> None:
    """Keep which workspace a person was in last; ``/`` leads there."""
    User.objects.filter(id=user_id).exclude(last_workspace=slug).update(last_workspace=slug)


def remember_visit(*, member: Member, now: datetime) -> None:
    """Keep when a member was here last, to the minute. It waits for nobody: a row in use is passed by."""
    if member.last_seen_at is not None and now - member.last_seen_at < timedelta(minutes=1):
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.tenants_membership SET last_seen_at = %s WHERE id = (SELECT id FROM"
            " public.tenants_membership WHERE workspace_id = %s AND user_id = %s FOR NO KEY UPDATE SKIP LOCKED)",
            [now, member.workspace.id, ids.to_uuid(member.user_id, prefix="usr")],
        )


def hold_membership(*, member: Member) -> None:
    """Make sure, and keep sure until this transaction ends, that the person still may what their request found.

    Taking a role away, or a permission out of a custom one, waits for what the person is just doing, and what they
    begin after it is refused. The platform's staff are held by their grant.

    Raises:
        MembershipRequired: they are no member any more, or may do something else.
    """
    table, condition = ("tenants_membership", "true")
    if member.grant_id is not None:
        table, condition = "tenants_staff_grant", "ended_at IS NULL"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT 1 FROM public.{table} WHERE workspace_id = %s AND user_id = %s AND {condition} FOR SHARE",  # noqa: S608  # constant words
            [member.workspace.id, ids.to_uuid(member.user_id, prefix="usr")],
        )
        if custom := [role for role in member.roles if not permissions_of_role(role)]:
            cursor.execute(
                "SELECT 1 FROM public.tenants_role WHERE workspace_id = %s AND key = ANY(%s) ORDER BY id FOR SHARE",
                [member.workspace.id, custom],
            )
    now = find_membership(user_id=member.user_id, slug=member.workspace.slug)
    if now is None or (now.roles, now.permissions) != (member.roles, member.permissions):
        raise MembershipRequired
