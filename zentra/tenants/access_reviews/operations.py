"""An access review from its snapshot to its signature. What is to go is taken away by hand, in People and Keys."""

from dataclasses import asdict
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import canonical, ids
from zentra.core.actors import Actor
from zentra.core.clock import iso
from zentra.core.tenancy import TenantRef
from zentra.tenants.access_reviews.errors import (
    AccessReviewEnded,
    AccessReviewOpen,
    LinesUnmarked,
    OwnLine,
    StaleAccessReview,
    UnknownAccessReview,
)
from zentra.tenants.access_reviews.queries import review_record
from zentra.tenants.access_reviews.snapshot import take_snapshot
from zentra.tenants.access_reviews.types import AccessLine, AccessReviewRecord, LineMark, Mark
from zentra.tenants.members import held
from zentra.tenants.members.queries import list_members
from zentra.tenants.models import AccessReview
from zentra.tenants.permissions import Permission

LONGEST_NOTE: Final = 300


def start_access_review(*, workspace: TenantRef, actor: Actor, now: datetime) -> AccessReviewRecord:
    """Write down who may do what. Raises AccessReviewOpen, PermissionDenied."""
    held.lock_people(workspace)
    held.acting_member(workspace, actor, Permission.ACCESS_REVIEW)
    snapshot = take_snapshot(workspace=workspace, now=now)
    row = AccessReview(
        id=ids.new_id("arv"), workspace_id=workspace.id, snapshot=snapshot, started_by=actor.id, started_at=now,
        sha256=canonical.sha256_hex(canonical.dumps(snapshot)),
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as already:
        raise AccessReviewOpen("Sign it or give it up first.") from already
    review = review_record(row=row)
    _tell("started", review, actor, now)
    return review


def mark_line(
    *,
    workspace: TenantRef,
    review_id: str,
    line_id: str,
    mark: Mark,
    actor: Actor,
    now: datetime,
    note: str = "",
    version: int | None = None,
) -> AccessReviewRecord:
    """Say of one line that it stays or is to go; a later word replaces an earlier one.

    Raises:
        UnknownAccessReview, AccessReviewEnded, StaleAccessReview, PermissionDenied.
        OwnLine: it is the actor's own access, and somebody else could review it.
    """
    row = _begin(workspace, review_id, version, actor)
    line = next((each for each in review_record(row=row).lines if each.id == line_id), None)
    if line is None or mark not in ("keep", "remove"):
        raise UnknownAccessReview("There is no such line.")
    if line.person == actor.id and _others_who_review(workspace, actor):
        raise OwnLine("Ask somebody else who reviews access to look at this line.")
    said = LineMark(mark, actor.id, iso(now), " ".join(note.split())[:LONGEST_NOTE])
    return _change(row, marks={**row.marks, line_id: asdict(said)})


def mark_rest(
    *, workspace: TenantRef, review_id: str, actor: Actor, now: datetime, version: int | None = None
) -> AccessReviewRecord:
    """Say of every line without a word that it stays, but for the actor's own. Raises as ``mark_line`` does."""
    row = _begin(workspace, review_id, version, actor)
    is_alone = not _others_who_review(workspace, actor)
    said = asdict(LineMark("keep", actor.id, iso(now), ""))
    open_lines = [each for each in review_record(row=row).unmarked if is_alone or each.person != actor.id]
    return _change(row, marks={**row.marks, **{each.id: said for each in open_lines}})


def sign_access_review(
    *, workspace: TenantRef, review_id: str, actor: Actor, now: datetime, note: str = "", version: int | None = None
) -> AccessReviewRecord:
    """Sign a review whose every line has a word; with a fresh second factor, which the door asks for.

    The event names the digest of what was written down and that of what was said of it: the signature.

    Raises:
        UnknownAccessReview, AccessReviewEnded, StaleAccessReview, PermissionDenied.
        LinesUnmarked: some line has no word.
    """
    row = _begin(workspace, review_id, version, actor)
    waiting = review_record(row=row).unmarked
    if waiting:
        raise LinesUnmarked(f"{len(waiting)} lines have no word yet.", lines=len(waiting))
    signed = _change(row, state="signed", signed_by=actor.id, signed_at=now, note=" ".join(note.split())[:LONGEST_NOTE])
    said = {"sha256": signed.sha256, "marks": row.marks, "signed_by": actor.id, "signed_at": iso(now)}
    _tell(
        "signed", signed, actor, now, signed_sha256=canonical.sha256_hex(canonical.dumps(said)),
        kept=_count(signed.lines, "keep"), to_remove=_count(signed.lines, "remove"),
    )  # fmt: skip
    return signed


def abandon_access_review(*, workspace: TenantRef, review_id: str, actor: Actor, now: datetime) -> AccessReviewRecord:
    """Give a review up, unsigned. Raises UnknownAccessReview, AccessReviewEnded, PermissionDenied."""
    row = _begin(workspace, review_id, None, actor)
    given_up = _change(row, state="abandoned")
    _tell("abandoned", given_up, actor, now)
    return given_up


def _begin(workspace: TenantRef, review_id: str, version: int | None, actor: Actor) -> AccessReview:
    held.lock_people(workspace)
    held.acting_member(workspace, actor, Permission.ACCESS_REVIEW)
    try:
        row = AccessReview.objects.filter(workspace_id=workspace.id, id=review_id).first()
    except ids.BadId:
        row = None
    if row is None:
        raise UnknownAccessReview
    if row.state != "open":
        raise AccessReviewEnded(f"It is {row.state}.", state=row.state)
    if version is not None and version != row.version:
        raise StaleAccessReview(version=row.version)
    return row


def _others_who_review(workspace: TenantRef, actor: Actor) -> bool:
    return any(
        Permission.ACCESS_REVIEW in each.permissions and each.has_password and each.user_id != actor.id
        for each in list_members(workspace_id=workspace.id)
    )


def _change(row: AccessReview, **values: object) -> AccessReviewRecord:
    changed = AccessReview.objects.filter(id=row.id, state="open", version=row.version).update(
        version=row.version + 1, **values
    )
    if changed != 1:
        raise StaleAccessReview
    row.refresh_from_db()
    return review_record(row=row)


def _count(lines: tuple[AccessLine, ...], mark: Mark) -> int:
    return sum(line.mark is not None and line.mark.mark == mark for line in lines)


def _tell(what: str, review: AccessReviewRecord, actor: Actor, now: datetime, **more: object) -> None:
    data: dict[str, object] = {
        "access_review_id": review.id, "sha256": review.sha256, "lines": len(review.lines), **more,
    }  # fmt: skip
    record_events(events=[NewEvent(type=f"access_review.{what}", actor=actor, data=data)], now=now)
