"""Read the settings of a workspace: as they count, with their words, and how they came to be so."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from django.db import connection

from zentra.core.db.hot import execute_hot
from zentra.tenants.configuration.table import BY_NAME, SETTINGS, read_stored
from zentra.tenants.configuration.types import (
    SettingChangeRecord,
    SettingDifference,
    SettingView,
    WorkspaceSettings,
)

REMEMBERED_SECONDS: Final = 2.0
"""How old the settings may be that a busy door goes by."""

_MOST_REMEMBERED: Final = 10_000
_known: dict[UUID, tuple[float, WorkspaceSettings]] = {}


def read_settings(*, workspace_id: UUID) -> WorkspaceSettings:
    """The settings in force, read now; the defaults for a workspace that is not there."""
    return read_stored(stored_settings(workspace_id=workspace_id)[0])


def settings_at_hand(*, workspace_id: UUID) -> WorkspaceSettings:
    """The settings in force, at most two seconds old: for doors that would otherwise ask with every request."""
    moment = time.monotonic()
    known = _known.get(workspace_id)
    if known is not None and moment - known[0] < REMEMBERED_SECONDS:
        return known[1]
    found = read_settings(workspace_id=workspace_id)
    if len(_known) >= _MOST_REMEMBERED:
        _known.clear()
    _known[workspace_id] = (moment, found)
    return found


def forget_settings(*, workspace_id: UUID) -> None:
    """Have this process read them again. Other processes do within two seconds."""
    _known.pop(workspace_id, None)


def stored_settings(*, workspace_id: UUID) -> tuple[dict[str, Any], int]:
    """What the workspace's row says, and its version; ``({}, 0)`` for one that is not there."""
    row = execute_hot("SELECT settings, version FROM public.tenants_workspace WHERE id = %s", [workspace_id]).fetchone()
    return (_as_dict(row[0]), int(row[1])) if row else ({}, 0)


def list_settings(*, workspace_id: UUID) -> tuple[tuple[SettingView, ...], int]:
    """Every setting in the order of the table, with its words, and the workspace's version."""
    stored, version = stored_settings(workspace_id=workspace_id)
    return tuple(_views(stored)), version


def _views(stored: Mapping[str, Any]) -> Iterator[SettingView]:
    for each in SETTINGS:
        own = stored.get(each.name)
        yield SettingView(
            name=each.name, group=each.group, title=each.title, words=each.words, kind=each.kind, unit=each.unit,
            least=each.least, most=each.most, choices=each.choices, stored=own,
            value=each.default if own is None else own, default=each.default, said=each.say(own),
        )  # fmt: skip


def list_setting_changes(
    *, workspace_id: UUID, name: str = "", limit: int = 50, before_version: int | None = None
) -> list[SettingChangeRecord]:
    """The history, newest first; of one setting when ``name`` says so, older than ``before_version`` when given."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, version, name, before, after, by, reason, at FROM public.tenants_setting_change"
            " WHERE workspace_id = %s AND (%s = '' OR name = %s) AND (%s::int IS NULL OR version < %s)"
            " ORDER BY at DESC, id DESC LIMIT %s",
            [workspace_id, name, name, before_version, before_version, limit],
        )
        return [_change(*row) for row in cursor.fetchall()]


def _change(key: UUID, version: int, name: str, before: Any, after: Any, *rest: Any) -> SettingChangeRecord:
    setting = BY_NAME.get(name)
    old, new = _loaded(before), _loaded(after)
    by, reason, at = rest
    return SettingChangeRecord(
        id=str(key), version=version, name=name, title=setting.title if setting else name, before=old, after=new,
        before_said=setting.say(old) if setting else str(old), after_said=setting.say(new) if setting else str(new),
        by=by, reason=reason, at=at,
    )  # fmt: skip


def compare_versions(*, workspace_id: UUID, older: int, newer: int) -> tuple[SettingDifference, ...]:
    """Which settings differ between two versions of a workspace, by name; empty when none does."""
    low, high = sorted((older, newer))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, before, after FROM public.tenants_setting_change"
            " WHERE workspace_id = %s AND version > %s AND version <= %s ORDER BY version, id",
            [workspace_id, low, high],
        )
        rows = [(name, _loaded(before), _loaded(after)) for name, before, after in cursor.fetchall()]
    firsts: dict[str, Any] = {}
    lasts: dict[str, Any] = {}
    for name, before, after in rows:
        firsts.setdefault(name, before)
        lasts[name] = after
    found = [SettingDifference(name, firsts[name], lasts[name]) for name in sorted(firsts)]
    turned = found if older <= newer else [SettingDifference(each.name, each.after, each.before) for each in found]
    return tuple(each for each in turned if each.before != each.after)


def _as_dict(value: object) -> dict[str, Any]:
    loaded = _loaded(value)
    return loaded if isinstance(loaded, dict) else {}


def _loaded(value: object) -> Any:
    """jsonb arrives as text from a raw cursor; a text in it has quotes of its own."""
    return json.loads(value) if isinstance(value, str) else value
