"""The people of a workspace: who has which role."""

from typing import Final

from evidence.catalogue.fields import flag, known, like, listing, null, ref, words
from evidence.catalogue.types import EventType

_ROLES: Final = ("operator", "support", "finance", "compliance", "admin", "auditor", "developer", "viewer")
"""The built-in ones; a workspace has its own beside them."""

_ALSO: Final = listing("Their further roles.", words("The key of a role.", "support"))
_MEMBER: Final = {"user_id": ref("usr", "The person; never a name or an address.")}

# fmt: off
ALL: Final = (
    EventType("member.added", "Member added", "beside", "svc_edge",
              "A person was given a role in this workspace.", "data.user_id",
              data={
                  **_MEMBER,
                  "role": known("The main role.", *_ROLES),
                  "also": _ALSO,
                  "on_shift": flag("Whether new cases come to them."),
                  "is_new_account": flag("Whether the person had no account before.", example=False),
              }),
    EventType("member.role_changed", "Roles changed", "beside", "svc_edge",
              "A person has other roles; it counts at once.", "data.user_id",
              data={
                  **_MEMBER,
                  "from_role": known("The main role before.", *_ROLES),
                  "role": known("The main role now.", *_ROLES),
                  "from_also": like(_ALSO, []),
                  "also": _ALSO,
                  "change_id": null(ref("rch", "The proposal that a second admin agreed to, if it took one.")),
                  "sole_admin": flag("Whether it was given alone, for there was nobody to agree.", example=False),
              }),
    EventType("member.removed", "Member removed", "beside", "svc_edge",
              "A person is no member of this workspace any more; it counts at once.", "data.user_id",
              data={
                  **_MEMBER,
                  "role": known("The main role that was taken away.", *_ROLES),
                  "also": like(_ALSO, []),
              }),
    EventType("member.shift_changed", "Shift changed", "beside", "svc_edge",
              "A person went on shift or off.", "data.user_id",
              data={
                  **_MEMBER,
                  "role": known("Their main role.", *_ROLES),
                  "on_shift": flag("Whether new cases come to them."),
              }),
    EventType("second_factor.enrolled", "Second factor set up", "beside", "svc_edge",
              "A person set up an authenticator.", "data.user_id", delivered=False, data=_MEMBER),
    EventType("second_factor.codes_renewed", "Recovery codes renewed", "beside", "svc_edge",
              "A person has new recovery codes; the old ones ended.", "data.user_id", delivered=False, data=_MEMBER),
    EventType("second_factor.removed", "Second factor removed", "beside", "svc_edge",
              "A person's authenticator and recovery codes ended.", "data.user_id", delivered=False, data=_MEMBER),
)
# fmt: on
