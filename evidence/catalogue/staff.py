"""The platform's own staff inside a workspace. In the workspace's log, and in the platform's."""

from typing import Final

from evidence.catalogue.fields import choice, moment, ref, whole
from evidence.catalogue.types import EventType

_GRANT: Final = {
    "grant_id": ref("stf", "The grant; why it was asked for stays with it."),
    "user_id": ref("usr", "Who of the staff; never a name or an address."),
    "workspace_id": ref("ws", "The workspace that they may enter."),
}

# fmt: off
ALL: Final = (
    EventType("staff.access_granted", "Staff access granted", "beside", "svc_edge",
              "One of the platform's staff may enter the workspace, until the moment that is named.", "data.grant_id",
              delivered=False,
              data={
                  **_GRANT,
                  "role": choice("As what.", "viewer", "support"),
                  "minutes": whole("For how many minutes.", 60),
                  "ends_at": moment("When it ends by itself."),
              }),
    EventType("staff.access_ended", "Staff access ended", "beside", "svc_edge",
              "One of the platform's staff may not enter the workspace any more; open pages closed.", "data.grant_id",
              delivered=False,
              data={
                  **_GRANT,
                  "by": choice("What ended it: its time, they themselves, an admin.", "time", "staff", "admin"),
              }),
)
# fmt: on
