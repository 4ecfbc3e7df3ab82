"""The frame around every page: rooms that exist and that this person may enter, the tape, the pause banner."""

from dataclasses import dataclass
from typing import Final

from console.doors import Visit, address_of
from console.presenters.events import ReadEvent, tape_item
from console.presenters.words import moment, stamp
from console.types import NavGroup, NavItem, PauseView, Shell, StaffBanner, TapeItem, WorkspaceLink
from evidence.queries import latest_events, next_index
from policy.queries import count_open_reviews
from webhooks.queries import count_quarantined, count_retrying
from zentra.alarms.queries import count_open_alarms
from zentra.reconciliation.matching.queries.bench import count_unresolved
from zentra.routing.queries import list_pauses
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import list_workspaces_of, names_of_users
from zentra.tenants.staff.queries import list_inside, list_workspaces_entered

TAPE: Final = 10
# Said of every delivery; the tape tells what became of it.
OFF_TAPE: Final = frozenset({"webhook.queued"})


@dataclass(frozen=True, slots=True)
class Room:
    """A line of the navigation. A room appears when it exists and the person may enter it."""

    key: str
    title: str
    path: str
    permission: Permission
    group: str = ""
    sandbox_only: bool = False


PLATFORM_ROOMS: Final = (
    Room("workspaces", "Workspaces", "workspaces/", Permission.WORKSPACES_READ),
    Room("staff", "Staff access", "staff-access/", Permission.STAFF_ENTER),
    Room("alarms", "Alarms", "alarms/", Permission.WORKSPACES_READ),
    Room("mail", "Mail", "mail/", Permission.WORKSPACES_MANAGE),
    Room("sign-ins", "Sign-in", "sign-ins/", Permission.WORKSPACES_READ),
)
ROOMS: Final = (
    Room("room", "Operations room", "", Permission.ROOM_READ),
    Room("intents", "Intents", "intents/", Permission.INTENTS_READ),
    Room("reviews", "Review queue", "reviews/", Permission.REVIEWS_READ),
    Room("stuck", "Stuck", "stuck/", Permission.INTENTS_READ),
    Room("alarms", "Alarms", "alarms/", Permission.ALARMS_READ),
    Room("events", "Events", "events/", Permission.EVENTS_READ),
    Room("webhooks", "Webhooks", "webhooks/", Permission.WEBHOOKS_READ),
    Room("inbound", "Inbound", "inbound/", Permission.CALLBACKS_READ),
    Room("accounts", "Accounts", "accounts/", Permission.ACCOUNTS_READ, "Money"),
    Room("ledger", "Ledger", "ledger/", Permission.LEDGER_READ, "Money"),
    Room("holds", "Holds", "holds/", Permission.ACCOUNTS_READ, "Money"),
    Room("pause", "Outgoing money", "outgoing/", Permission.ROUTING_READ, "Money"),
    Room("reconciliation", "Reconciliation", "reconciliation/", Permission.RECONCILIATION_READ, "Finance"),
    Room("closeout", "Closeout", "closeout/", Permission.RECONCILIATION_READ, "Finance"),
    Room("compliance", "Compliance", "compliance/", Permission.PARTIES_READ, "Trust"),
    Room("policy", "Policy", "policy/", Permission.POLICY_READ, "Admin"),
    Room("people", "People", "people/", Permission.PEOPLE_READ, "Admin"),
    Room("roles", "Roles", "roles/", Permission.ROLES_READ, "Admin"),
    Room("access_review", "Access review", "access-review/", Permission.ACCESS_READ, "Admin"),
    Room("keys", "API keys", "keys/", Permission.KEYS_READ, "Admin"),
    Room("access", "Access log", "access/", Permission.ACCESS_READ, "Admin"),
    Room("settings", "Settings", "settings/", Permission.WORKSPACE_READ, "Admin"),
    Room("staff", "Staff access", "staff-access/", Permission.ACCESS_READ, "Admin"),
    Room("first", "Send first intent", "first-intent/", Permission.SANDBOX_SEND, "Sandbox", sandbox_only=True),
)


