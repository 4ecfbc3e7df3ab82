"""What people say about an exception, and the files that they put to it. Neither is ever changed, nor in events."""

import hashlib
import json
import re
from datetime import datetime
from typing import Any, Final

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection

from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.matching.desk import codes, store
from zentra.reconciliation.matching.desk.errors import ExceptionReasonInvalid, NoteFileRefused
from zentra.reconciliation.matching.desk.types import NoteRecord

MOST_FILES: Final = 50
MAX_FILE_BYTES: Final = 10 * 1024 * 1024
FILE_TYPES: Final[dict[str, bytes]] = {
    "application/pdf": b"%PDF-",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "text/plain": b"",
    "text/csv": b"",
}
"""What is kept, and how its bytes begin: a file is what it holds, not what it is called."""

_UNSAFE: Final = re.compile(r"[^\w .()+-]|^\.+", re.ASCII)
_LONGEST_NAME: Final = 120


def add_note(*, exception_id: str, text: str, actor: Actor, now: datetime) -> NoteRecord:
    """Say something about an exception, resolved or not. Raises NoSuchException, ExceptionReasonInvalid (no words)."""
    words = text.strip()[: codes.LONGEST_REASON]
    if not words:
        raise ExceptionReasonInvalid("A note has words.")
    found = store.lock(exception_id, now=now)
    note = NoteRecord(ids.new_id("nte"), found.id, words, "", "", "", 0, actor.as_dict(), now)
    _keep(note, stored_as="")
    store.keep_step(found.id, "noted", actor=actor, now=now, after=note.id)
    return note


def attach_file(
    *, exception_id: str, name: str, content_type: str, content: bytes, actor: Actor, now: datetime
) -> NoteRecord:
    """Put a file to an exception; the same bytes under the same name again are the first note.

    The file is written before its row, under a name of its own: a row never points at half a file. Raises
    NoSuchException, NoteFileRefused.
    """
    if not 0 < len(content) <= MAX_FILE_BYTES:
        raise NoteFileRefused("A file has 1 byte to 10 MiB.", most_bytes=MAX_FILE_BYTES)
    kind = _check_type(content_type, content)
    found = store.lock(exception_id, now=now)
    note = NoteRecord(
        ids.new_id("nte"), found.id, "", _safe(name), kind, hashlib.sha256(content).hexdigest(), len(content),
        actor.as_dict(), now,
    )  # fmt: skip
    known = _known(note)
    if known is not None:
        return known
    stored_as = default_storage.save(f"{current_tenant().schema}/exceptions/{note.id}", ContentFile(content))
    _keep(note, stored_as=stored_as)
    store.keep_step(found.id, "attached", actor=actor, now=now, after=note.id, words=note.file_name)
    return note


def _keep(note: NoteRecord, *, stored_as: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO recon_exception_note (id, exception_id, text, file_name, content_type, storage_name, sha256,"
            " size_bytes, made_by, made_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s)",
            [
                ids.to_uuid(note.id, prefix="nte"), store.key_of(note.exception_id), note.text, note.file_name,
                note.content_type, stored_as, bytes.fromhex(note.sha256) if note.sha256 else None,
                note.size_bytes if note.sha256 else None, json.dumps(note.made_by), note.made_at,
            ],
        )  # fmt: skip


def _known(wanted: NoteRecord) -> NoteRecord | None:
    """The same file of the exception, if it is there; raises NoteFileRefused when the exception is full."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, file_name, content_type, sha256, size_bytes, made_by, made_at FROM recon_exception_note"
            " WHERE exception_id = %s AND file_name <> ''",
            [store.key_of(wanted.exception_id)],
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    for key, name, kind, digest, size, by, at in rows:
        if (bytes(digest).hex(), name) == (wanted.sha256, wanted.file_name):
            return NoteRecord(
                ids.to_public("nte", key), wanted.exception_id, "", name, kind, wanted.sha256, size, store.as_json(by),
                at,
            )  # fmt: skip
    if len(rows) >= MOST_FILES:
        raise NoteFileRefused(f"An exception keeps {MOST_FILES} files.", most_files=MOST_FILES)
    return None


def _check_type(content_type: str, content: bytes) -> str:
    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    begins = FILE_TYPES.get(kind)
    if begins is None or not content.startswith(begins) or (kind.startswith("text/") and b"\0" in content):
        raise NoteFileRefused(
            f"Put one of {', '.join(FILE_TYPES)}; the bytes must be of that type.", allowed=[*FILE_TYPES]
        )
    return kind


def _safe(name: str) -> str:
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return _UNSAFE.sub("_", last).strip()[:_LONGEST_NAME] or "file"
