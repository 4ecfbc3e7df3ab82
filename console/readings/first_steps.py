"""What a workspace without an intent needs next: people, a key, a rail, somebody who listens, a first try."""

from typing import Final

from console.doors import Visit
from console.types.room import FirstStep
from webhooks.queries import list_endpoints
from zentra.routing.queries import list_rails
from zentra.tenants.permissions import Permission
from zentra.tenants.provisioning.queries import find_workspace_record

STEPS: Final = (
    ("people", "Invite people", "who decide, who book, a second admin", "people/", Permission.PEOPLE_READ),
    ("keys", "Make a key", "by which your own service sends intents", "keys/", Permission.KEYS_READ),
    ("rails", "Connect a rail", "the provider that moves the money", "inbound/rails/", Permission.CALLBACKS_READ),
    ("hooks", "Add a webhook endpoint", "where your systems hear of it", "webhooks/", Permission.WEBHOOKS_READ),
    ("settings", "Look at the settings", "time zone, hours, limits", "settings/", Permission.WORKSPACE_READ),
    ("send", "Send the first intent", "with play money", "first-intent/", Permission.SANDBOX_SEND),
)


def read_first_steps(visit: Visit) -> tuple[FirstStep, ...]:
    """The steps in order, with what is done already. Runs inside the workspace."""
    record = find_workspace_record(workspace_id=visit.workspace.id)
    done = {
        "people": record is not None and record.people > 1,
        "keys": record is not None and record.keys > 0,
        "rails": bool(list_rails()),
        "hooks": bool(list_endpoints()),
        "settings": record is not None and record.version > 1,
    }
    return tuple(
        FirstStep(title, words, visit.base + path if visit.may(permission) else "", done.get(key, False))
        for key, title, words, path, permission in STEPS
        if key != "send" or visit.workspace.mode == "sandbox"
    )
