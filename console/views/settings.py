"""How a workspace is configured: a form made from the table of settings, and how they came to be so."""

from dataclasses import replace
from typing import Final, cast
from zoneinfo import available_timezones

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked, read_place
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once
from console.presenters.settings import TypedSettings, change_row, read_settings_form, setting_groups, setting_turns
from console.refusals import explain
from console.shell import build_shell
from console.types import Chip, Proof
from console.types.workspaces import Choice, Meanwhile, SettingHistoryPage, SettingsPage
from zentra.core.errors import DomainError
from zentra.tenants.configuration.errors import InvalidSettings, StaleWorkspace
from zentra.tenants.configuration.operations import change_settings
from zentra.tenants.configuration.queries import list_setting_changes, list_settings
from zentra.tenants.configuration.types import SettingChangeRecord, SettingView
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import names_of_users
from zentra.tenants.roles.queries import list_custom_roles
from zentra.tenants.staff.queries import names_of_staff

PAGE: Final = 40
NOTHING: Final = TypedSettings()


def settings_tabs(visit: Visit, current: str) -> tuple[Chip, ...]:
    """The pages of this room."""
    pages = [("settings", "Settings", ""), ("history", "History", "history/")]
    if visit.may(Permission.WORKSPACE_EXPORT):
        pages.append(("export", "Export", "export/"))
    return tuple(Chip(title, f"{visit.base}settings/{path}", key == current) for key, title, path in pages)


@room(Permission.WORKSPACE_READ)
def show_settings(visit: Visit) -> HttpResponse:
    """Every setting as it stands; a form for who may configure."""
    return _show(visit, NOTHING)


@room(Permission.WORKSPACE_CONFIGURE, step_up=True)
def save(visit: Visit) -> HttpResponse:
    """What was typed otherwise than it stood, all of it or nothing."""
    post = visit.request.POST
    version = read_place(post.get("version", ""))
    if version is None:
        raise FormIncomplete("The form has no version; open the page again.")
    settings, _ = list_settings(workspace_id=visit.workspace.id)
    typed = read_settings_form(post, settings)

    def effect() -> str:
        changed = change_settings(
            workspace=visit.workspace,
            values=typed.touched(settings),
            version=version,
            actor=visit.actor(),
            reason=post.get("reason", ""),
            now=visit.now,
        )
        count = len(changed.changes)
        return (
            f"{count} setting{'s' * (count != 1)} changed; they count at once." if count else "Nothing was different."
        )

    try:
        with transaction.atomic():
            return act_once(visit, operation="workspace.settings", effect=effect, to=f"{visit.base}settings/")
    except InvalidSettings as error:
        errors = cast("dict[str, str]", error.extra.get("errors", {}))
        return _show(visit, replace(typed, errors=errors), error=error, opened=version)
    except StaleWorkspace as error:
        return _show(visit, typed, error=error, opened=version)


def _show(
    visit: Visit, typed: TypedSettings, *, error: DomainError | None = None, opened: int | None = None
) -> HttpResponse:
    """The form: as it stands, or as it was typed, with what is wrong and what others changed meanwhile."""
    settings, version = list_settings(workspace_id=visit.workspace.id)
    may = visit.may(Permission.WORKSPACE_CONFIGURE)
    is_stale = opened is not None and opened != version
    roles = [each.key for each in list_custom_roles(workspace_id=visit.workspace.id)]
    page = SettingsPage(
        tabs=settings_tabs(visit, "settings"),
        facts=_facts(visit, version),
        groups=setting_groups(settings, typed=typed, roles=roles),
        # Of what is refused for its value the form keeps the version that it was opened with: somebody else's change
        # since then is still told.
        version=version if isinstance(error, StaleWorkspace) or opened is None else opened,
        save_url=f"{visit.base}settings/save/" if may else "",
        reason=visit.request.POST.get("reason", ""),
        problem=_problem(visit, error, settings) if error else "",
        meanwhile=_meanwhile(visit, cast("int", opened)) if is_stale else (),
        zones=_zones() if may else (),
    )
    context = {"shell": build_shell(visit, room="settings"), "page": page}
    return render(visit.request, "console/settings.html", context, status=error.status if error else 200)


def _facts(visit: Visit, version: int) -> tuple[Proof, ...]:
    return (
        Proof("short name", visit.workspace.slug, visit.workspace.slug),
        Proof("mode", visit.workspace.mode),
        Proof("ledger currency", f"{visit.workspace.ledger_currency}, fixed when it was made"),
        Proof("version", str(version)),
    )


def _problem(visit: Visit, error: DomainError, settings: tuple[SettingView, ...]) -> str:
    if isinstance(error, InvalidSettings):
        titles = {each.name: each.title for each in settings}
        wrong = [titles.get(name, name) for name in cast("dict[str, str]", error.extra.get("errors", {}))]
        return f"Nothing was saved yet. Look at {', '.join(wrong)}." if wrong else error.detail
    refusal = explain(error, workspace_id=visit.workspace.id)
    return f"{refusal.title}. Nothing of yours was saved yet; what you typed is still here."


def _meanwhile(visit: Visit, opened: int) -> tuple[Meanwhile, ...]:
    found = list_setting_changes(workspace_id=visit.workspace.id, limit=PAGE)
    changes = [each for each in found if each.version > opened]
    names = _names(visit, changes)
    return tuple(change_row(each, names=names, now=visit.now) for each in changes)


@room(Permission.WORKSPACE_READ)
def show_history(visit: Visit) -> HttpResponse:
    """Every change of a setting: before, after, who, when, why."""
    here, name = f"{visit.base}settings/history/", asked(visit, "name")
    before = read_place(asked(visit, "before"))
    found = list_setting_changes(
        workspace_id=visit.workspace.id,
        name=name,
        limit=PAGE + 1,
        before_version=min(before, 2**31 - 1) if before else None,
    )
    shown, following = _whole_versions(found)
    settings, _ = list_settings(workspace_id=visit.workspace.id)
    page = SettingHistoryPage(
        tabs=settings_tabs(visit, "history"),
        turns=setting_turns(shown, names=_names(visit, shown), now=visit.now),
        names=tuple(Choice(each.name, each.title, each.name == name) for each in settings),
        next_url=paging.link(here, name=name, before=following) if following else "",
        first_url=paging.link(here, name=name) if before else "",
    )
    context = {"shell": build_shell(visit, room="settings"), "page": page}
    return render(visit.request, "console/settings_history.html", context)


def _whole_versions(found: list[SettingChangeRecord]) -> tuple[list[SettingChangeRecord], int]:
    """A page that does not end within a version, and the version before which the next one begins; 0 at the end."""
    if len(found) <= PAGE:
        return found, 0
    last = found[PAGE].version
    whole = [each for each in found if each.version > last]
    return (whole, last + 1) if whole else (found, last)


def _names(visit: Visit, changes: list[SettingChangeRecord]) -> dict[str, str]:
    people = sorted({each.by for each in changes if each.by.startswith("usr_")})
    return names_of_staff(user_ids=people, workspace_id=visit.workspace.id) | names_of_users(user_ids=people)


def _zones() -> tuple[str, ...]:
    return tuple(sorted(each for each in available_timezones() if "/" in each and not each.startswith("Etc/")))
