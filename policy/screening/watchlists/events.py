"""What of watchlists is recorded: ids, counts and codes, never a name."""

from evidence.types import NewEvent
from policy.screening.watchlists.types import VersionRecord
from zentra.core import telemetry
from zentra.core.actors import POLICY, Actor


def imported(version: VersionRecord) -> NewEvent:
    """A version is ready."""
    return NewEvent(
        "watchlist.imported",
        POLICY,
        {**_version(version), **_counts(version), "sha256": version.sha256, "started_by": version.imported_by["id"]},
        trace_id=telemetry.trace_id(),
    )


def import_failed(version: VersionRecord) -> NewEvent:
    """A file was refused; nothing of it counts."""
    facts = {"code": version.problem["code"], "line": version.problem["line"], "started_by": version.imported_by["id"]}
    return NewEvent("watchlist.import_failed", POLICY, {**_version(version), **facts}, trace_id=telemetry.trace_id())


def activated(version: VersionRecord, *, actor: Actor) -> NewEvent:
    """A version is the one that parties are screened against."""
    facts = {"previous": version.base_number, "is_shrinking": version.is_shrinking}
    return NewEvent(
        "watchlist.activated", actor, {**_version(version), **_counts(version), **facts}, trace_id=telemetry.trace_id()
    )


def _version(version: VersionRecord) -> dict[str, object]:
    return {"list_id": version.list_id, "version_id": version.id, "version": version.number}


def _counts(version: VersionRecord) -> dict[str, object]:
    return {name: getattr(version, name) for name in ("entries", "added", "changed", "removed")}
