"""Which rows of files were imported before: one idempotency key for each external id or account, kept for ever.

The rows of ``zentra.core.idempotency`` are used by the chunk: all of it is looked up, and what was written is kept, in
one statement each. Two imports of one file meet on the primary key: the second one's chunk is taken back and read anew.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from ledger.files.errors import ImportMoved
from ledger.files.types import FileKind, Words


@dataclass(frozen=True, slots=True)
class KeptKey:
    """What is known of a row that was imported before."""

    fingerprint: bytes
    answer: Mapping[str, str]  # import_id, and the id of what was written


def operation_of(kind: FileKind) -> str:
    """The operation under which keys are kept; the API's own never collide with it."""
    return f"ledger.import.{kind}"


def find_keys(*, kind: FileKind, keys: Sequence[str]) -> dict[str, KeptKey]:
    """Those of the keys that were imported before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, fingerprint, body FROM idempotency_key WHERE operation = %s AND key = ANY (%s)",
            [operation_of(kind), list(keys)],
        )
        return {key: KeptKey(bytes(stored), json.loads(bytes(body))) for key, stored, body in cursor.fetchall()}


def keep_keys(*, kind: FileKind, import_id: str, written: Sequence[tuple[Words, str]], now: datetime) -> None:
    """Keep the keys of what was written, with its id; raises ImportMoved when somebody else wrote one of them first."""
    if not written:
        return
    # In one order, so that two imports of one file wait for each other instead of ending in a deadlock.
    rows = sorted(written, key=lambda row: row[0].key)
    bodies = [json.dumps({"id": written_id, "import_id": import_id}).encode() for _, written_id in rows]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO idempotency_key (operation, key, fingerprint, status, body, created_at)"
            " SELECT %s, n.key, n.fingerprint, 201, n.body, %s"
            "   FROM unnest(%s::text[], %s::bytea[], %s::bytea[]) AS n (key, fingerprint, body)"
            " ON CONFLICT DO NOTHING",
            [operation_of(kind), now, [w.key for w, _ in rows], [w.fingerprint for w, _ in rows], bodies],
        )
        if cursor.rowcount != len(rows):
            raise ImportMoved("Another import wrote one of these rows at the same moment.")
