"""Watchlists: imports and activations. Ids, counts and codes only: who is on a list stays in the workspace's tables."""

from typing import Final

from evidence.catalogue.fields import digest, flag, like, maybe, ref, whole, words
from evidence.catalogue.types import EventType

_VERSION: Final = {
    "list_id": ref("wls", "The watchlist."),
    "version_id": ref("wlv", "The version."),
    "version": whole("The version's number; a list's versions count up.", 2),
}
_COUNTS: Final = {
    "entries": whole("How many entries it has.", 14_965),
    "added": whole("How many the active version before it did not have.", 305),
    "changed": whole("How many say something else than there.", 0),
    "removed": whole("How many it no longer has.", 8),
}
_STARTED_BY: Final = words("Who started the import.", "usr_01jd3x7c2m9v5t0qk8w4z6r1bn")

# fmt: off
ALL: Final[tuple[EventType, ...]] = (
    EventType("watchlist.imported", "Watchlist imported", "beside", "svc_policy",
              "A new version of a watchlist is ready; nobody is screened against it before it is activated.",
              "data.version_id",
              data={**_VERSION, **_COUNTS, "sha256": digest("SHA-256 of the file, hex."), "started_by": _STARTED_BY}),
    EventType("watchlist.import_failed", "Watchlist refused", "beside", "svc_policy",
              "The file of a watchlist was refused; nothing of it counts.", "data.version_id",
              data={
                  **_VERSION,
                  "code": words("Why.", "watchlist_truncated"),
                  "line": maybe(whole("The line of the file, from 1; null when it is none in particular.", 812)),
                  "started_by": _STARTED_BY,
              }),
    EventType("watchlist.activated", "Watchlist activated", "beside", "svc_policy",
              "Parties are screened against this version from now on, and all of them again.", "data.version_id",
              data={
                  **_VERSION, **_COUNTS,
                  "previous": maybe(like(_VERSION["version"], 1)),
                  "is_shrinking": flag("Whether it lost more than a fifth of its entries, and somebody confirmed it.",
                                       example=False),
              }),
)
# fmt: on
