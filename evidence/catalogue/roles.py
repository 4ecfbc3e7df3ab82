"""Roles that a workspace makes for itself, grants that take two admins, teams, and access reviews."""

from typing import Final

from evidence.catalogue.fields import choice, digest, flag, like, listing, maybe, null, ref, whole, words
from evidence.catalogue.types import EventType

_PERMISSION: Final = words("A permission.", "holds.manage")
_ROLE: Final = {
    "role": words("The key of the role.", "shift_lead"),
    "version": whole("The version of the role from now on."),
    "permissions": listing("What it includes now.", _PERMISSION),
    "added": listing("What it did not include before.", _PERMISSION),
    "taken": like(listing("What it does not include any more.", _PERMISSION), []),
    "holders": whole("How many members have it.", 0),
}
_CHANGE: Final = {
    "change_id": ref("rch", "The proposal."),
    "kind": choice("What it would do.", "member_roles", "role_new", "role_definition"),
    "user_id": maybe(ref("usr", "Who would get the roles; null when it is about a role.")),
    "roles": like(
        listing("The roles that they would have, the main one first.", words("The key of a role.", "finance")), []
    ),
    "role": null(words("The role that it is about; null when it is for a member.", "shift_lead")),
    "asked_by": ref("usr", "Who asked for it."),
    "sole_admin": flag("Whether it was done at once, for there was nobody else to decide.", example=False),
    "permissions": like(listing("What the role would include.", _PERMISSION), []),
}
_TEAM: Final = {
    "team_id": ref("team", "The team."),
    "queue": choice("The queue that it works.", "operations", "compliance"),
    "members": listing("Who is in it.", ref("usr", "A person.")),
}
_REVIEW: Final = {
    "access_review_id": ref("arv", "The review."),
    "sha256": digest("Of the canonical bytes of what was written down."),
    "lines": whole("How many lines: people, keys, clients, grants.", 12),
}

# fmt: off
ALL: Final = (
    EventType("role.created", "Role made", "beside", "svc_edge",
              "A workspace has a role of its own.", "data.role", data=_ROLE),
    EventType("role.changed", "Role changed", "beside", "svc_edge",
              "A role includes something else; it counts at once for all who have it.", "data.role", data=_ROLE),
    EventType("role.retired", "Role retired", "beside", "svc_edge",
              "A role that nobody had cannot be given any more.", "data.role", data=_ROLE),
    EventType("role_change.proposed", "Grant proposed", "beside", "svc_edge",
              "An admin asked for a dangerous grant; a second one decides.", "data.change_id", data=_CHANGE),
    EventType("role_change.applied", "Grant applied", "beside", "svc_edge",
              "A second admin agreed to a dangerous grant, or there was none.", "data.change_id", data=_CHANGE),
    EventType("role_change.refused", "Grant refused", "beside", "svc_edge",
              "A second admin refused a dangerous grant.", "data.change_id", data=_CHANGE),
    EventType("role_change.withdrawn", "Grant withdrawn", "beside", "svc_edge",
              "Who asked for a dangerous grant took it back.", "data.change_id", data=_CHANGE),
    EventType("role_change.expired", "Grant ran out", "beside", "svc_runtime",
              "Nobody decided a dangerous grant within seven days.", "data.change_id", data=_CHANGE),
    EventType("team.created", "Team made", "beside", "svc_edge",
              "Some people work a review queue together.", "data.team_id", data=_TEAM),
    EventType("team.changed", "Team changed", "beside", "svc_edge",
              "A team has other people or another queue.", "data.team_id", data=_TEAM),
    EventType("team.removed", "Team ended", "beside", "svc_edge",
              "A team is no more.", "data.team_id", data=_TEAM),
    EventType("access_review.started", "Access review started", "beside", "svc_edge",
              "Who may do what was written down, to be looked through.", "data.access_review_id", data=_REVIEW),
    EventType("access_review.signed", "Access review signed", "beside", "svc_edge",
              "Every line was looked at, and the whole was signed.", "data.access_review_id",
              data={
                  **_REVIEW,
                  "signed_sha256": digest("Of the canonical bytes of that digest, every mark, who signed and when."),
                  "kept": whole("How many lines stay.", 11),
                  "to_remove": whole("How many lines are to go.", 1),
              }),
    EventType("access_review.abandoned", "Access review given up", "beside", "svc_edge",
              "An access review was given up, unsigned.", "data.access_review_id", data=_REVIEW),
)
# fmt: on
