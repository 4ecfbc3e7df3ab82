"""Roles: which permission is in which role, a workspace's own ones, and grants that wait for a second admin."""

from typing import Final

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render

from console.asked import asked
from console.doors import Visit, room
from console.forms import Done, FormIncomplete, act_once, words
from console.marks import mark
from console.presenters import roles as present
from console.presenters.words import moment
from console.readings.roles import (
    check_definition,
    count_holders,
    holders_of,
    people_tabs,
    read_changes,
    rows_of,
)
from console.refusals import explain
from console.shell import build_shell
from console.types import Proof
from console.types.roles import ChangeRow, HoldersView, RoleCheck, RolePage, RolesPage, VersionRow
from zentra.core.errors import DomainError
from zentra.tenants.members.queries import list_members
from zentra.tenants.permissions import PERMISSIONS, Permission, permissions_of_role
from zentra.tenants.queries import names_of_users
from zentra.tenants.roles import operations as do
from zentra.tenants.roles.conflicts import PERMISSION_CONFLICTS, ROLE_CONFLICTS
from zentra.tenants.roles.errors import UnknownRole, UnknownRoleChange
from zentra.tenants.roles.queries import (
    find_custom_role,
    find_role_change,
    list_custom_roles,
    list_role_changes,
    list_role_versions,
    permissions_by_role,
)
from zentra.tenants.roles.types import CustomRole, RoleOutcome

_BUILT_IN: Final = "a built-in role: the same in every workspace"


@room(Permission.ROLES_READ)
def show_roles(visit: Visit) -> HttpResponse:
    """The matrix, and what waits."""
    here, custom = f"{visit.base}roles/", list_custom_roles(workspace_id=visit.workspace.id)
    chosen = next((each for each in present.TABLE if each == asked(visit, "permission")), None)
    counts = count_holders(list_members(workspace_id=visit.workspace.id))
    may_see = visit.may(Permission.PEOPLE_READ)
    page = RolesPage(
        tabs=people_tabs(visit, "roles"),
        columns=present.role_columns(custom, counts if may_see else {}, base=visit.base),
        groups=present.matrix(permissions_by_role(workspace_id=visit.workspace.id), here=here, current=chosen or ""),
        waiting=read_changes(visit, pending=True),
        history=read_changes(visit, pending=False),
        conflicts=present.conflict_rows(ROLE_CONFLICTS),
        permission_conflicts=present.conflict_rows(PERMISSION_CONFLICTS),
        holders=HoldersView(chosen, present.WORDS[chosen], holders_of(visit, chosen), here)
        if chosen and may_see
        else None,
        new_url=f"{here}new/" if visit.may(Permission.ROLES_MANAGE) else "",
    )
    return _render(visit, "roles", page)


def _render(visit: Visit, name: str, page: object, *, status: int = 200) -> HttpResponse:
    context = {"shell": build_shell(visit, room="roles"), "page": page}
    return render(visit.request, f"console/roles/{name}.html", context, status=status)


@room(Permission.ROLES_MANAGE)
def show_new(visit: Visit) -> HttpResponse:
    """The form of a new role; with ``like`` it starts from another one."""
    like = permissions_by_role(workspace_id=visit.workspace.id).get(asked(visit, "like"), frozenset())
    return _new(visit, chosen=sorted(like & visit.member.permissions))


def _new(visit: Visit, *, chosen: list[str], error: DomainError | None = None) -> HttpResponse:
    post, refusal = visit.request.POST, explain(error, workspace_id=visit.workspace.id) if error else None
    page = RolePage(
        tabs=people_tabs(visit, "roles"),
        key="",
        typed_key=post.get("key", ""),
        name=post.get("name", ""),
        words=post.get("words", ""),
        reason=post.get("reason", ""),
        is_custom=True,
        state=None,
        facts=(),
        holders=(),
        groups=present.ticks(chosen, own=visit.member.permissions),
        check=check_definition(visit, chosen, None),
        save_url=f"{visit.base}roles/new/save/",
        check_url=f"{visit.base}roles/check/",
        problem=f"{refusal.title}. {refusal.why}" if refusal else "",
        problem_next=refusal.next if refusal else "",
    )
    return _render(visit, "role", page, status=error.status if error else 200)


