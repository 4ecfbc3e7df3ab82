"""People: who has which role here, given and taken away by admins with their second factor."""

from collections.abc import Sequence

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once, words
from console.presenters import people as present
from console.readings.roles import people_tabs, rows_of
from console.shell import build_shell
from console.types import Chip
from console.types.people import InvitationPage, MemberPage, PeoplePage, RoleOption
from console.types.roles import ChangeRow
from console.views.member_sessions import may_see_sessions, session_rows
from zentra.core.ids import BadId
from zentra.core.mail import is_mail_sent
from zentra.tenants.members.errors import UnknownMember
from zentra.tenants.members.invitations import VALID_FOR, invitation_url
from zentra.tenants.members.operations import add_person, remove_member, renew_invitation, set_roles, set_shift
from zentra.tenants.members.queries import find_member_record, list_members
from zentra.tenants.members.types import AddedMember, MemberRecord
from zentra.tenants.permissions import Permission
from zentra.tenants.roles.conflicts import ROLE_CONFLICTS
from zentra.tenants.roles.queries import list_custom_roles, list_role_changes, permissions_by_role
from zentra.tenants.roles.types import RoleChangeRecord
from zentra.tenants.services.queries.keys import count_ended_at


@room(Permission.PEOPLE_READ)
def show_people(visit: Visit) -> HttpResponse:
    """Everybody with a role here."""
    here, chosen = f"{visit.base}people/", asked(visit, "role")
    members = list_members(workspace_id=visit.workspace.id)
    may = visit.may(Permission.PEOPLE_MANAGE)
    known = permissions_by_role(workspace_id=visit.workspace.id)
    counts = {role: sum(role in each.roles for each in members) for role in known}
    page = PeoplePage(
        tabs=people_tabs(visit, "people"),
        roles=(
            Chip("Everybody", here, chosen not in known, len(members)),
            *(Chip(role, paging.link(here, role=role), role == chosen, count) for role, count in counts.items()),
        ),
        rows=tuple(
            present.member_row(each, base=visit.base, now=visit.now, me=visit.member.user_id, may_manage=may)
            for each in members
            if chosen not in known or chosen in each.roles
        ),
        add_url=f"{here}add/" if may else "",
        options=_options(visit, ["viewer"]),
    )
    return render(visit.request, "console/people.html", {"shell": build_shell(visit, room="people"), "page": page})


@room(Permission.PEOPLE_READ)
def show_member(visit: Visit, user_id: str) -> HttpResponse:
    """One person here: what the role may do, and for admins the ways to change it."""
    member = _member(visit, user_id)
    may = visit.may(Permission.PEOPLE_MANAGE)
    is_me = member.user_id == visit.member.user_id
    sees = may_see_sessions(visit, member.user_id)
    here = f"{visit.base}people/{member.user_id}/"
    page = MemberPage(
        row=present.member_row(member, base=visit.base, now=visit.now, me=visit.member.user_id, may_manage=may),
        facts=present.member_facts(member, now=visit.now),
        may=present.permissions_of(member.permissions),
        version=member.version,
        options=_options(visit, member.roles),
        waiting=_waiting(visit, member),
        conflicts=tuple(f"{pair.one} and {pair.other}: {pair.why}" for pair in ROLE_CONFLICTS),
        roles_words=" and ".join(member.roles),
        role_url=f"{here}role/" if may and not is_me else "",
        remove_url=f"{here}remove/" if may and not is_me else "",
        link_url=f"{here}link/" if may and not member.has_password and member.is_only_here else "",
        why_not="Nobody changes the own role: another admin does." if may and is_me else "",
        sessions=session_rows(visit, member.user_id) if sees else (),
        sessions_url=f"{here}sessions/end/" if sees else "",
    )
    return render(visit.request, "console/member.html", {"shell": build_shell(visit, room="people"), "page": page})


def _options(visit: Visit, roles: Sequence[str]) -> tuple[RoleOption, ...]:
    custom = {each.key: each for each in list_custom_roles(workspace_id=visit.workspace.id)}
    return present.role_options(permissions_by_role(workspace_id=visit.workspace.id), custom, roles=roles)


def _waiting(visit: Visit, member: MemberRecord) -> tuple[ChangeRow, ...]:
    found = list_role_changes(workspace_id=visit.workspace.id, now=visit.now, pending=True, user_id=member.user_id)
    return rows_of(visit, found)


def _member(visit: Visit, user_id: str) -> MemberRecord:
    try:
        found = find_member_record(workspace_id=visit.workspace.id, user_id=user_id)
    except BadId:
        found = None
    if found is None:
        raise UnknownMember
    return found


