"""Tell a person by mail what happened to their account, so that they notice what was not them."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection

from zentra.core import ids
from zentra.core.actors import Actor
from zentra.tenants.mail.operations import queue_mail


def tell_password_changed(*, email: str, now: datetime, how: str = "") -> None:
    """``how`` says by which way, such as ``by a link``."""
    link = f"{settings.ZENTRA_BASE_URL}/sign-in/forgotten/"
    values = {"email": email, "at": f"{now:%Y-%m-%d %H:%M}", "how": how, "link_url": link}
    queue_mail(to=email, kind="password_changed", values=values, now=now)


def tell_second_factor_changed(*, email: str, what: str, now: datetime) -> None:
    """``what`` is a clause, such as ``an authenticator was set up``."""
    link = f"{settings.ZENTRA_BASE_URL}/second-factor/"
    values = {"email": email, "at": f"{now:%Y-%m-%d %H:%M}", "what": what, "link_url": link}
    queue_mail(to=email, kind="second_factor_changed", values=values, now=now)


def tell_added(*, email: str, workspace_id: UUID, role: str, actor: Actor, now: datetime) -> None:
    """Somebody who has an account was given a role."""
    name, slug = _workspace(workspace_id)
    values = {
        "workspace": name,
        "role": role,
        "inviter": name_of_actor(actor),
        "link_url": f"{settings.ZENTRA_BASE_URL}/w/{slug}/",
    }
    queue_mail(to=email, kind="added", values=values, now=now, workspace_id=workspace_id)


def tell_role_changed(
    *,
    workspace_id: UUID,
    user_id: str,
    role_before: str,
    role: str,
    actor: Actor,  # noqa: ARG001  # the registry's signature
    now: datetime,
) -> None:
    """Their role is another one, or was taken away (``role`` empty). Registered with the members of a workspace."""
    if role == role_before:
        return
    email = _email_of(user_id)
    name, slug = _workspace(workspace_id)
    values = {"workspace": name, "role": role, "role_before": role_before,
              "link_url": f"{settings.ZENTRA_BASE_URL}/w/{slug}/"}  # fmt: skip
    queue_mail(to=email, kind="role_changed" if role else "removed", values=values, now=now, workspace_id=workspace_id)


def name_of_actor(actor: Actor) -> str:
    """What a mail calls whoever acted."""
    if actor.kind != "user":
        return "Whoever runs this installation"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(nullif(name, ''), email) FROM public.tenants_user WHERE id = %s",
            [ids.to_uuid(actor.id, prefix="usr")],
        )
        row = cursor.fetchone()
    return str(row[0]) if row else "An admin"


def _email_of(user_id: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT email FROM public.tenants_user WHERE id = %s", [ids.to_uuid(user_id, prefix="usr")])
        return str(cursor.fetchone()[0])


def _workspace(workspace_id: UUID) -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, slug FROM public.tenants_workspace WHERE id = %s", [workspace_id])
        name, slug = cursor.fetchone()
    return name, slug
