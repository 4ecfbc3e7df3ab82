"""Where a member is signed in, for admins: seen and ended on the member's page.

Only of people who are in no other workspace: a session is a person's, and whoever gave them a role somewhere else has
no say in it. Taking the role away ends what they may do here, open pages too.
"""

from django.http import HttpResponse

from console.doors import Visit, room
from console.forms import act_once, words
from console.presenters.security import session_row
from console.types.step_up import SessionRow
from zentra.core.ids import BadId
from zentra.tenants.members.errors import UnknownMember
from zentra.tenants.members.queries import find_member_record
from zentra.tenants.permissions import Permission
from zentra.tenants.sessions.operations import end_session, end_sessions
from zentra.tenants.sessions.queries import are_sessions_of, list_sessions
from zentra.tenants.sessions.requests import session_of


def may_see_sessions(visit: Visit, user_id: str) -> bool:
    """Whether this person sees and ends a member's sessions here."""
    return visit.may(Permission.PEOPLE_MANAGE) and are_sessions_of(workspace_id=visit.workspace.id, user_id=user_id)


def session_rows(visit: Visit, user_id: str) -> tuple[SessionRow, ...]:
    """A member's open sessions."""
    mine = session_of(visit.request)
    return tuple(session_row(each, mine=mine) for each in list_sessions(user_id=user_id))


@room(Permission.PEOPLE_MANAGE, step_up=True)
def end(visit: Visit, user_id: str) -> HttpResponse:
    """End one session of a member, or all of them."""
    _check_member(visit, user_id)
    wanted = words(visit, "session_id")

    def effect() -> str:
        if wanted != "all":
            end_session(user_id=user_id, session_id=wanted, reason="ended", actor=visit.actor(), now=visit.now)
            return "That session has ended."
        mine = session_of(visit.request) if user_id == visit.member.user_id else ""
        ended = end_sessions(user_id=user_id, but=mine, reason="ended", actor=visit.actor(), now=visit.now)
        return f"{ended} {'session has' if ended == 1 else 'sessions have'} ended."

    return act_once(visit, operation="people.sessions", effect=effect, to=f"{visit.base}people/{user_id}/")


def _check_member(visit: Visit, user_id: str) -> None:
    try:
        found = find_member_record(workspace_id=visit.workspace.id, user_id=user_id)
    except BadId:
        found = None
    if found is None or not may_see_sessions(visit, found.user_id):
        raise UnknownMember