@room(Permission.PEOPLE_MANAGE, step_up=True, holds_membership=False)
def add(visit: Visit) -> HttpResponse:
    """Give somebody a role. The link of a new person is mailed; it is in the answer only where no mail is sent.

    Whoever invites would otherwise set the password of an address that is not theirs.
    """
    email, made = words(visit, "email"), list[AddedMember]()

    def effect() -> str:
        made.append(
            add_person(
                workspace=visit.workspace,
                email=email,
                name=words(visit, "name", needed=False),
                role=visit.request.POST.get("role", ""),
                also=visit.request.POST.getlist("also"),
                reason=words(visit, "reason", needed=False),
                on_shift=visit.request.POST.get("on_shift") == "on",
                actor=visit.actor(),
                now=visit.now,
            )
        )
        said = _said_of(made[0].member, made[0].change)
        return (
            f"{said} The link that sets their password was mailed to them."
            if made[0].token and is_mail_sent()
            else said
        )

    answer = act_once(visit, operation="people.add", effect=effect, to=f"{visit.base}people/")
    return _with_link(visit, made[0]) if made and made[0].token and not is_mail_sent() else answer


def _said_of(member: MemberRecord, change: RoleChangeRecord | None) -> str:
    now = f"{present.name_of(member)} is {' and '.join(member.roles)} here now"
    if change is None:
        return f"{now}."
    if change.is_pending:
        return f"{now}, and {' and '.join(change.roles)} when a second admin agrees. It waits in Roles."
    return f"{now}. You did it alone, for nobody else could agree: it is recorded as such."


def _ended_with(visit: Visit, user_id: str) -> str:
    """What of theirs ended in this act, as a sentence to add; empty where nothing did."""
    count = count_ended_at(workspace_id=visit.workspace.id, user_id=user_id, at=visit.now)
    if count == 0:
        return ""
    what = "One key or client" if count == 1 else f"{count} keys and clients"
    return f" {what} that they made may do more than they may now, and ended with it."


@room(Permission.PEOPLE_MANAGE, step_up=True, holds_membership=False)
def renew_link(visit: Visit, user_id: str) -> HttpResponse:
    """Another link for a new person; the one before ends."""
    made: list[AddedMember] = []

    def effect() -> str:
        made.append(renew_invitation(workspace=visit.workspace, user_id=user_id, actor=visit.actor(), now=visit.now))
        if is_mail_sent():
            return "There is a new link; it was mailed to them. The one before works no more."
        return "There is a new link; it was shown once. The one before works no more."

    answer = act_once(visit, operation="people.link", effect=effect, to=f"{visit.base}people/{user_id}/")
    return _with_link(visit, made[0]) if made and not is_mail_sent() else answer


def _with_link(visit: Visit, added: AddedMember) -> HttpResponse:
    page = InvitationPage(
        name=present.name_of(added.member),
        email=added.member.email,
        link=invitation_url(user_id=added.member.user_id, token=added.token or ""),
        days=VALID_FOR.days,
        people_url=f"{visit.base}people/",
    )
    context = {"shell": build_shell(visit, room="people"), "page": page}
    answer = render(visit.request, "console/invitation.html", context)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@room(Permission.PEOPLE_MANAGE, step_up=True, holds_membership=False)
def change(visit: Visit, user_id: str) -> HttpResponse:
    """Another role, at once."""

    def effect() -> str:
        done = set_roles(
            workspace=visit.workspace,
            user_id=user_id,
            roles=[visit.request.POST.get("role", ""), *visit.request.POST.getlist("also")],
            version=_version(visit),
            actor=visit.actor(),
            now=visit.now,
            reason=words(visit, "reason", needed=False),
        )
        return _said_of(done.member, done.change) + _ended_with(visit, user_id)

    return act_once(visit, operation="people.role", effect=effect, to=f"{visit.base}people/{user_id}/")


@room(Permission.PEOPLE_MANAGE, step_up=True, holds_membership=False)
def remove(visit: Visit, user_id: str) -> HttpResponse:
    """No role any more, at once."""

    def effect() -> str:
        member = remove_member(
            workspace=visit.workspace, user_id=user_id, version=_version(visit), actor=visit.actor(), now=visit.now
        )
        return f"{present.name_of(member)} is no member here any more.{_ended_with(visit, user_id)}"

    return act_once(visit, operation="people.remove", effect=effect, to=f"{visit.base}people/")


@room(Permission.PEOPLE_READ, holds_membership=False)
def shift(visit: Visit, user_id: str) -> HttpResponse:
    """On shift or off: oneself, or somebody else for who manages people."""
    wanted = visit.request.POST.get("to", "")
    if wanted not in ("on", "off"):
        raise FormIncomplete("Say on or off.")

    def effect() -> str:
        member = set_shift(
            workspace=visit.workspace,
            user_id=user_id,
            on_shift=wanted == "on",
            actor=visit.actor(),
            now=visit.now,
        )
        who = "You are" if member.user_id == visit.member.user_id else f"{present.name_of(member)} is"
        return f"{who} {'on shift: new cases come' if member.on_shift else 'off shift: no new cases come'}."

    return act_once(visit, operation="people.shift", effect=effect)


def _version(visit: Visit) -> int:
    text = visit.request.POST.get("version", "")
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise FormIncomplete("The form has no version; open the page again.")
    return int(text)