@room(Permission.ROLES_READ)
def show_role(visit: Visit, key: str) -> HttpResponse:
    """One role: what it includes and who has it; for who manages roles the form of one of the workspace's own."""
    return _show(visit, key)


def _show(visit: Visit, key: str, *, error: DomainError | None = None) -> HttpResponse:
    stands = find_custom_role(workspace_id=visit.workspace.id, key=key)
    if stands is None and key not in PERMISSIONS:
        raise UnknownRole
    may = stands is not None and stands.is_active and visit.may(Permission.ROLES_MANAGE)
    chosen = visit.request.POST.getlist("permissions") if error else sorted(
        stands.permissions if stands else permissions_of_role(key)
    )  # fmt: skip
    here, refusal = f"{visit.base}roles/{key}/", explain(error, workspace_id=visit.workspace.id) if error else None
    post = visit.request.POST if error else {}
    page = RolePage(
        tabs=people_tabs(visit, "roles"),
        key=key,
        name=post.get("name", "") if error else (stands.name if stands else key),
        words=post.get("words", "") if error else (stands.words if stands else _BUILT_IN),
        reason=post.get("reason", "") if error else "",
        is_custom=stands is not None,
        state=mark("closed", says="retired") if stands and not stands.is_active else None,
        facts=_facts(visit, stands),
        holders=holders_of(visit, role=key) if visit.may(Permission.PEOPLE_READ) else (),
        groups=present.ticks(chosen, own=visit.member.permissions, only_chosen=not may),
        check=check_definition(visit, chosen, stands) if may else RoleCheck(),
        version=stands.version if stands else 0,
        versions=_versions(visit, stands),
        waiting=_waiting(visit, key),
        save_url=f"{here}save/" if may else "",
        check_url=f"{visit.base}roles/check/?key={key}" if may else "",
        retire_url=f"{here}retire/" if may and stands and not stands.holders else "",
        problem=f"{refusal.title}. {refusal.why}" if refusal else "",
        problem_next=refusal.next if refusal else "",
    )
    return _render(visit, "role", page, status=error.status if error else 200)


def _facts(visit: Visit, stands: CustomRole | None) -> tuple[Proof, ...]:
    if stands is None:
        return ()
    names = names_of_users(user_ids=[stands.created_by, stands.changed_by])
    return (
        Proof("key", stands.key, stands.key),
        Proof("version", str(stands.version)),
        Proof("made", f"{moment(stands.created_at, visit.now).text} by {names.get(stands.created_by, 'somebody')}"),
        Proof("changed", f"{moment(stands.changed_at, visit.now).text} by {names.get(stands.changed_by, 'somebody')}"),
    )


def _versions(visit: Visit, stands: CustomRole | None) -> tuple[VersionRow, ...]:
    if stands is None:
        return ()
    found = list_role_versions(workspace_id=visit.workspace.id, key=stands.key)
    return present.version_rows(found, names_of_users(user_ids=[each.by for each in found]), now=visit.now)


def _waiting(visit: Visit, key: str) -> tuple[ChangeRow, ...]:
    if not visit.may(Permission.PEOPLE_READ):
        return ()
    found = list_role_changes(workspace_id=visit.workspace.id, now=visit.now, pending=True)
    return rows_of(visit, [each for each in found if each.role_key == key])


@room(Permission.ROLES_MANAGE)
def check(visit: Visit) -> HttpResponse:
    """What the permissions that are ticked would mean, while they are."""
    stands = find_custom_role(workspace_id=visit.workspace.id, key=asked(visit, "key"))
    found = check_definition(visit, visit.request.GET.getlist("permissions"), stands)
    return render(visit.request, "console/roles/check.html", {"check": found})


