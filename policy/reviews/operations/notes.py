"""What people say about a case, and the files they put to it. Neither is ever changed, and neither stands in events."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection

from policy.reviews import codes, events, store
from policy.reviews.queries.history import attachments_of
from policy.reviews.types import ReviewAttachment, ReviewNote
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError
from zentra.core.tenancy import current_tenant
from zentra.tenants.queries import names_of_users

MOST_MENTIONS: Final = 20
MOST_ATTACHMENTS: Final = 50
MAX_ATTACHMENT_BYTES: Final = 10 * 1024 * 1024
ATTACHMENT_TYPES: Final[dict[str, bytes]] = {
    "application/pdf": b"%PDF-",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "text/plain": b"",
    "text/csv": b"",
}
"""What may be attached, and how its bytes begin: a file is what it holds, not what it is called."""

_UNSAFE: Final = re.compile(r"[^\w .()+-]|^\.+", re.ASCII)
_LONGEST_NAME: Final = 120


class AttachmentTooLarge(DomainError):
    """The file is empty or has more than 10 MiB, or the case has 50 files already."""

    code = "attachment_too_large"
    status = 413
    title = "The file cannot be attached"


class AttachmentTypeRefused(DomainError):
    """Only PDF, PNG, JPEG, plain text and CSV are kept, and a file must hold what it is called."""

    code = "attachment_type_refused"
    status = 422
    title = "Files of this type are not kept"


def add_note(*, review_id: str, text: str, actor: Actor, now: datetime, mentions: Sequence[str] = ()) -> ReviewNote:
    """Say something about an open case; who is mentioned and is no member here is left out. One's own claim is renewed.

    Recorded as ``review.noted`` without the text. Raises NoSuchReview, ReviewAlreadyDecided, ReasonRequired.
    """
    words = codes.check_words(text)
    review = store.lock_open(review_id)
    members = names_of_users(user_ids=list(mentions))
    named = tuple(dict.fromkeys(each for each in mentions if each in members))[:MOST_MENTIONS]
    note = ReviewNote(ids.new_id("rvn"), actor.id, words, named, now)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policy_review_note (id, review_id, author, text, mentions, at)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [
                ids.to_uuid(note.id, prefix="rvn"), ids.to_uuid(review.id, prefix="rev"), actor.id, words, list(named),
                now,
            ],
        )  # fmt: skip
    _renew(review_id, actor, now)
    store.keep_step(review.id, "noted", actor=actor, at=now, after=note.id)
    events.record("noted", review, actor=actor, now=now, note_id=note.id, mentions=list(named))
    return note


def attach(
    *, review_id: str, name: str, content_type: str, content: bytes, actor: Actor, now: datetime
) -> ReviewAttachment:
    """Put a file to an open case; the same bytes under the same name again are the first attachment.

    The file is written before its row, under a name of its own: a row never points at half a file. Recorded as
    ``review.attached`` with size and SHA-256. Raises NoSuchReview, ReviewAlreadyDecided, AttachmentTooLarge,
    AttachmentTypeRefused.
    """
    if not 0 < len(content) <= MAX_ATTACHMENT_BYTES:
        raise AttachmentTooLarge("A file has 1 byte to 10 MiB.", most_bytes=MAX_ATTACHMENT_BYTES)
    kind = _check_type(content_type, content)
    review = store.lock_open(review_id)
    attached = ReviewAttachment(
        ids.new_id("rvf"), _safe(name), kind, len(content), hashlib.sha256(content).hexdigest(), now, actor.id
    )
    known = _attached(review.id, attached)
    if known is not None:
        return known
    stored_as = default_storage.save(f"{current_tenant().schema}/reviews/{attached.id}", ContentFile(content))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policy_review_attachment (id, review_id, name, content_type, size, sha256, stored_as, at, by)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                ids.to_uuid(attached.id, prefix="rvf"), ids.to_uuid(review.id, prefix="rev"), attached.name, kind,
                attached.size, attached.sha256, stored_as, now, actor.id,
            ],
        )  # fmt: skip
    _renew(review_id, actor, now)
    store.keep_step(review.id, "attached", actor=actor, at=now, after=attached.id, words=attached.name)
    events.record(
        "attached", review, actor=actor, now=now, attachment_id=attached.id, size=attached.size, sha256=attached.sha256
    )
    return attached


def _attached(review_id: str, wanted: ReviewAttachment) -> ReviewAttachment | None:
    """The same file of the case, if it is there; raises AttachmentTooLarge when the case is full."""
    there = attachments_of(review_id=review_id)
    if len(there) >= MOST_ATTACHMENTS:
        raise AttachmentTooLarge(f"A case keeps {MOST_ATTACHMENTS} files.", most_files=MOST_ATTACHMENTS)
    return next((each for each in there if (each.sha256, each.name) == (wanted.sha256, wanted.name)), None)


def _check_type(content_type: str, content: bytes) -> str:
    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    begins = ATTACHMENT_TYPES.get(kind)
    is_text = kind.startswith("text/")
    if begins is None or not content.startswith(begins) or (is_text and b"\0" in content):
        raise AttachmentTypeRefused(
            f"Attach one of {', '.join(ATTACHMENT_TYPES)}; the bytes must be of that type.", allowed=[*ATTACHMENT_TYPES]
        )
    return kind


def _safe(name: str) -> str:
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return _UNSAFE.sub("_", last).strip()[:_LONGEST_NAME] or "file"


def _renew(review_id: str, actor: Actor, now: datetime) -> None:
    review = store.get(review_id)
    renewed = store.renewed(review, actor, now)
    if renewed:
        store.change(review, actor=None, at=now, **renewed)
