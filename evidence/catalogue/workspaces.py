"""The life of a workspace: made, configured, suspended, archived, deleted, taken along as a file."""

from typing import Final

from evidence.catalogue.fields import choice, digest, listing, moment, null, optional, ref, whole, words
from evidence.catalogue.types import EventType

_WHO: Final = {
    "workspace_id": ref("ws", "The workspace."),
    "slug": words("Its short name.", "acme-sandbox"),
}
_TURN: Final = {**_WHO, "version": whole("The version of the workspace that this made.", 4)}
_FILE: Final = {"export_id": ref("exp", "The export.")}

# fmt: off
ALL: Final = (
    EventType("workspace.created", "Workspace created", "beside", "svc_runtime", "A workspace exists.",
              "data.workspace_id", delivered=False,
              data={
                  **_WHO,
                  "mode": choice("Whether its money is real.", "sandbox", "live"),
                  "twin_of": optional(null(ref("ws", "The sandbox workspace whose live twin it is."))),
                  "requested_by": optional(words("Who asked for it.", "usr_01jd3x7c2m9v5t0qk8w4z6r1bn")),
              }),
    EventType("workspace.suspended", "Workspace suspended", "beside", "svc_edge",
              "People and keys are refused from now on; callbacks and work in flight go on.", "data.workspace_id",
              delivered=False, data=_TURN),
    EventType("workspace.resumed", "Workspace resumed", "beside", "svc_edge",
              "People and keys are let in again.", "data.workspace_id", delivered=False, data=_TURN),
    EventType("workspace.archived", "Workspace archived", "beside", "svc_edge",
              "Nobody enters any more; its data is deleted after the moment that is named.", "data.delete_after",
              delivered=False, data={**_TURN, "delete_after": moment("From when on its data is deleted.")}),
    EventType("workspace.unarchived", "Workspace taken out of the archive", "beside", "svc_edge",
              "The workspace is suspended again, and not deleted.", "data.workspace_id", delivered=False, data=_TURN),
    EventType("workspace.deleted", "Workspace deleted", "beside", "svc_runtime",
              "Its data is gone for good; its short name stays taken.", "data.workspace_id", delivered=False,
              data={
                  **_TURN,
                  "last_root": optional(null(digest("The root of its evidence log when it was deleted."))),
                  "last_size": optional(whole("How many leaves that log had.", 1_204)),
              }),
    EventType("platform.set_up", "Installation set up", "beside", "svc_edge",
              "The platform's first admin set a password.", "data.user_id", delivered=False,
              data={"user_id": ref("usr", "The person; never a name or an address.")}),
    EventType("workspace.settings_changed", "Settings changed", "beside", "svc_edge",
              "Settings of the workspace have other values; what they say stays with the workspace.",
              "data.settings_sha256", delivered=False,
              data={
                  "names": listing("Which settings.", words("A setting's name.", "time_zone")),
                  "version": whole("The version of the workspace that this made.", 4),
                  "settings_sha256": digest("Of all its settings as they are stored now."),
              }),
    EventType("workspace.export_requested", "Export asked for", "beside", "svc_edge",
              "Somebody asked for everything of the workspace as a file.", "data.export_id", delivered=False,
              data=_FILE),
    EventType("workspace.exported", "Workspace exported", "beside", "svc_runtime",
              "The file with everything of the workspace is ready.", "data.sha256", delivered=False,
              data={
                  **_FILE,
                  "tables": whole("How many tables are in it.", 84),
                  "rows": whole("How many rows are in it.", 120_433),
                  "size": whole("Its size, bytes.", 48_112_003),
                  "sha256": digest("Of the file."),
              }),
    EventType("workspace.export_downloaded", "Export downloaded", "beside", "svc_edge",
              "Somebody took the file with everything of the workspace.", "data.export_id", delivered=False,
              data=_FILE),
)
# fmt: on