def build_shell(visit: Visit, *, room: str, live: bool = True) -> Shell:
    """The frame for a page of this room. Runs inside the workspace."""
    return Shell(
        workspace=visit.member.workspace_name,
        slug=visit.workspace.slug,
        mode=visit.workspace.mode,
        user=visit.member.name or visit.member.email.partition("@")[0],
        role=visit.member.role,
        nav=_navigation(visit, room),
        workspaces=_workspaces(visit),
        tape=read_tape(visit.base) if visit.is_platform or visit.may(Permission.EVENTS_READ) else (),
        pause=PauseView(paused=False) if visit.is_platform else read_pause_banner(visit),
        clock=f"{visit.now:%H:%M:%S} UTC",
        cursor=next_index(),
        live=live and visit.may(Permission.ROOM_READ),
        base=visit.base,
        staff=read_staff_banner(visit),
    )


def nav_counts(permissions: frozenset[Permission]) -> dict[str, int]:
    """What waits in each room, for the numbers beside their names."""
    counts: dict[str, int] = {}
    if Permission.REVIEWS_READ in permissions:
        counts["reviews"] = count_open_reviews()[0]
    if Permission.WEBHOOKS_READ in permissions:
        counts["webhooks"] = count_retrying()
    if Permission.CALLBACKS_READ in permissions:
        counts["inbound"] = count_quarantined()
    if Permission.ALARMS_READ in permissions:
        counts["alarms"] = count_open_alarms()["raised"]
    if Permission.RECONCILIATION_READ in permissions:
        counts["reconciliation"] = count_unresolved()
    return counts


def _navigation(visit: Visit, current: str) -> tuple[NavGroup, ...]:
    shown = [
        each
        for each in (PLATFORM_ROOMS if visit.is_platform else ROOMS)
        if visit.may(each.permission) and (visit.workspace.mode == "sandbox" or not each.sandbox_only)
    ]
    counts = nav_counts(frozenset(each.permission for each in shown))
    return tuple(
        NavGroup(
            title=group,
            items=tuple(
                NavItem(each.title, visit.base + each.path, each.key == current, counts.get(each.key, 0), each.key)
                for each in shown
                if each.group == group
            ),
        )
        for group in dict.fromkeys(each.group for each in shown)
    )


def _workspaces(visit: Visit) -> tuple[WorkspaceLink, ...]:
    entered = list_workspaces_of(user_id=visit.member.user_id)
    if visit.member.grant_id or any(each.mode == "platform" for each in entered):
        entered += list_workspaces_entered(user_id=visit.member.user_id, now=visit.now)
    return tuple(
        WorkspaceLink(each.name, each.slug, each.mode, address_of(each.slug), each.slug == visit.workspace.slug)
        for each in entered
    )


def read_staff_banner(visit: Visit) -> StaffBanner | None:
    """That staff is inside, for themselves and for whoever reads the Access log."""
    if visit.is_platform or not (visit.member.grant_id or visit.may(Permission.ACCESS_READ)):
        return None
    inside = list_inside(workspace_id=visit.workspace.id, now=visit.now)
    mine = [each for each in inside if each.id == visit.member.grant_id]
    shown = mine or ([] if visit.member.grant_id else inside)
    if not shown:
        return None
    return StaffBanner(
        is_me=bool(mine),
        names=", ".join(each.name for each in shown),
        role=shown[0].role if len({each.role for each in shown}) == 1 else "",
        until=moment(max(each.ends_at for each in shown), visit.now),
        url=f"{visit.base}staff-access/",
        end_url=f"/platform/staff-access/{mine[0].id}/end/" if mine else "",
    )


def read_tape(base: str) -> tuple[TapeItem, ...]:
    """What just happened, newest first."""
    shown = [event for event in latest_events(limit=4 * TAPE) if event.type not in OFF_TAPE][:TAPE]
    return tuple(tape_item(ReadEvent(event), intent_url=f"{base}intents/{event.intent_id}/") for event in shown)


def read_pause_banner(visit: Visit) -> PauseView:
    """Whether outgoing money stands still, and who said so."""
    pauses = list_pauses()
    if not pauses:
        return PauseView(paused=False)
    newest = pauses[0]
    names = names_of_users(user_ids=[newest.paused_by], workspace_id=visit.workspace.id)
    return PauseView(
        paused=True,
        reason=newest.reason,
        by=names.get(newest.paused_by, newest.paused_by),
        since=stamp(newest.paused_at),
        rails=()
        if any(pause.rail is None for pause in pauses)
        else tuple(sorted(pause.rail or "" for pause in pauses)),
        may_pause=visit.may(Permission.ROUTING_PAUSE),
        may_resume=visit.may(Permission.ROUTING_RESUME),
        url=f"{visit.base}outgoing/" if visit.may(Permission.ROUTING_READ) else "",
    )
