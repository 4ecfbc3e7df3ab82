"""Entries and their keys as rows, many in one message: a list has a hundred thousand of them."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from django.db import connection

from policy.screening.matching.keys import index_keys
from policy.screening.matching.normal import normal_identifier, normalise
from policy.screening.watchlists.stored import digest_of
from policy.screening.watchlists.types import ParsedEntry
from zentra.core import ids
from zentra.core.db.hot import execute_bulk

_ENTRY: Final = (
    "id, list_id, uid, kind, names, dates, countries, identifiers, addresses, programs, title, notes, digest,"
    " first_version"
)
_KEY: Final = "entry_id, list_id, first_version, is_person, names, keys"


def insert_entries(entries: Sequence[ParsedEntry], *, list_id: UUID, number: int) -> None:
    """Add entries of a version, and what they are found by."""
    rows = [(ids.new_uuid(), entry) for entry in entries]
    _copy(f"COPY screening_entry ({_ENTRY}) FROM STDIN", (_entry_row(*row, list_id, number) for row in rows))
    _copy(f"COPY screening_entry_key ({_KEY}) FROM STDIN", (_key_row(*row, list_id, number) for row in rows))


def live_entries(uids: Sequence[str], *, list_id: UUID) -> dict[str, tuple[UUID, str]]:
    """The id and digest of each of these entries that the list has now."""
    found = execute_bulk(
        "SELECT uid, id, digest FROM screening_entry"
        " WHERE list_id = %s AND removed_version IS NULL AND uid = ANY(%s::text[])",
        [list_id, list(uids)],
    )
    return {uid: (entry_id, digest) for uid, entry_id, digest in found.fetchall()}


def end_entries(entry_ids: Sequence[UUID], *, number: int) -> None:
    """Entries that a version changes: from it on they do not count."""
    for table, column in (("screening_entry", "id"), ("screening_entry_key", "entry_id")):
        execute_bulk(
            f"UPDATE {table} SET removed_version = %s WHERE {column} = ANY(%s::uuid[])",  # noqa: S608  # constants of this module
            [number, list(entry_ids)],
        )


def mark_seen(uids: Sequence[str], *, version_id: UUID) -> None:
    """Keep which entries the file has."""
    execute_bulk(
        "INSERT INTO screening_list_seen (version_id, uid) SELECT %s, unnest(%s::text[])", [version_id, list(uids)]
    )


def _copy(statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    # Django's cursor hands on what it does not know; COPY writes in the transaction like any other statement.
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _entry_row(entry_id: UUID, entry: ParsedEntry, list_id: UUID, number: int) -> tuple[Any, ...]:
    return (
        entry_id, list_id, entry.uid, entry.kind,
        json.dumps([[name.text, name.is_weak] for name in entry.names]),
        list(entry.dates), list(entry.countries),
        json.dumps([[one.type, one.value, one.country] for one in entry.identifiers]),
        list(entry.addresses), list(entry.programs), entry.title, list(entry.notes), digest_of(entry), number,
    )  # fmt: skip


def _key_row(entry_id: UUID, entry: ParsedEntry, list_id: UUID, number: int) -> tuple[Any, ...]:
    is_person = entry.kind == "person"
    names = [normalise(name.text, is_person=is_person) for name in entry.names]
    keys = index_keys(names, [normal_identifier(one.value) for one in entry.identifiers])
    texts = list(dict.fromkeys(name.text for name in names if name.tokens))
    return entry_id, list_id, number, is_person, texts, keys
