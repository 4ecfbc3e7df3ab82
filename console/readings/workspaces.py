"""What the platform's rooms read of workspaces: how they run, and what the platform's log says of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from evidence.queries import list_events
from evidence.types import RecordedEvent
from zentra.core import ids
from zentra.tenants.health import WorkspaceHealth, workspaces_health
from zentra.tenants.models import User
from zentra.tenants.provisioning.types import WorkspaceRecord

ABOUT_WORKSPACES = (
    "workspace.created", "workspace.suspended", "workspace.resumed", "workspace.archived", "workspace.unarchived",
    "workspace.deleted", "staff.access_granted", "staff.access_ended",
)  # fmt: skip
ABOUT_SIGN_IN = {
    "sign-in": ("sign_in.failed", "sign_in.limited"),
    "refused": ("access.denied",),
    "passwords": ("password.reset_requested", "password.changed"),
    "second factors": (
        "second_factor.enrolled", "second_factor.codes_renewed", "second_factor.removed", "passkey.added",
        "passkey.removed", "passkey.copy_suspected",
    ),
}  # fmt: skip


def health_of(records: Sequence[WorkspaceRecord], *, now: datetime) -> Mapping[UUID, WorkspaceHealth]:
    """How those of these workspaces run that have a schema."""
    refs = [each.ref for each in records if each.state != "deleted"]
    return workspaces_health(workspaces=refs, now=now)


def history_of(record: WorkspaceRecord, *, limit: int = 20) -> list[RecordedEvent]:
    """What the platform's log says of a workspace, newest first. Runs on the platform."""
    found, _ = list_events(types=ABOUT_WORKSPACES, text=record.public_id, limit=limit)
    return found


def names_of_people(user_ids: Sequence[str]) -> dict[str, str]:
    """Display names of anybody, for the platform's own staff."""
    wanted = [each for each in user_ids if each.startswith("usr_") and _is_id(each)]
    return {each.id: each.name or each.email for each in User.objects.filter(id__in=wanted)}


def _is_id(text: str) -> bool:
    try:
        ids.to_uuid(text, prefix="usr")
    except ids.BadId:
        return False
    return True
