"""Change the settings of a workspace: checked as a whole, all or nothing, each change kept with who and why."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import canonical, ids
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef
from zentra.tenants.configuration import checks
from zentra.tenants.configuration.errors import InvalidSettings, StaleWorkspace
from zentra.tenants.configuration.queries import forget_settings, stored_settings
from zentra.tenants.configuration.table import BY_NAME
from zentra.tenants.configuration.types import SettingDifference, SettingsChanged
from zentra.tenants.models import Role
from zentra.tenants.permissions import PERMISSIONS

MAX_REASON: Final = 500


def change_settings(
    *,
    workspace: TenantRef,
    values: Mapping[str, object],
    version: int | None,
    actor: Actor,
    reason: str = "",
    now: datetime,
) -> SettingsChanged:
    """Give settings other values, inside the workspace; None gives one its default again.

    ``version`` is the workspace's that the caller looked at. They count at once in this process and within two seconds
    in every other. Recorded as ``workspace.settings_changed`` with names and a digest; what they say stays in rows.

    Raises:
        InvalidSettings: a name or a value is none; ``extra["errors"]`` has a sentence for each.
        StaleWorkspace: somebody changed the workspace since ``version``.
    """
    before, current = _lock(workspace)
    if version is not None and version != current:
        raise StaleWorkspace(f"It is at version {current} now.", version=current)
    wanted = _check(workspace, values)
    after = {name: value for name, value in (before | wanted).items() if value is not None}
    _check_together(after)
    changes = tuple(
        SettingDifference(name, before.get(name), wanted[name])
        for name in sorted(wanted)
        if before.get(name) != wanted[name]
    )
    if not changes:
        return SettingsChanged(current, ())
    _write(workspace, after, current)
    _keep(workspace, changes, version=current + 1, actor=actor, reason=reason.strip()[:MAX_REASON], now=now)
    _record(changes, after, version=current + 1, actor=actor, now=now)
    transaction.on_commit(lambda: forget_settings(workspace_id=workspace.id))
    return SettingsChanged(current + 1, changes)


def _lock(workspace: TenantRef) -> tuple[dict[str, Any], int]:
    """The lock is a statement of its own, so that the read after it sees what the holder before us committed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM public.tenants_workspace WHERE id = %s FOR NO KEY UPDATE", [workspace.id])
    return stored_settings(workspace_id=workspace.id)


def _check(workspace: TenantRef, values: Mapping[str, object]) -> dict[str, Any]:
    """Each value in the form that it is stored in, None for the default."""
    checked: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, value in values.items():
        setting = BY_NAME.get(name)
        if setting is None:
            errors[name[:60]] = "There is no such setting."
            continue
        try:
            found = None if value is None else setting.check(value)
        except checks.BadValue as error:
            errors[name] = str(error)
        else:
            checked[name] = None if found == setting.default else found
    unknown = _unknown_roles(workspace, checked.get("second_factor_roles") or [])
    if unknown:
        errors["second_factor_roles"] = f"There is no role {unknown[0]!r} here."
    _refuse(errors)
    return checked


def _unknown_roles(workspace: TenantRef, named: list[str]) -> list[str]:
    others = [key for key in named if key not in PERMISSIONS]
    if not others:
        return []
    known = set(Role.objects.filter(workspace_id=workspace.id, key__in=others).values_list("key", flat=True))
    return [key for key in others if key not in known]


def _check_together(after: Mapping[str, Any]) -> None:
    idle = after.get("idle_minutes", BY_NAME["idle_minutes"].default)
    hours = after.get("session_hours", BY_NAME["session_hours"].default)
    if idle > hours * 60:
        _refuse({"idle_minutes": f"That is longer than a sign-in lasts, {hours} hours."})


def _refuse(errors: dict[str, str]) -> None:
    if errors:
        name, sentence = next(iter(errors.items()))
        more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
        raise InvalidSettings(f"{name}: {sentence}{more}", errors=errors)


def _write(workspace: TenantRef, after: Mapping[str, Any], version: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.tenants_workspace SET settings = %s::jsonb, version = version + 1"
            " WHERE id = %s AND version = %s",
            [json.dumps(after), workspace.id, version],
        )
        if cursor.rowcount != 1:
            raise StaleWorkspace


def _keep(
    workspace: TenantRef,
    changes: tuple[SettingDifference, ...],
    *,
    version: int,
    actor: Actor,
    reason: str,
    now: datetime,
) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO public.tenants_setting_change (id, workspace_id, version, name, before, after, by, reason, at)"
            " VALUES (%s, %s, %s, %s, %s::jsonb, %s::jsonb, %s, %s, %s)",
            [
                [ids.new_uuid(), workspace.id, version, each.name, _json(each.before), _json(each.after), actor.id,
                 reason, now]
                for each in changes
            ],
        )  # fmt: skip


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def _record(
    changes: tuple[SettingDifference, ...], after: Mapping[str, Any], *, version: int, actor: Actor, now: datetime
) -> None:
    data: dict[str, object] = {
        "names": [each.name for each in changes],
        "version": version,
        "settings_sha256": canonical.sha256_hex(json.dumps(after, sort_keys=True).encode()),
    }
    record_events(events=[NewEvent(type="workspace.settings_changed", actor=actor, data=data)], now=now)
