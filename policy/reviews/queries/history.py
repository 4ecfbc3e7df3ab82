"""What stands behind a case: its alerts, approvals, notes, files and steps."""

import hashlib
from typing import Any

from django.core.files.storage import default_storage
from django.db import connection

from policy.reviews import store
from policy.reviews.errors import NoSuchReview
from policy.reviews.types import ReviewAlert, ReviewApproval, ReviewAttachment, ReviewNote, ReviewStep, SavedView
from zentra.core import ids
from zentra.core.errors import DomainError
from zentra.core.tenancy import current_tenant


class AttachmentDamaged(DomainError):
    """The stored file is gone, or is not the one that was attached; it is not given out."""

    code = "attachment_damaged"
    status = 500
    title = "The attached file is damaged"


def alerts_of(*, review_id: str) -> list[ReviewAlert]:
    """The alerts of a case, the first one first."""
    return store.select_alerts("WHERE review_id = %s ORDER BY raised_at, id", [_key(review_id)])


def approvals_of(*, review_id: str) -> list[ReviewApproval]:
    """The approvals of a case, in their places."""
    rows = _rows(
        "SELECT place, by_user, by_role, at, reason_code, note FROM policy_review_approval WHERE review_id = %s"
        " ORDER BY place",
        review_id,
    )
    return [ReviewApproval(*row) for row in rows]


def notes_of(*, review_id: str) -> list[ReviewNote]:
    """What was said about a case, in order."""
    rows = _rows(
        "SELECT id, author, text, mentions, at FROM policy_review_note WHERE review_id = %s ORDER BY at, id", review_id
    )
    return [
        ReviewNote(ids.to_public("rvn", key), author, text, tuple(mentions), at)
        for key, author, text, mentions, at in rows
    ]


def attachments_of(*, review_id: str) -> list[ReviewAttachment]:
    """The files of a case, in order."""
    rows = _rows(
        "SELECT id, name, content_type, size, sha256, at, by FROM policy_review_attachment WHERE review_id = %s"
        " ORDER BY at, id",
        review_id,
    )
    return [ReviewAttachment(ids.to_public("rvf", key), *rest) for key, *rest in rows]


def read_attachment(*, review_id: str, attachment_id: str) -> tuple[ReviewAttachment, bytes]:
    """A file of a case with its bytes, at most 10 MiB; raises NoSuchReview, AttachmentDamaged."""
    found = next((each for each in attachments_of(review_id=review_id) if each.id == attachment_id), None)
    if found is None:
        raise NoSuchReview("There is no such file at this review.")
    [(stored_as,)] = _rows(
        "SELECT stored_as FROM policy_review_attachment WHERE review_id = %s AND id = %s",
        review_id,
        ids.to_uuid(attachment_id, prefix="rvf"),
    )
    if not str(stored_as).startswith(f"{current_tenant().schema}/reviews/"):
        raise AttachmentDamaged("The file is not one of this workspace.")
    try:
        with default_storage.open(str(stored_as), "rb") as stored:
            content = bytes(stored.read())
    except OSError as error:
        raise AttachmentDamaged("The stored file is not there any more.") from error
    if hashlib.sha256(content).hexdigest() != found.sha256:
        raise AttachmentDamaged("The stored bytes are not those that were attached.")
    return found, content


def steps_of(*, review_id: str) -> list[ReviewStep]:
    """The history of a case, the first step first."""
    rows = _rows(
        "SELECT what, by, role, at, before, after, note FROM policy_review_step WHERE review_id = %s ORDER BY at, id",
        review_id,
    )
    return [ReviewStep(*row) for row in rows]


def saved_views(*, user_id: str, room: str) -> list[SavedView]:
    """A person's views of a room, by name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, name, query FROM policy_saved_view WHERE user_id = %s AND room = %s ORDER BY name",
            [user_id, room],
        )
        return [SavedView(str(key), name, query) for key, name, query in cursor.fetchall()]


def _key(review_id: str) -> Any:
    try:
        return ids.to_uuid(review_id, prefix="rev")
    except ids.BadId as error:
        raise NoSuchReview(f"There is no review {review_id[:80]!r} in this workspace.") from error


def _rows(statement: str, review_id: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [_key(review_id), *values])
        return list(cursor.fetchall())