@room(Permission.ROLES_MANAGE, step_up=True, holds_membership=False)
def create(visit: Visit) -> HttpResponse:
    """Make a role, or propose it where it is dangerous."""
    chosen = visit.request.POST.getlist("permissions")

    def effect() -> Done:
        outcome = do.create_role(
            workspace=visit.workspace,
            key=words(visit, "key"),
            name=words(visit, "name"),
            words=words(visit, "words", needed=False),
            permissions=chosen,
            reason=words(visit, "reason", needed=False),
            actor=visit.actor(),
            now=visit.now,
        )
        return _said(visit, outcome, f"{words(visit, 'name')} is there, and can be given.")

    try:
        with transaction.atomic():
            return act_once(visit, operation="roles.create", effect=effect, to=f"{visit.base}roles/")
    except DomainError as error:
        return _new(visit, chosen=chosen, error=error)


@room(Permission.ROLES_MANAGE, step_up=True, holds_membership=False)
def save(visit: Visit, key: str) -> HttpResponse:
    """Another definition, at once or when a second admin agrees."""

    def effect() -> Done:
        outcome = do.change_role_definition(
            workspace=visit.workspace,
            key=key,
            version=read_version(visit),
            name=words(visit, "name"),
            words=words(visit, "words", needed=False),
            permissions=visit.request.POST.getlist("permissions"),
            reason=words(visit, "reason", needed=False),
            actor=visit.actor(),
            now=visit.now,
        )
        return _said(visit, outcome, f"{words(visit, 'name')} is changed, for everybody who has it.")

    try:
        with transaction.atomic():
            return act_once(visit, operation="roles.change", effect=effect, to=f"{visit.base}roles/{key}/")
    except DomainError as error:
        return _show(visit, key, error=error)


def _said(visit: Visit, outcome: RoleOutcome, done: str) -> Done:
    if outcome.change is not None and outcome.change.is_pending:
        return Done("It waits for a second admin, who has seven days.", f"{visit.base}roles/")
    alone = " You did it alone: it is recorded as such." if outcome.change is not None else ""
    return Done(done + alone)


@room(Permission.ROLES_MANAGE, step_up=True, holds_membership=False)
def retire(visit: Visit, key: str) -> HttpResponse:
    """End a role that nobody has."""

    def effect() -> str:
        role = do.retire_role(
            workspace=visit.workspace, key=key, version=read_version(visit), actor=visit.actor(), now=visit.now
        )
        return f"{role.name} is retired; nobody is given it any more."

    return act_once(visit, operation="roles.retire", effect=effect, to=f"{visit.base}roles/")


def read_version(visit: Visit) -> int:
    """The version that a form was made from; raises FormIncomplete."""
    text = visit.request.POST.get("version", "")
    if not text.isdecimal() or len(text) > 9:
        raise FormIncomplete("The form has no version; open the page again.")
    return int(text)


_WORD: Final = {
    "approve": (do.approve_change, "You agreed: it counts at once."),
    "refuse": (do.refuse_change, "You refused it; nothing changed."),
    "withdraw": (do.withdraw_change, "It is withdrawn; nothing changed."),
}


@room(Permission.PEOPLE_MANAGE, step_up=True, holds_membership=False)
def decide_members(visit: Visit, change_id: str, what: str) -> HttpResponse:
    """A word on roles for a member."""
    return _decide(visit, change_id, what, is_about_member=True)


@room(Permission.ROLES_MANAGE, step_up=True, holds_membership=False)
def decide_roles(visit: Visit, change_id: str, what: str) -> HttpResponse:
    """A word on the definition of a role."""
    return _decide(visit, change_id, what, is_about_member=False)


def _decide(visit: Visit, change_id: str, what: str, *, is_about_member: bool) -> HttpResponse:
    found = find_role_change(workspace_id=visit.workspace.id, change_id=change_id, now=visit.now)
    if found is None or what not in _WORD or (found.kind == "member_roles") != is_about_member:
        raise UnknownRoleChange
    act, said = _WORD[what]

    def effect() -> str:
        note = {"note": words(visit, "note", needed=False)} if what != "withdraw" else {}
        act(workspace=visit.workspace, change_id=change_id, actor=visit.actor(), now=visit.now, **note)
        return said

    return act_once(visit, operation=f"roles.{what}", effect=effect, to=f"{visit.base}roles/")
