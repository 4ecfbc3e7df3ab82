"""The settings of a workspace as a form, and as a history of what they were."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from django.http import QueryDict

from console.presenters.words import moment
from console.types.workspaces import Choice, Meanwhile, RateInput, SettingField, SettingGroup, SettingTurn
from zentra.core.rates import DEFAULTS, Rate
from zentra.tenants.configuration.types import SettingChangeRecord, SettingView
from zentra.tenants.permissions import PERMISSIONS, SECOND_FACTOR_ROLES

ROUTES: Final = {"read": "reading", "write": "writing", "heavy": "imports, exports, packets", "token": "tokens"}
WHOSE: Final = {"key": "each key", "tenant": "the whole workspace"}
_LISTS: Final = frozenset({"roles", "domains"})


@dataclass(frozen=True, slots=True)
class TypedSettings:
    """What a form says: every field as text, and as it stood when the form was opened."""

    values: Mapping[str, str] = field(default_factory=dict)
    were: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    def touched(self, settings: Sequence[SettingView]) -> dict[str, object]:
        """The settings that whoever typed wants otherwise than they stood, in the form that is checked."""
        kinds = {each.name: each.kind for each in settings}
        return {
            name: _as_value(kinds[name], text)
            for name, text in self.values.items()
            if name in kinds and text != self.were.get(name)
        }


def read_settings_form(post: QueryDict, settings: Sequence[SettingView]) -> TypedSettings:
    """Everything that was typed, whatever it is."""
    return TypedSettings(
        values={each.name: _typed(post, each) for each in settings if f"was.{each.name}" in post},
        were={each.name: post.get(f"was.{each.name}", "") for each in settings},
    )


def _typed(post: QueryDict, setting: SettingView) -> str:
    if setting.kind == "switch":
        return "on" if post.get(setting.name) else "off"
    if setting.kind == "roles":
        return " ".join(sorted(post.getlist(setting.name)))
    if setting.kind == "rates":
        return _typed_rates(post)
    return " ".join(post.get(setting.name, "").split())


def _typed_rates(post: QueryDict) -> str:
    found: dict[str, dict[str, list[Any]]] = {}
    for route in ROUTES:
        for whose in WHOSE:
            pair = [post.get(f"rates.{route}.{whose}.{part}", "").strip() for part in ("second", "burst")]
            if any(pair):
                found.setdefault(route, {})[whose] = [_number(each) for each in pair]
    return json.dumps(found, sort_keys=True)


def _number(text: str) -> int | float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number == int(number) and abs(number) < 10**9 else number


def _as_value(kind: str, text: str) -> object:
    """None, the default again, where nothing was typed."""
    if kind == "rates":
        return json.loads(text)
    if kind == "roles":
        return text.split()
    return text or None


def as_text(setting: SettingView) -> str:
    """A setting as its field holds it."""
    if setting.kind == "switch":
        return "on" if setting.value else "off"
    if setting.kind in _LISTS:
        return " ".join(sorted(setting.value))
    if setting.kind == "rates":
        return json.dumps(setting.value, sort_keys=True)
    return str(setting.value)


def setting_groups(
    settings: Sequence[SettingView], *, typed: TypedSettings, roles: Sequence[str]
) -> tuple[SettingGroup, ...]:
    """The form, group by group: what stands, or what was typed and is not saved yet."""
    return tuple(
        SettingGroup(title, tuple(_field(each, typed, roles) for each in found))
        for title, found in groupby(settings, key=lambda each: each.group)
    )


def _field(setting: SettingView, typed: TypedSettings, roles: Sequence[str]) -> SettingField:
    stands = as_text(setting)
    was = typed.were.get(setting.name, stands)
    # A field that was left alone shows what stands now; one that was typed in keeps it.
    value = typed.values.get(setting.name, stands)
    is_touched = value != was
    shown = value if is_touched else stands
    return SettingField(
        name=setting.name,
        title=setting.title,
        words=setting.words,
        kind=setting.kind,
        unit=setting.unit,
        bounds=f"{setting.least:,} to {setting.most:,}"
        if setting.least is not None and setting.most is not None
        else "",
        value=shown,
        was=stands,
        usual=_usual(setting),
        is_own=setting.stored is not None,
        choices=_choices(setting, shown, roles),
        rates=_rates(shown) if setting.kind == "rates" else (),
        error=typed.errors.get(setting.name, ""),
        now=setting.said if is_touched and stands != was else "",
    )


def _usual(setting: SettingView) -> str:
    if setting.kind == "whole":
        return f"{setting.default:,} {setting.unit if setting.default != 1 else setting.unit.removesuffix('s')}"
    if setting.kind == "switch":
        return "on" if setting.default else "off"
    if setting.kind == "rates":
        return ""
    return str(setting.default or "none") if setting.kind not in _LISTS else "none"


def _choices(setting: SettingView, shown: str, roles: Sequence[str]) -> tuple[Choice, ...]:
    if setting.kind == "choice":
        return tuple(Choice(each, each, each == shown) for each in setting.choices)
    if setting.kind == "roles":
        chosen = shown.split()
        free = [each for each in (*PERMISSIONS, *roles) if each not in SECOND_FACTOR_ROLES]
        return tuple(Choice(each, each, each in chosen) for each in dict.fromkeys((*free, *chosen)))
    return ()


def _rates(text: str) -> tuple[RateInput, ...]:
    stored = json.loads(text)
    rows = []
    for route, words in ROUTES.items():
        for whose, who in WHOSE.items():
            pair = [str(each) for each in stored.get(route, {}).get(whose, ("", ""))]
            usual: Rate = getattr(DEFAULTS[route], whose)
            rows.append(
                RateInput(
                    name=f"{route}.{whose}",
                    title=f"{words}, {who}",
                    per_second=pair[0],
                    burst=pair[1],
                    usual_per_second=f"{usual.per_second:g}",
                    usual_burst=str(usual.burst),
                )
            )
    return tuple(rows)


def change_row(change: SettingChangeRecord, *, names: Mapping[str, str], now: datetime) -> Meanwhile:
    """One setting that changed: from what to what."""
    return Meanwhile(
        title=change.title,
        before=change.before_said,
        after=change.after_said,
        who=names.get(change.by, change.by),
        moment=moment(change.at, now),
    )


def setting_turns(
    changes: Sequence[SettingChangeRecord], *, names: Mapping[str, str], now: datetime
) -> tuple[SettingTurn, ...]:
    """The history, newest first: each version with everything that changed in it."""
    turns = []
    for version, found in groupby(changes, key=lambda each: each.version):
        rows = list(found)
        first = rows[0]
        turns.append(
            SettingTurn(
                version=version,
                who=names.get(first.by, first.by),
                reason=first.reason,
                moment=moment(first.at, now),
                rows=tuple(change_row(each, names=names, now=now) for each in rows),
            )
        )
    return tuple(turns)
