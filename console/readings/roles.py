"""What the rooms of roles, teams and access reviews read."""

from collections.abc import Iterable
from datetime import datetime

from console.doors import Visit
from console.presenters import people as present_people
from console.presenters.roles import change_row, conflict_rows
from console.types import Chip
from console.types.roles import ChangeRow, HolderRow, RoleCheck
from zentra.tenants.members.queries import list_members
from zentra.tenants.members.types import MemberRecord
from zentra.tenants.permissions import PERMISSIONS, Permission, known_permissions
from zentra.tenants.queries import names_of_users
from zentra.tenants.roles import conflicts
from zentra.tenants.roles.queries import count_pending_changes, list_role_changes, permissions_by_role
from zentra.tenants.roles.store import MANAGES, dangers_of, list_approvers
from zentra.tenants.roles.types import ChangeKind, CustomRole, RoleChangeRecord
from zentra.tenants.teams.queries import list_teams

HISTORY = 20


def people_tabs(visit: Visit, current: str) -> tuple[Chip, ...]:
    """The pages of these rooms that the person may see."""
    waiting = count_pending_changes(workspace_id=visit.workspace.id, now=visit.now) or None
    pages = (
        ("people", "People", "people/", Permission.PEOPLE_READ, None),
        ("teams", "Teams", "teams/", Permission.PEOPLE_READ, None),
        ("roles", "Roles", "roles/", Permission.ROLES_READ, waiting),
        ("access_review", "Access review", "access-review/", Permission.ACCESS_READ, None),
    )
    return tuple(
        Chip(title, visit.base + path, key == current, count)
        for key, title, path, needs, count in pages
        if visit.may(needs)
    )


def read_changes(visit: Visit, *, pending: bool) -> tuple[ChangeRow, ...]:
    """Proposals that wait, or those that ended lately."""
    if not visit.may(Permission.PEOPLE_READ):
        return ()
    found = list_role_changes(workspace_id=visit.workspace.id, now=visit.now, pending=pending, limit=2 * HISTORY)
    return rows_of(visit, [each for each in found if each.is_pending == pending][:HISTORY])


def rows_of(visit: Visit, changes: list[RoleChangeRecord]) -> tuple[ChangeRow, ...]:
    """Proposals as this person sees them, with what they may do about each."""
    who = {each for change in changes for each in (change.user_id, change.asked_by, change.decided_by) if each}
    names = names_of_users(user_ids=sorted(who))
    may = [kind for kind, needs in MANAGES.items() if visit.may(needs)]
    known = permissions_by_role(workspace_id=visit.workspace.id)
    made_admin = _who_made_admin(visit, changes)
    return tuple(
        change_row(
            each, names, base=visit.base, now=visit.now, me=visit.member.user_id, may=may,
            dangers=sorted(dangers_of(_given(each, known))), warning=_warning(each, made_admin, names),
        )
        for each in changes
    )  # fmt: skip


def _given(change: RoleChangeRecord, known: dict[str, frozenset[Permission]]) -> frozenset[Permission]:
    if change.kind == "member_roles":
        return frozenset().union(*(known.get(role, frozenset()) for role in change.roles))
    before = known.get(change.role_key, frozenset())
    return known_permissions((change.definition or {}).get("permissions", [])) - before


def _who_made_admin(visit: Visit, changes: list[RoleChangeRecord]) -> set[str]:
    """Who asked, alone, for what this person may decide with: one should not be both pairs of eyes."""
    if not any(each.is_pending for each in changes):
        return set()
    mine = list_role_changes(workspace_id=visit.workspace.id, now=visit.now, user_id=visit.member.user_id)
    return {each.asked_by for each in mine if each.state == "applied" and each.sole_admin and each.roles}


def _warning(change: RoleChangeRecord, made_admin: set[str], names: dict[str, str]) -> str:
    if change.is_pending and change.asked_by in made_admin:
        return (
            f"{names.get(change.asked_by, change.asked_by)} made you an admin alone. Be sure that you are two people."
        )
    return ""


def holders_of(visit: Visit, permission: Permission | None = None, role: str = "") -> tuple[HolderRow, ...]:
    """Who has a permission or a role, and by what."""
    known = permissions_by_role(workspace_id=visit.workspace.id)

    def by(member: MemberRecord) -> list[str]:
        return [
            each
            for each in member.roles
            if each == role or (permission is not None and permission in known.get(each, ()))
        ]

    return tuple(
        HolderRow(present_people.name_of(each), f"{visit.base}people/{each.user_id}/", " and ".join(roles))
        for each in list_members(workspace_id=visit.workspace.id)
        if (roles := by(each))
    )


def count_holders(members: Iterable[MemberRecord]) -> dict[str, int]:
    """How many people have each role."""
    counts: dict[str, int] = dict.fromkeys(PERMISSIONS, 0)
    for member in members:
        for role in member.roles:
            counts[role] = counts.get(role, 0) + 1
    return counts


def check_definition(visit: Visit, chosen: Iterable[str], stands: CustomRole | None) -> RoleCheck:
    """What a definition would mean: what it takes along, what stands against it, and who decides it."""
    picked = known_permissions(chosen)
    if not picked:
        return RoleCheck()
    wanted = conflicts.complete(picked)
    before = stands.permissions if stands else frozenset()
    given = wanted - before
    members = [each for each in list_members(workspace_id=visit.workspace.id) if stands and stands.key in each.roles]
    pairs = list(conflicts.conflicts_in(wanted))
    known = permissions_by_role(workspace_id=visit.workspace.id)
    for member in members if not pairs and stands else ():
        pairs += conflicts.conflicts_of_roles(member.roles, known | {stands.key: wanted})  # type: ignore[union-attr]  # there are members only of one
    kind: ChangeKind = "role_definition" if stands else "role_new"
    return RoleCheck(
        count=len(wanted),
        taken_along=tuple(sorted(wanted - picked)),
        conflicts=conflict_rows(dict.fromkeys(pairs)),
        dangers=tuple(sorted(dangers_of(given))),
        beyond=tuple(sorted((wanted ^ before) - visit.member.permissions)),
        decides=_who_decides(visit, kind, given, [each.user_id for each in members]) if dangers_of(given) else "",
        lost=tuple(sorted(before - wanted)),
    )


def _who_decides(visit: Visit, kind: ChangeKind, given: frozenset[Permission], receivers: list[str]) -> str:
    me = {visit.member.user_id}
    able = list_approvers(visit.workspace, kind=kind, given=given, leave_out=me.union(receivers))
    if not able and (holding := list_approvers(visit.workspace, kind=kind, given=given, leave_out=me)):
        return f"{' and '.join(map(present_people.name_of, holding[:4]))} could agree but has this role: take it first."
    if not able:
        return "Nobody else here could agree: it is done at once, and recorded as done alone."
    return f"{' or '.join(map(present_people.name_of, able[:4]))} has to agree within seven days."


def team_of(visit: Visit, team_id: str) -> tuple[str, tuple[str, ...]]:
    """The name and the people of a team; empty where there is none."""
    found = next((each for each in list_teams(workspace_id=visit.workspace.id) if each.id == team_id), None)
    return (found.name, found.members) if found else ("", ())


def days_between(start: datetime, end: datetime) -> int:
    """Whole days from one to the other, negative when it is over."""
    return (end - start).days
